"""One suite over every implementation of a port that fits the host; on MicroPython it is
`micropython/test_ports.py`."""

import os
import socket
import sys
from pathlib import Path

import pytest
from fakes import CutFlash, FakeKeep, Random, SeededEntropy, SimClock

from tidegate.errors import FlashError
from tidegate.hal.nor import FileFlash, RamFlash
from tidegate.hal.posix import (
    PosixClock,
    PosixEntropy,
    PosixKeep,
    PosixTerminal,
    PosixWatchdog,
)
from tidegate.hal.posix_network import PosixNetwork, PosixStream

sys.path.append(str(Path(__file__).parent.parent / "micropython"))
import flash_checks  # noqa: E402
import port_checks  # noqa: E402

MEDIA_IDS = [
    f"unit{unit}{'' if again else 'once'}-block{size}" for unit, again, size in flash_checks.MEDIA
]


@pytest.mark.parametrize(
    "clock",
    [
        PosixClock(),
        PosixClock(60, 1_795_249_000_000, 1_768_509_600_000),
        SimClock(),
        SimClock((1 << 20) - 1, 1_768_509_600_000),
    ],
    ids=["host", "fast host", "simulated", "simulated and dated"],
)
def test_a_clock_keeps_its_contract(clock):
    port_checks.check_clock(clock)


def test_a_fast_clock_passes_simulated_time_at_its_speed():
    slow, fast = PosixClock(), PosixClock(1_000)
    slow_ms, fast_ms = slow.ticks_ms(), fast.ticks_ms()
    while slow.ticks_ms() - slow_ms < 20:
        pass
    passed_ms = (fast.ticks_ms() - fast_ms) & fast.ticks_mask_ms
    assert 19_000 <= passed_ms <= 120_000
    utc_ms, _ = PosixClock(60, 0, 5).utc_ms()
    assert utc_ms > 60 * 1_700_000_000_000


@pytest.mark.parametrize(
    "entropy", [PosixEntropy(), SeededEntropy(Random(1))], ids=["host", "seeded"]
)
def test_entropy_keeps_its_contract(entropy):
    port_checks.check_entropy(entropy)


@pytest.mark.parametrize("medium", flash_checks.MEDIA, ids=MEDIA_IDS)
@pytest.mark.parametrize("kind", flash_checks.KINDS)
def test_flash_of_the_host_keeps_its_contract_and_is_strict(kind, medium, tmp_path):
    flash_checks.check_host_flash(kind, tmp_path / "flash", medium)


def test_flash_in_ram_counts_the_erases_of_each_block():
    flash = CutFlash(RamFlash(3, block_bytes=512))
    for block in (2, 0, 2):
        flash.erase(block)
    assert flash.erase_counts == [1, 0, 2]
    assert len(flash.image) == 1_536


def test_a_file_keeps_what_was_programmed(tmp_path):
    flash_checks.check_file_flash(str(tmp_path / "flash"))


def test_a_file_that_cannot_be_opened_is_not_made_anew(tmp_path, monkeypatch):
    path = tmp_path / "flash"
    flash = FileFlash(path, 3)
    flash.program(0, b"\x00")
    flash.close()
    real_open = open
    opened = []

    def failing_once(name, mode="r", *rest):
        opened.append(mode)
        if mode == "r+b" and len(opened) == 1:
            raise OSError(24, "Too many open files")
        return real_open(name, mode, *rest)

    monkeypatch.setattr("tidegate.hal.nor.open", failing_once, raising=False)
    with pytest.raises(OSError):
        FileFlash(path, 3)
    assert path.read_bytes()[0] == 0


def test_a_file_whose_making_was_cut_off_is_made_again(tmp_path, monkeypatch):
    path = tmp_path / "flash"
    monkeypatch.setattr("os.rename", lambda *_: sys.exit("killed"))
    with pytest.raises(SystemExit):
        FileFlash(path, 3)
    monkeypatch.undo()
    FileFlash(path, 3).close()
    assert path.stat().st_size == 3 * 4_096


def test_a_failing_file_is_a_flash_error(tmp_path):
    path = tmp_path / "flash"
    flash = FileFlash(path, 3)
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(FlashError):
        flash.read(0, bytearray(200))
    flash.close()
    os.truncate(path, 3 * 4_096)
    flash = FileFlash(path, 3)
    with open(path, "rb") as read_only:
        flash._file, writable = read_only, flash._file
        with pytest.raises((FlashError, OSError)) as caught:
            flash.erase(0)
        assert caught.type is FlashError
    writable.close()


def test_the_watchdog_keeps_its_contract():
    port_checks.check_watchdog(PosixWatchdog)


@pytest.fixture
def refused_port():
    """A port that is taken, so that nobody else listens on it either."""
    with socket.socket() as taken:
        taken.bind((port_checks.LOOPBACK, 0))
        yield taken.getsockname()[1]


def test_the_network_keeps_its_contract(free_port, refused_port):
    port_checks.check_network(PosixNetwork(PosixClock()), free_port, refused_port)


def test_datagrams_keep_their_contract():
    port_checks.check_datagrams(PosixNetwork(PosixClock()))


def test_records_are_kept(tmp_path):
    port_checks.check_keep(lambda: PosixKeep(f"{tmp_path}/"))
    fake = FakeKeep()
    port_checks.check_keep(lambda: fake)
    assert not PosixKeep(f"{tmp_path}/absent/").save("name", b"record")
    assert (tmp_path / "name").stat().st_mode & 0o777 == 0o600, "it may be a secret"


def test_name_servers_are_those_given_or_those_of_the_host(tmp_path, monkeypatch):
    path = tmp_path / "resolv.conf"
    path.write_text("# nameserver 9.9.9.9\nnameserver 192.0.2.1\nnameserver fe80::1\nsearch x\n")
    monkeypatch.setattr("tidegate.hal.posix_network._RESOLVER_PATH", str(path))
    assert PosixNetwork(PosixClock()).name_servers() == [("192.0.2.1", 53)]
    given = PosixNetwork(PosixClock(), None, [["192.0.2.2", 5]])
    assert given.name_servers() == [("192.0.2.2", 5)]
    path.unlink()
    assert PosixNetwork(PosixClock()).name_servers() == []


def test_a_wait_ends_early_when_bytes_arrive(free_port):
    network = PosixNetwork(PosixClock())
    listener = port_checks.listen(free_port)
    stream = port_checks.connected(network, free_port)
    peer = listener.accept()[0]
    peer.send(b"x")
    clock = PosixClock()
    begin_ms = clock.ticks_ms()
    network.wait(stream, False, 30_000)
    assert (clock.ticks_ms() - begin_ms) & clock.ticks_mask_ms < 10_000
    for each in (stream, peer, listener):
        each.close()


def test_a_connection_that_fails_at_once_leaves_no_socket_open(monkeypatch):
    network = PosixNetwork(PosixClock())
    tried = []

    def fail(stream):
        tried.append(stream.socket)
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(PosixStream, "is_connected", fail)
    with pytest.raises(OSError):
        network.open((port_checks.LOOPBACK, 9))
    assert [each.fileno() for each in tried] == [-1]


@pytest.fixture
def pipes():
    """(terminal, where to write what it reads, where to read what it writes)."""
    near_in, far_out = os.pipe()
    far_in, near_out = os.pipe()
    streams = [
        os.fdopen(near_in, "rb", 0),
        os.fdopen(near_out, "wb", 0),
        os.fdopen(far_out, "wb", 0),
        os.fdopen(far_in, "rb", 0),
    ]
    yield PosixTerminal(*streams[:2]), *streams[2:]
    for stream in streams:
        stream.close()


def test_a_terminal_reads_what_was_typed_and_never_waits(pipes):
    terminal, keyboard, _ = pipes
    buffer = bytearray(4)
    assert terminal.read_into(buffer) == 0
    keyboard.write(b"status\n")
    assert terminal.read_into(buffer) == 4 and buffer == b"stat"
    assert terminal.read_into(buffer) == 3 and buffer[:3] == b"us\n"
    assert terminal.read_into(buffer) == 0
    keyboard.close()
    assert terminal.read_into(buffer) == 0, "an end of input is no input"


def test_a_terminal_writes_until_nobody_reads_and_then_takes_nothing(pipes):
    terminal, _, screen = pipes
    assert terminal.write(b"line\n") == 5
    assert screen.read(5) == b"line\n"
    taken = 0
    for _ in range(10_000):
        count = terminal.write(b"x" * 100)
        if not count:
            break
        taken += count
    else:
        pytest.fail("a full pipe took everything")
    assert len(screen.read(taken)) > 0
    screen.close()
    assert terminal.write(b"nobody reads") == 0
