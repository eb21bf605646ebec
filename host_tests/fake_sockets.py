"""The sockets of the boards: real ones of the host, with the chips' numbers and manners.

Written after `ports/esp32/modsocket.c` and `extmod/modlwip.c`. Runs on both interpreters.
"""

import errno
import io
import select
import socket
import sys

# The host's numbers, and those of newlib on an ESP32.
ESP32_ERRNO = {115: 119, 114: 120, 106: 127, 107: 128, 103: 113, 113: 118, 110: 116}
IS_MICROPYTHON = sys.implementation.name == "micropython"


class Module:
    """What `import` finds."""


# Of `ioctl`, see MicroPython's `py/stream.h`.
_POLL, _ERROR = 3, -1


class Socket(io.IOBase if IS_MICROPYTHON else object):
    """A socket of the host with the manners of the chip's. Class attribute: codes, {the host's
    errno: the chip's}."""

    codes = ESP32_ERRNO

    def __init__(self, family=socket.AF_INET, kind=socket.SOCK_STREAM):
        self._socket = socket.socket(family, kind)
        self._kind = kind
        self._is_blocking = True
        self._has_begun = False
        self.options = []

    def _try(self, call, *arguments):
        assert not self._is_blocking, "it would wait for the network"
        try:
            return call(*arguments)
        except OSError as error:
            code = error.errno
            if code in (errno.EAGAIN, 35):
                return None
            raise OSError(self.codes.get(code, code)) from None

    def setblocking(self, flag):
        """On the chip this is `settimeout`: what was set before is gone."""
        self._is_blocking = bool(flag)
        self._socket.setblocking(flag)

    def setsockopt(self, level, option, value):
        self.options.append((level, option, value))
        self._socket.setsockopt(level, option, value)

    def connect(self, address):
        assert isinstance(address, tuple) and isinstance(address[0], str), "a tuple of its own"
        assert all(part.isdigit() for part in address[0].split(".")), "it would look up the name"
        assert not self._has_begun, "it says 'already' for ever, even where it has failed"
        self._has_begun = True
        self._try(self._socket.connect, _system(address, self._kind))

    def readinto(self, buffer):
        return self._try(
            self._socket.readinto if IS_MICROPYTHON else self._socket.recv_into, buffer)

    def write(self, data):
        return self._try(self._socket.write if IS_MICROPYTHON else self._socket.send, data)

    def sendto(self, data, address):
        assert isinstance(address, tuple)
        return self._try(self._socket.sendto, data, _system(address, self._kind))

    def recvfrom(self, count):
        got = self._try(self._socket.recvfrom, count)
        if got is None:
            raise OSError(errno.EAGAIN)
        data, sender = got
        if IS_MICROPYTHON:
            sender = ".".join(str(part) for part in sender[4:8]), sender[2] << 8 | sender[3]
        return data, sender

    def bind(self, address):
        self._socket.bind(address)

    def fileno(self):
        return self._socket.fileno()

    def ioctl(self, request, argument):
        """How MicroPython's poll asks."""
        if request != _POLL:
            return _ERROR
        poll = select.poll()
        poll.register(self._socket, argument)
        events = poll.poll(0)
        return events[0][1] if events else 0

    def close(self):
        self._socket.close()


def _system(address, kind):
    return socket.getaddrinfo(address[0], address[1], socket.AF_INET, kind)[0][-1]


def module():
    """What `import socket` finds on a board."""
    fake = Module()
    fake.socket, fake.AF_INET = Socket, socket.AF_INET
    fake.SOCK_STREAM, fake.SOCK_DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
    fake.IPPROTO_TCP, fake.TCP_NODELAY = 6, 1
    return fake


def sockets():
    """The module `tidegate.hal.sockets` over the fake sockets of the chip that is installed."""
    import time

    sys.modules.pop("tidegate.hal.sockets", None)
    import tidegate.hal.sockets as port

    clock = Module()
    clock.sleep_ms = getattr(time, "sleep_ms", lambda ms: time.sleep(ms / 1_000))
    port.socket, port.time = module(), clock
    return port
