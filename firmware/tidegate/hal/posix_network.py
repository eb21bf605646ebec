"""The network of a POSIX host, for MicroPython's Unix port and for CPython alike."""

import select
import socket
import sys
import time

_PENDING = (115, 36, 114, 37, 11, 35)  # EINPROGRESS, EALREADY, EAGAIN: Linux, macOS
_CONNECTED = (106, 56)  # EISCONN: Linux, macOS
_TCP, _NODELAY = 6, 1
_IS_MICROPYTHON = sys.implementation.name == "micropython"
_NAME_PORT = 53
_RESOLVER_PATH = "/etc/resolv.conf"


def _system_address(address, kind):
    """What the system's calls take; a number needs no lookup, so this does not wait."""
    return socket.getaddrinfo(address[0], address[1], socket.AF_INET, kind)[0][-1]


def _address(packed):
    """(number, port) of what `recvfrom` says; on MicroPython that is a sockaddr_in."""
    if not _IS_MICROPYTHON:
        return packed
    return ".".join(str(part) for part in packed[4:8]), packed[2] << 8 | packed[3]


class PosixStream:
    """A TCP connection; see `hal.ports.Stream`."""

    def __init__(self, address):
        self.socket = socket.socket()
        self._address = _system_address(address, socket.SOCK_STREAM)
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
        if _IS_MICROPYTHON:
            return self.socket.readinto(buffer)
        try:
            return self.socket.recv_into(buffer)
        except BlockingIOError:
            return None

    def send(self, data):
        """See `hal.ports.Stream.send`."""
        if _IS_MICROPYTHON:
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


class PosixDatagrams:
    """A UDP socket; see `hal.ports.Datagrams`."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)

    def send(self, data, address):
        """See `hal.ports.Datagrams.send`."""
        self.socket.sendto(data, _system_address(address, socket.SOCK_DGRAM))

    def receive(self, bytes_max):
        """See `hal.ports.Datagrams.receive`."""
        try:
            data, sender = self.socket.recvfrom(bytes_max)
        except OSError as error:
            if error.errno in _PENDING:
                return None
            raise
        return data, _address(sender)

    def close(self):
        """See `hal.ports.Stream.close`."""
        try:
            self.socket.close()
        except OSError:
            pass


class PosixNetwork:
    """TCP, UDP and TLS of the host.

    Arguments: clock, a PosixClock, whose speed turns waits into wall time; tls, a `hal.tls.Tls`
    or None where none is wanted; name_servers, addresses, empty for those the host uses;
    terminal, a PosixTerminal at which whoever types is not to wait either, or None.
    """

    def __init__(self, clock, tls=None, name_servers=(), terminal=None):
        self._speed = clock.speed
        self._poll = select.poll()
        self._tls = tls
        self._name_servers = [tuple(each) for each in name_servers]
        self._terminal = terminal
        if terminal is not None:
            self._poll.register(terminal.source, select.POLLIN)

    def is_up(self):
        """A host is always on line."""
        return True

    def name_servers(self):
        """See `hal.ports.Network.name_servers`; read anew each time, as a host may move."""
        return self._name_servers or _host_name_servers()

    def datagrams(self):
        """See `hal.ports.Network.datagrams`."""
        return PosixDatagrams()

    def open(self, address):
        """See `hal.ports.Network.open`."""
        stream = PosixStream(address)
        try:
            stream.is_connected()
        except OSError:
            stream.close()
            raise
        return stream

    def secure(self, stream, host):
        """See `hal.ports.Network.secure`."""
        return self._tls.over(stream, host)

    def wait(self, stream, writing, wait_ms):
        """See `hal.ports.Network.wait`."""
        wall_ms = -(-wait_ms // self._speed)
        if self._terminal is not None and self._terminal.is_ended:
            self._poll.unregister(self._terminal.source)
            self._terminal = None
        if stream is None:
            if self._terminal is None:
                time.sleep(wall_ms * 0.001)
            else:
                self._poll.poll(wall_ms)
            return
        events = select.POLLIN | (select.POLLOUT if writing else 0)
        if hasattr(stream, "awaited"):
            events = stream.awaited(events)
        if events:
            self._poll.register(stream.socket, events)
            self._poll.poll(wall_ms)
            self._poll.unregister(stream.socket)


def _host_name_servers():
    """Those of IPv4 that the host's file names."""
    found = []
    try:
        with open(_RESOLVER_PATH) as file:
            for line in file:
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver" and ":" not in words[1]:
                    found.append((words[1], _NAME_PORT))
    except OSError:
        pass
    return found
