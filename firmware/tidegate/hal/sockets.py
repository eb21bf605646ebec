"""TCP, UDP and TLS of lwIP as MicroPython shows it on ESP32 and RP2, over any link.

What differs from a POSIX host: an address is a tuple and is never looked up; a connection that is
being made is asked for by poll, since to connect again says "already" for ever on one chip and
nothing about the failure on the other; errors have the numbers of the chip's C library.
"""

import select
import socket
import time

# To connect without waiting has begun: EINPROGRESS, EALREADY of lwIP and of newlib.
_BEGUN = (115, 114, 119, 120, 118)
_AGAIN = 11
_TCP, _NODELAY = 6, 1
_NAME_PORT = 53


class ChipStream:
    """A TCP connection; see `hal.ports.Stream`. Argument: codes, {the chip's errno: ours}."""

    def __init__(self, address, codes):
        self._codes = codes
        self._early = bytearray(1)
        self._early_count = None
        self._is_connected = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._poll = select.poll()
        try:
            # To be blocking again would erase it: nobody else may touch the mode.
            self.socket.setblocking(False)
            self.socket.setsockopt(getattr(socket, "IPPROTO_TCP", _TCP),
                                   getattr(socket, "TCP_NODELAY", _NODELAY), 1)
            self.socket.connect(address)
        except OSError as error:
            if error.args[0] not in _BEGUN:
                self.close()
                raise self._told(error)
        self._poll.register(self.socket, select.POLLOUT)

    def is_connected(self):
        """See `hal.ports.Stream.is_connected`. What can be written to may have failed: a read
        says so, and what it reads is kept for the next one."""
        if self._is_connected:
            return True
        if not self._poll.poll(0):
            return False
        try:
            self._early_count = self.socket.readinto(self._early)
        except OSError as error:
            raise self._told(error)
        self._poll.unregister(self.socket)
        self._is_connected = True
        return True

    def receive_into(self, buffer):
        """See `hal.ports.Stream.receive_into`."""
        if self._early_count is not None:
            count, self._early_count = self._early_count, None
            if count:
                buffer[0] = self._early[0]
            return count
        try:
            return self.socket.readinto(buffer)
        except OSError as error:
            if error.args[0] == _AGAIN:
                return None
            raise self._told(error)

    def send(self, data):
        """See `hal.ports.Stream.send`."""
        try:
            return self.socket.write(data) or 0
        except OSError as error:
            if error.args[0] == _AGAIN:
                return 0
            raise self._told(error)

    def close(self):
        """See `hal.ports.Stream.close`."""
        try:
            self.socket.close()
        except OSError:
            pass

    def _told(self, error):
        return OSError(self._codes.get(error.args[0], error.args[0]))


class ChipDatagrams:
    """A UDP socket; see `hal.ports.Datagrams`."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)

    def send(self, data, address):
        """See `hal.ports.Datagrams.send`."""
        self.socket.sendto(data, address)

    def receive(self, bytes_max):
        """See `hal.ports.Datagrams.receive`."""
        try:
            return self.socket.recvfrom(bytes_max)
        except OSError as error:
            if error.args[0] == _AGAIN:
                return None
            raise

    def close(self):
        """See `hal.ports.Datagrams.close`."""
        try:
            self.socket.close()
        except OSError:
            pass


class WiredLink:
    """Ethernet or PPP as a link: the driver does all, here it is only looked at.

    Argument: interface, a `network.LAN` or `network.PPP` that was made active.
    """

    def __init__(self, interface):
        self._interface = interface

    def step(self, ticks_ms):
        """Nothing to see to."""

    def follow(self, events):
        """Nothing to tell."""

    def is_up(self):
        """Whether there is an address."""
        return self._interface.isconnected()

    def name_servers(self):
        """The number of the name server that the network gave, "" for none."""
        server = self._interface.ifconfig()[3]
        return "" if server == "0.0.0.0" else server


class ChipNetwork:
    """See `hal.ports.Network`.

    Arguments: clock, the port; links, the best first, with step, is_up, name_servers and follow;
    tls, a `hal.tls.Tls` or None; codes, {the chip's errno: ours}.
    """

    def __init__(self, clock, links, tls=None, codes=None):
        self._clock = clock
        self.links = links
        self._poll = select.poll()
        self._tls = tls
        self._codes = codes or {}

    def follow(self, events):
        """Note in that trail what the links do."""
        for link in self.links:
            link.follow(events)

    def is_up(self):
        """See `hal.ports.Network.is_up`; called each turn, so it is what the links go on with."""
        ticks_ms = self._clock.ticks_ms()
        for link in self.links:
            link.step(ticks_ms)
        return self._link() is not None

    @property
    def wifi(self):
        """See `hal.ports.Network`."""
        for link in self.links:
            if hasattr(link, "scan"):
                return link
        return None

    def name_servers(self):
        """See `hal.ports.Network.name_servers`."""
        link = self._link()
        server = link.name_servers() if link is not None else ""
        return [(server, _NAME_PORT)] if server else []

    def datagrams(self):
        """See `hal.ports.Network.datagrams`."""
        return ChipDatagrams()

    def open(self, address):
        """See `hal.ports.Network.open`."""
        return ChipStream(address, self._codes)

    def secure(self, stream, host):
        """See `hal.ports.Network.secure`."""
        return self._tls.over(stream, host)

    def wait(self, stream, writing, wait_ms):
        """See `hal.ports.Network.wait`."""
        events = select.POLLIN | (select.POLLOUT if writing else 0)
        if stream is not None and hasattr(stream, "awaited"):
            events = stream.awaited(events)
        if stream is None or not events:
            time.sleep_ms(wait_ms)
            return
        self._poll.register(stream.socket, events)
        self._poll.poll(wait_ms)
        self._poll.unregister(stream.socket)

    def _link(self):
        for link in self.links:
            if link.is_up():
                return link
        return None
