"""Time servers that keep to RFC 4330 or do not, for tests on both interpreters.

Nothing here comes from the code under test: an answer is made byte by byte from the standard.
"""

from fake_network import FakeDatagrams, FakeNetwork

ERA_S, TO_1970_S = 1 << 32, 2_208_988_800


def timestamp(utc_ms):
    """64 bits: seconds since 1900 modulo 2^32, then the fraction."""
    seconds, ms = divmod(utc_ms, 1_000)
    fraction = (ms * ERA_S + 999) // 1_000
    return ((seconds + TO_1970_S) % ERA_S).to_bytes(4, "big") + fraction.to_bytes(4, "big")


def answer(question, utc_ms, held_ms=0, first=0x24, stratum=2, name=b"GPS\0", root=(0, 0),
           nonce=None):
    """An answer sent at utc_ms. Arguments: held_ms, since the question came; first, the byte with
    leap, version and mode; name, the reference id; root, delay and dispersion in 2^-16 s; nonce,
    another one than the question's."""
    return (bytes((first, stratum, 6, 0xEC)) + root[0].to_bytes(4, "big")
            + root[1].to_bytes(4, "big") + name + timestamp(utc_ms - 60_000)
            + (question[40:48] if nonce is None else nonce)
            + timestamp(utc_ms - held_ms) + timestamp(utc_ms))


class TimeServer:
    """One server. `error_ms` is how wrong it is, `delay_ms` how late its answer comes back,
    `is_silent` and `is_closed` whether it gives none or nobody listens; `sender`, the address that
    it answers from, if another; `options` go to `answer`. `questions` holds (true UTC in ms,
    datagram).
    """

    def __init__(self):
        self.error_ms = 0
        self.delay_ms = 0
        self.is_silent = False
        self.is_closed = False
        self.sender = None
        self.options = {}
        self.questions = []


class TimeNetwork(FakeNetwork):
    """A FakeNetwork with time servers at `servers`, {number: TimeServer}; each name is looked up
    as its number. Argument: true_ms(), UTC of the world in ms."""

    def __init__(self, true_ms, peer=None):
        super().__init__(peer)
        self.true_ms = true_ms
        self.servers = {}
        self.open_count = 0

    def datagrams(self):
        self.open_count += 1
        return TimeDatagrams(self)


class TimeDatagrams(FakeDatagrams):
    """Questions to port 123 go to the time servers, others to the name server."""

    def __init__(self, network):
        super().__init__(network)
        self._coming = []
        self._refused = False

    def send(self, data, address):
        if address[1] != 123:
            super().send(data, address)
            return
        network = self._network
        server = network.servers[address[0]]
        server.questions.append((network.true_ms(), data))
        self._refused = server.is_closed
        if not server.is_silent and not server.is_closed:
            half_ms = server.delay_ms // 2
            said = answer(data, network.true_ms() + half_ms + server.error_ms, **server.options)
            sender = server.sender or address
            self._coming.append((network.true_ms() + server.delay_ms, said, sender))

    def receive(self, bytes_max):
        if self._refused:
            raise OSError(111)
        if self._coming and self._coming[0][0] <= self._network.true_ms():
            return self._coming.pop(0)[1:]
        return super().receive(bytes_max)

    def close(self):
        super().close()
        self._network.open_count -= 1
