"""A network whose other end is the test; portable, as `fakes`."""


class FakeStream:
    """A connection whose other end is the test.

    What the agent is to read is put by `arrive`; what it sent is in `sends`, one item for each
    call that took bytes. `connected`, `room_bytes` (how much one send takes, None: all),
    `chunk_bytes` (how much one read gives), `ended` (the peer closed) and `error` (an errno that
    every call raises) may be set at any time. `peer`, where there is one, has taken(stream, data).
    """

    def __init__(self, peer=None):
        self.peer = peer
        self.inbox = b""
        self.sends = []
        self.connected = True
        self.room_bytes = None
        self.chunk_bytes = 1 << 20
        self.ended = False
        self.error = 0
        self.close_count = 0

    def arrive(self, data):
        self.inbox += data

    def sent(self):
        """All bytes sent so far."""
        return b"".join(self.sends)

    def _check(self):
        if self.close_count:
            raise AssertionError("a closed stream was used")
        if self.error:
            raise OSError(self.error)

    def is_connected(self):
        self._check()
        return self.connected

    def receive_into(self, buffer):
        self._check()
        if not self.inbox:
            return 0 if self.ended else None
        count = min(len(buffer), len(self.inbox), self.chunk_bytes)
        buffer[:count] = self.inbox[:count]
        self.inbox = self.inbox[count:]
        return count

    def send(self, data):
        self._check()
        count = len(data) if self.room_bytes is None else min(len(data), self.room_bytes)
        if count:
            taken = bytes(data[:count])
            self.sends.append(taken)
            if self.peer is not None:
                self.peer.taken(self, taken)
        return count

    def close(self):
        self.close_count += 1


class FakeNetwork:
    """Gives out FakeStreams, the newest of which is `stream`.

    `up`, `names` (the numbers its name server gives, None: it is silent, an integer: the code it
    fails with), `refusal` (an errno that `open` raises), `connects` (whether new streams stand at
    once) and `shakes` (whether TLS is through at once; an exception: how it fails) may be set at
    any time. Argument: peer, of every stream; `peer.opened(stream)` is
    told of each. `asked` holds the names the server was asked for, `opened` the addresses.
    """

    NUMBER = "192.0.2.7"
    SERVER = ("192.0.2.1", 53)

    def __init__(self, peer=None):
        self.peer = peer
        self.up = True
        self.names = [self.NUMBER]
        self.refusal = 0
        self.connects = True
        self.shakes = True
        self.secured = []
        self.streams = []
        self.asked = []
        self.opened = []

    @property
    def stream(self):
        return self.streams[-1] if self.streams else None

    def is_up(self):
        return self.up

    def name_servers(self):
        return [self.SERVER]

    def datagrams(self):
        return FakeDatagrams(self)

    def open(self, address):
        self.opened.append(address)
        if self.refusal:
            raise OSError(self.refusal)
        stream = FakeStream(self.peer)
        stream.connected = self.connects
        self.streams.append(stream)
        if self.peer is not None:
            self.peer.opened(stream)
        return stream

    def secure(self, stream, host):
        self.secured.append(host)
        return FakeTls(self, stream)

    def wait(self, stream, writing, wait_ms):
        raise AssertionError("nothing below the loop waits")


class FakeTls:
    """A FakeStream, through which nothing goes before its network `shakes` hands."""

    def __init__(self, network, stream):
        self._network = network
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def send(self, data):
        if isinstance(self._network.shakes, Exception):
            raise self._network.shakes
        return self._stream.send(data) if self._network.shakes else 0


class FakeDatagrams:
    """Asks the name server of a FakeNetwork."""

    def __init__(self, network):
        self._network = network
        self._answers = []
        self.close_count = 0

    def send(self, data, address):
        host = []
        at = 12
        while data[at]:
            host.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        self._network.asked.append(".".join(host))
        names = self._network.names
        if names is not None:
            self._answers.append((name_answer(data, names), address))

    def receive(self, bytes_max):
        return self._answers.pop(0) if self._answers else None

    def close(self):
        self.close_count += 1


def name_answer(query, names, ttl_s=300):
    """What a name server says to a query: numbers as dotted text, or a code of failure."""
    code = names if isinstance(names, int) else 0
    numbers = [] if isinstance(names, int) else names
    data = query[:2] + bytes((0x81, 0x80 | code, 0, 1, 0, len(numbers), 0, 0, 0, 0)) + query[12:]
    for number in numbers:
        data += b"\xc0\x0c\x00\x01\x00\x01" + bytes((0, 0, ttl_s >> 8, ttl_s & 255, 0, 4))
        data += bytes(int(part) for part in number.split("."))
    return data
