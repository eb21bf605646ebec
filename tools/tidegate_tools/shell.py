"""How a command runs and ends: signals, exit statuses, the one line of an error."""

import asyncio
import signal
import sys

EXIT_FAILED = 1
EXIT_USAGE = 2
# More than any cleaning up takes.
CLEAN_UP_S = 3.0
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")
                if hasattr(signal, name))


class Interrupted(Exception):
    """A signal ended the command; `status` is what a shell expects then (130 for Ctrl-C)."""

    def __init__(self, number):
        super().__init__(number)
        self.status = 128 + number


async def end(task, patience_s=1.0):
    """Cancels a task and waits until it has ended; its result or error is nobody's concern.

    It is cancelled again after each `patience_s`: `asyncio.wait_for`, which the MQTT library
    uses, loses a cancellation that arrives together with the awaited result (before Python 3.12).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=patience_s)
    if not task.cancelled():
        task.exception()


def run(main):
    """Runs a coroutine; the first signal cancels it, and it is given time to clean up.

    Result: the coroutine's. Errors: Interrupted, after the cleaning up.
    """
    received = []
    enders = []

    async def guarded():
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(main)

        def interrupt(number):
            if not received:
                received.append(number)
                enders.append(asyncio.ensure_future(end(task, CLEAN_UP_S)))

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
