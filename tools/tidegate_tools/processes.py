"""Child processes that are always ended and reaped, each by its own id."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from tidegate_tools.errors import ProcessError

POLL_S = 0.02
TAIL_LINES = 4


class Child:
    """One child process; its output goes to a log file, appended.

    Arguments: name, as people call it; command, a list; log_path; environment, what is added to
    our own. The child gets a session of its own, so that Ctrl-C on the terminal reaches us only
    and we end it in order. Its input is a pipe: a child may take the end of it as the sign that
    we are gone.
    Errors: ProcessError where the command cannot be started.
    """

    def __init__(self, name, command, log_path, environment=None):
        self.name = name
        self.log_path = Path(log_path)
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        try:
            with self.log_path.open("ab") as log:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
                    env={**os.environ, **(environment or {})}, start_new_session=True)
        except OSError as error:
            raise ProcessError("%s cannot be started with %s: %s"
                               % (name, command[0], error.strerror)) from error

    @property
    def pid(self):
        return self._process.pid

    def status(self):
        """The exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def say(self, data):
        """Write to its input, at once."""
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def kill(self):
        """SIGKILL, and reap. Nothing happens where it has ended."""
        if self.status() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdin.close()

    async def end(self, patience_s, word=b""):
        """SIGINT, or a word on its input, and SIGKILL after `patience_s`. Result: the status."""
        if self.status() is None and word:
            self.say(word)
        elif self.status() is None:
            self._process.send_signal(signal.SIGINT)
        waited_s = 0.0
        while self.status() is None and waited_s < patience_s:
            await asyncio.sleep(POLL_S)
            waited_s += POLL_S
        self.kill()
        return self.status()

    def tail(self, count_max=TAIL_LINES):
        """The last lines of what this child wrote."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return [line for line in lines if line.strip()][-count_max:]

    def death(self):
        """One text about a child that ended by itself: how, and what it said last."""
        status = self.status()
        how = "signal %d" % -status if status < 0 else "status %d" % status
        said = self.tail()
        return "%s ended with %s%s" % (
            self.name, how, ": " + " | ".join(said) if said else " and said nothing")
