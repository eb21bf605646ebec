"""Ports of a POSIX host, for MicroPython's Unix port and for CPython alike."""

import os
import select
import socket
import sys
import time

from tidegate.clock.anchor import RTC

_PENDING = (115, 36, 114, 37, 11, 35)  # EINPROGRESS, EALREADY, EAGAIN: Linux, macOS
_CONNECTED = (106, 56)  # EISCONN: Linux, macOS
_TCP, _NODELAY = 6, 1


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


class PosixStream:
    """A TCP connection; see `hal.ports.Stream`."""

    def __init__(self, address):
        self.socket = socket.socket()
        self._address = address
        self.socket.setblocking(False)
        self.socket.setsockopt(_TCP, _NODELAY, 1)

    def is_connected(self):
        """Asks by connecting again: the answer says how far the first call has come."""
        try:
            self.socket.connect(self._address)
        except OSError as error:
            if error.errno in _CONNECTED:
                return True
            if error.errno in _PENDING:
                return False
            raise
        return True

    def receive_into(self, buffer):
        """See `hal.ports.Stream.receive_into`."""
        if sys.implementation.name == "micropython":
            return self.socket.readinto(buffer)
        try:
            return self.socket.recv_into(buffer)
        except BlockingIOError:
            return None

    def send(self, data):
        """See `hal.ports.Stream.send`."""
        if sys.implementation.name == "micropython":
            return self.socket.write(data) or 0
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0

    def close(self):
        """See `hal.ports.Stream.close`."""
        try:
            self.socket.close()
        except OSError:
            pass


class PosixNetwork:
    """TCP of the host. A name, unlike a number, is looked up by a call that may block.

    Argument: clock, a PosixClock, whose speed turns waits into wall time.
    """

    def __init__(self, clock):
        self._speed = clock.speed
        self._poll = select.poll()

    def is_up(self):
        """A host is always on line."""
        return True

    def resolve(self, host, port):
        """See `hal.ports.Network.resolve`."""
        return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][-1]

    def open(self, address):
        """See `hal.ports.Network.open`."""
        stream = PosixStream(address)
        try:
            stream.is_connected()
        except OSError:
            stream.close()
            raise
        return stream

    def wait(self, stream, writing, wait_ms):
        """See `hal.ports.Network.wait`."""
        wall_ms = -(-wait_ms // self._speed)
        if stream is None:
            time.sleep(wall_ms * 0.001)
            return
        self._poll.register(stream.socket, select.POLLIN | (select.POLLOUT if writing else 0))
        self._poll.poll(wall_ms)
        self._poll.unregister(stream.socket)


class PosixTerminal:
    """Two unbuffered byte streams, by default those of the process."""

    def __init__(self, source=None, sink=None):
        self._source = source or _raw(sys.stdin.buffer)
        self._sink = sink or _raw(sys.stdout.buffer)
        self._poll = select.poll()
        self._poll.register(self._source, select.POLLIN)
        self._output_poll = select.poll()
        self._output_poll.register(self._sink, select.POLLOUT)

    def read_into(self, buffer):
        """See `hal.ports.Terminal.read_into`."""
        count = 0
        while count < len(buffer):
            events = self._poll.poll(0)
            if not events or not events[0][1] & select.POLLIN:
                break
            byte = self._source.read(1)
            if not byte:
                break
            buffer[count] = byte[0]
            count += 1
        return count

    def write(self, data):
        """See `hal.ports.Terminal.write`. Where nobody reads any more nothing is taken."""
        if not self._output_poll.poll(0):
            return 0
        try:
            return self._sink.write(data) or 0
        except OSError:
            return 0


class PosixWatchdog:
    """Ends the process when a feed comes too late, as the chip would reset the board.

    It cannot interrupt a turn that never returns; a chip can. Arguments: clock; timeout_ms.
    """

    def __init__(self, clock, timeout_ms):
        self._clock = clock
        self._timeout_ms = timeout_ms * clock.speed
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
            sys.exit(70)
