"""The contracts of `hal.ports` as checks for any implementation, on both interpreters.

Each function takes an implementation and raises AssertionError where it breaks its contract.
As a script, `port_checks.py FOLDER PORT REFUSED_PORT`, it checks all that fit the host, and the
flash of the boards on fakes of their chips.
"""

import socket
import sys

from flash_checks import KINDS, MEDIA, check_chips, check_file_flash, check_host_flash

from tidegate.hal.posix import PosixClock, PosixEntropy, PosixKeep, PosixWatchdog
from tidegate.hal.posix_network import PosixNetwork

LOOPBACK = "127.0.0.1"


def check_clock(clock):
    mask_ms = clock.ticks_mask_ms
    assert mask_ms & (mask_ms + 1) == 0, "the period is a power of two"
    before = clock.ticks_ms()
    for _ in range(1_000):
        now = clock.ticks_ms()
        assert 0 <= now <= mask_ms
        assert (now - before) & mask_ms <= mask_ms >> 1, "time went back"
        before = now
    known = clock.utc_ms()
    if known is not None:
        utc_ms, quality = known
        assert isinstance(utc_ms, int) and utc_ms > 1_500_000_000_000
        assert quality in (1, 2, 3)


def check_entropy(entropy):
    for count in (0, 1, 8, 300):
        assert len(entropy.random_bytes(count)) == count
    drawn = [bytes(entropy.random_bytes(8)) for _ in range(50)]
    assert len(set(drawn)) == 50
    counts = [0] * 256
    for byte in entropy.random_bytes(25_600):
        counts[byte] += 1
    assert min(counts) > 40 and max(counts) < 180, "some bytes come too often"


def check_watchdog(make):
    """Argument: make(clock, timeout_ms). The clock here stands until it is set."""

    class Clock:
        ticks_mask_ms = (1 << 20) - 1
        speed = 10
        now_ms = ticks_mask_ms - 60_000

        def ticks_ms(self):
            return self.now_ms & self.ticks_mask_ms

    clock = Clock()
    watchdog = make(clock, 8_000)
    for pass_ms in (0, 0, 80_000, 79_999, 1):
        clock.now_ms += pass_ms
        watchdog.feed()
    clock.now_ms += 80_001
    try:
        watchdog.feed()
    except SystemExit as stop:
        assert stop.args[0] == 70
        return
    raise AssertionError("a late feed went unnoticed")


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(socket.getaddrinfo(LOOPBACK, port)[0][-1])
    listener.listen(1)
    return listener


def connected(network, port):
    """A stream that stands; raises what the system says where it cannot."""
    stream = network.open((LOOPBACK, port))
    for _ in range(100):
        if stream.is_connected():
            assert stream.is_connected(), "it stays connected"
            return stream
        network.wait(stream, True, 50)
    raise AssertionError("no connection within 5 s")


def arrived(network, stream, count):
    data, buffer = b"", bytearray(64)
    for _ in range(200):
        got = stream.receive_into(buffer)
        if got is None:
            network.wait(stream, False, 50)
        elif got == 0:
            return data
        else:
            data += buffer[:got]
        if len(data) >= count:
            return data
    raise AssertionError(f"only {len(data)} bytes arrived")


def check_network(network, port, refused_port):
    """Against a listener of this process on `port`; nobody listens on `refused_port`."""
    assert network.is_up() is True
    network.wait(None, False, 1)
    try:
        connected(network, refused_port)
    except OSError as error:
        assert error.args[0] in (111, 61), error
    else:
        raise AssertionError("a port without a listener was connected")

    listener = listen(port)
    stream = connected(network, port)
    peer = listener.accept()[0]
    buffer = bytearray(64)
    assert stream.receive_into(buffer) is None, "nothing has arrived"
    network.wait(stream, False, 1)
    network.wait(stream, True, 10_000)
    assert stream.send(b"hello") == 5
    assert peer.recv(5) == b"hello"
    peer.send(b"x" * 100)
    network.wait(stream, False, 10_000)
    assert arrived(network, stream, 100) == b"x" * 100

    taken = check_full(network, stream)
    left = taken
    while left:
        left -= len(peer.recv(min(left, 65_536)))
    network.wait(stream, True, 10_000)
    assert stream.send(memoryview(b"again")) == 5

    peer.send(b"bye")
    peer.close()
    try:
        assert arrived(network, stream, 99) in (b"bye", b"")
    except OSError as error:
        assert isinstance(error.args[0], int), "a reset carries its errno"
    stream.close()
    stream.close()
    listener.close()


def check_datagrams(network):
    """Two of them, to one another."""
    first, second = network.datagrams(), network.datagrams()
    port = bind(second)
    assert first.receive(100) is None, "nothing has arrived"
    for data in (b"question", b"x" * 300, b"?"):
        first.send(data, (LOOPBACK, port))
        network.wait(second, False, 5_000)
        got, sender = second.receive(512)
        assert got == data and sender[0] == LOOPBACK
        second.send(b"answer", sender)
        network.wait(first, False, 5_000)
        assert first.receive(100) == (b"answer", (LOOPBACK, port)), "it says who it is from"
    first.send(b"cut short", (LOOPBACK, port))
    network.wait(second, False, 5_000)
    assert second.receive(3)[0] == b"cut"
    for each in (first, second, first):
        each.close()


def bind(datagrams):
    """Binds it to a port that is free."""
    for port in range(30_000, 40_000):
        try:
            datagrams.socket.bind(
                socket.getaddrinfo(LOOPBACK, port, socket.AF_INET, socket.SOCK_DGRAM)[0][-1])
        except OSError:
            continue
        return port
    raise AssertionError("no port is free")


def check_keep(make):
    """Argument: make(), another one over the same records each time."""
    assert make().load("name") == b""
    for record in (b"first", b"", b"\x00\xff" * 300, b"last"):
        assert make().save("name", record) is True
        make().save("other", b"other")
        assert make().load("name") == record


def check_full(network, stream):
    """Send until the system takes no more. Result: bytes taken."""
    block, taken = b"y" * 65_536, 0
    for _ in range(2_000):
        count = stream.send(block)
        assert 0 <= count <= len(block)
        if count == 0:
            return taken
        taken += count
    raise AssertionError("the system takes everything")


def main(folder, port, refused_port):
    clock = PosixClock()
    check_clock(clock)
    check_clock(PosixClock(60, 1_795_249_000_000, 1_768_509_600_000))
    check_entropy(PosixEntropy())
    for number, medium in enumerate(MEDIA):
        for kind in KINDS:
            check_host_flash(kind, f"{folder}/flash-{number}", medium)
    check_file_flash(folder + "/flash")
    check_chips()
    check_watchdog(PosixWatchdog)
    check_network(PosixNetwork(clock), port, refused_port)
    check_datagrams(PosixNetwork(clock))
    check_keep(lambda: PosixKeep(folder + "/keep."))
    assert PosixKeep(folder + "/absent/keep.").save("name", b"") is False
    print("all ports keep their contracts")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
