"""Ports of a POSIX host but for its network, for MicroPython's Unix port and for CPython alike."""

import os
import select
import sys
import time

from tidegate.clock.anchor import RTC
from tidegate.hal.files import FileKeep

_INPUT = 0
# What a pipe takes at once or not at all, POSIX's least.
_PIPE_BYTES = 512


def _raw(stream):
    """A stream without CPython's buffer, in which bytes would wait where poll cannot see them."""
    return getattr(stream, "raw", stream)


def _monotonic_ms():
    if sys.implementation.name == "micropython":
        return time.ticks_ms()
    return time.monotonic_ns() // 1_000_000


class PosixClock:
    """The host's clock, which may run faster than the wall's.

    Arguments: speed, how many simulated ms pass in one; wall_ms and utc_ms, a moment of the
    host's Unix time and the simulated UTC it stands for (both None: they are the same).
    """

    ticks_mask_ms = (1 << 30) - 1

    def __init__(self, speed=1, wall_ms=None, utc_ms=None):
        self.speed = speed
        self._wall_ms = 0 if wall_ms is None else wall_ms
        self._utc_ms = self._wall_ms if utc_ms is None else utc_ms

    def ticks_ms(self):
        """See `hal.ports.Clock.ticks_ms`."""
        return (_monotonic_ms() * self.speed) & self.ticks_mask_ms

    def utc_ms(self):
        """See `hal.ports.Clock.utc_ms`: the host's clock counts as a clock chip."""
        wall_ms = time.time_ns() // 1_000_000
        return self._utc_ms + (wall_ms - self._wall_ms) * self.speed, RTC


class PosixEntropy:
    """The host's generator."""

    def random_bytes(self, count):
        """See `hal.ports.Entropy.random_bytes`."""
        return os.urandom(count)


class PosixTerminal:
    """Two unbuffered byte streams, by default those of the process.

    A tty of the process is made raw; `close` undoes that.
    Members: source, to be waited on; is_ended, whether nothing will be read from it any more.
    """

    def __init__(self, source=None, sink=None):
        self.source = source or _raw(sys.stdin.buffer)
        self.is_ended = False
        self._sink = sink or _raw(sys.stdout.buffer)
        self._poll = select.poll()
        self._poll.register(self.source, select.POLLIN)
        self._output_poll = select.poll()
        self._output_poll.register(self._sink, select.POLLOUT)
        self._modes = None if source else _make_raw()
        self._is_tty = self._modes is not None
        self.newline = b"\r\n" if self._is_tty else b"\n"

    def read_into(self, buffer):
        """See `hal.ports.Terminal.read_into`."""
        count = 0
        while count < len(buffer):
            events = self._poll.poll(0)
            if not events:
                break
            try:
                byte = self.source.read(1)
            except OSError:
                byte = b""
            if not byte:
                self.is_ended = True
                break
            buffer[count] = byte[0]
            count += 1
        return count

    def write(self, data):
        """See `hal.ports.Terminal.write`. Where nobody reads any more nothing is taken."""
        count = 0
        # A tty that can take one byte may wait with two.
        size = 1 if self._is_tty else min(len(data), _PIPE_BYTES)
        while count < len(data):
            events = self._output_poll.poll(0)
            if not events or not events[0][1] & select.POLLOUT:
                break
            try:
                taken = self._sink.write(data[count:count + size]) or 0
            except OSError:
                break
            count += taken
            if not taken or not self._is_tty:
                break
        return count

    def close(self):
        """Leave the tty as it was found."""
        if self._modes is not None:
            import termios
            termios.tcsetattr(_INPUT, termios.TCSANOW, self._modes)
            self._modes = None


def _make_raw():
    """Have every byte of the process's tty as it is typed, Ctrl-C as well.

    Result: its modes before, None where it is no tty.
    """
    if hasattr(os, "isatty") and not os.isatty(_INPUT):
        return None
    try:
        import termios
        modes = termios.tcgetattr(_INPUT)
    except (ImportError, OSError):
        return None
    if hasattr(termios, "setraw"):
        termios.setraw(_INPUT)
    else:
        import tty
        tty.setraw(_INPUT)
    return modes


def _make_private(path):
    """A new, empty file that nobody but its owner may read: what follows may be a secret."""
    if sys.implementation.name == "micropython":
        # Its `os` knows no modes.
        os.system("umask 077; : 2>/dev/null > '%s'" % path.replace("'", "'\\''"))
    else:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


class PosixKeep(FileKeep):
    """Small records as files that nobody but their owner may read."""

    def save(self, name, record):
        """See `hal.ports.Keep.save`."""
        try:
            _make_private(self.new_path(name))
        except OSError:
            return False
        return super().save(name, record)


class PosixScratch:
    """What a chip's memory would hold over a reset by its watchdog: a file of that moment.

    Every other end of a process is a loss of power. Argument: path. Member: was_bitten, whether
    the watchdog ended the process before.
    """

    def __init__(self, path):
        self._path = path
        self._record = self._found = b""
        try:
            with open(path, "rb") as file:
                self._found = file.read()
            os.remove(path)
            self.was_bitten = True
        except OSError:
            self.was_bitten = False

    def load(self):
        """See `hal.ports.Scratch.load`."""
        return self._found

    def save(self, record):
        """See `hal.ports.Scratch.save`. The record itself is kept, with what is put in later."""
        self._record = record

    def bitten(self):
        """The watchdog is about to end the process."""
        with open(self._path, "wb") as file:
            file.write(self._record)


class PosixWatchdog:
    """Ends the process when a feed comes too late, as the chip would reset the board.

    It cannot interrupt a turn that never returns; a chip can. Arguments: clock; timeout_ms;
    scratch, which is told.
    """

    def __init__(self, clock, timeout_ms, scratch=None):
        self._clock = clock
        self._timeout_ms = timeout_ms * clock.speed
        self._scratch = scratch
        self._fed_ms = None

    def feed(self):
        """See `hal.ports.Watchdog.feed`. Errors: SystemExit with status 70."""
        now_ms = self._clock.ticks_ms()
        late_ms = 0
        if self._fed_ms is not None:
            late_ms = (now_ms - self._fed_ms) & self._clock.ticks_mask_ms
        self._fed_ms = now_ms
        if late_ms > self._timeout_ms:
            sys.stderr.write("watchdog: fed %d ms after the last time\n" % late_ms)
            if self._scratch is not None:
                self._scratch.bitten()
            sys.exit(70)
