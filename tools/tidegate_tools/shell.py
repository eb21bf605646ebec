"""How a command runs and ends: signals, exit statuses, the one line of an error."""

import asyncio
import signal
import sys

EXIT_FAILED = 1
EXIT_USAGE = 2
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")
                if hasattr(signal, name))


class Interrupted(Exception):
    """A signal ended the command; `status` is what a shell expects then (130 for Ctrl-C)."""

    def __init__(self, number):
        super().__init__(number)
        self.status = 128 + number


def run(main):
    """Runs a coroutine; the first signal cancels it, and it is given time to clean up.

    Result: the coroutine's. Errors: Interrupted, after the cleaning up.
    """
    received = []

    async def guarded():
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(main)

        def interrupt(number):
            if not received:
                received.append(number)
                task.cancel()

        for number in SIGNALS:
            loop.add_signal_handler(number, interrupt, number)
        return await task

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise Interrupted(received[0] if received else signal.SIGINT) from None


def complain(text):
    """One line on standard error."""
    print("tidegate: " + " ".join(str(text).split("\n")), file=sys.stderr, flush=True)
