"""The other ports of the boards, on fakes that refuse what the chips refuse."""

import io
import sys
import types
from pathlib import Path

import fake_boards
import fake_chips
import fake_sockets
import pytest
from fakes import FakeKeep

sys.path.append(str(Path(__file__).parent.parent / "micropython"))
import port_checks  # noqa: E402


class Clock:
    """Stands."""

    def ticks_ms(self):
        return 5


@pytest.fixture(params=["esp32", "rp2"])
def chip(request):
    """(name, module of the chip's port, fake `machine`, fake `network`)."""
    make = fake_chips.esp32_port if request.param == "esp32" else fake_chips.rp2_port
    port, _ = make(8)
    yield request.param, port, sys.modules["machine"], sys.modules["network"]
    fake_chips.remove()


@pytest.fixture
def common(chip):
    """Module `tidegate.hal.chip`."""
    import tidegate.hal.chip as port

    return port


class Up:
    """A link that is there, or not."""

    def __init__(self, is_there=True, server="10.0.0.2"):
        self.is_there, self.server, self.steps = is_there, server, []

    def step(self, ticks_ms):
        self.steps.append(ticks_ms)

    def is_up(self):
        return self.is_there

    def name_servers(self):
        return self.server


def test_the_network_of_a_chip_keeps_the_contract(chip, free_port):
    sockets = fake_sockets.sockets()
    codes = chip[1].CODES if chip[0] == "esp32" else None
    network = sockets.ChipNetwork(Clock(), [Up()], None, codes)
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        refused_port = probe.getsockname()[1]
    port_checks.check_network(network, free_port, refused_port)
    port_checks.check_datagrams(network)


def test_a_byte_that_came_with_the_connection_is_not_lost(chip, free_port):
    sockets = fake_sockets.sockets()
    network = sockets.ChipNetwork(Clock(), [Up()])
    listener = port_checks.listen(free_port)
    stream = network.open((port_checks.LOOPBACK, free_port))
    peer = listener.accept()[0]
    peer.send(b"early")
    network.wait(stream, False, 5_000)
    assert stream.is_connected()
    assert port_checks.arrived(network, stream, 5) == b"early"
    for each in (stream, peer, listener):
        each.close()
    assert sockets.socket.socket is fake_sockets.Socket


def test_errors_have_the_numbers_that_the_link_knows(chip):
    sockets = fake_sockets.sockets()
    stream = sockets.ChipStream(("127.0.0.1", 9), {113: 103, 128: 104})
    for theirs, ours in ((113, 103), (128, 104), (104, 104)):
        assert stream._told(OSError(theirs)).args[0] == ours
    stream.close()


def test_the_best_link_that_is_up_serves_and_all_are_seen_to(chip):
    sockets = fake_sockets.sockets()
    wifi, modem = Up(False, "10.0.0.2"), Up(True, "10.9.9.9")
    network = sockets.ChipNetwork(Clock(), [wifi, modem])
    assert network.is_up() and network.name_servers() == [("10.9.9.9", 53)]
    wifi.is_there = True
    assert network.is_up() and network.name_servers() == [("10.0.0.2", 53)]
    wifi.is_there = modem.is_there = False
    assert not network.is_up() and network.name_servers() == []
    assert len(wifi.steps) == len(modem.steps) == 3
    wifi.is_there, wifi.server = True, ""
    assert network.name_servers() == []


def test_wifi_is_made_with_its_country_and_joins_by_nobodys_will_but_ours(chip):
    name, port, _, network = chip
    wifi = port.wifi([("home", "secret")], "NO", lambda n: 0)
    station = fake_boards.Station.made
    assert network.countries == ["NO"] and station.is_active
    assert station.options["pm"] == station.PM_NONE
    assert name == "rp2" or station.options["reconnects"] == 0
    fake_boards.Station.air = {"home": "other"}
    for ticks_ms in range(0, 3_000, 500):
        wifi.step(ticks_ms)
        station.answer()
    assert wifi.cause == "wrong-password"
    fake_boards.Station.air = {}


def test_ethernet_and_a_modem_are_links_like_wifi():
    port, _ = fake_chips.esp32_port(8)
    lan = port.ethernet({"mdc": 23, "mdio": 18, "phy_type": 1, "phy_addr": 0})
    assert lan._interface.options["mdc"].number == 23 and lan._interface.options["phy_type"] == 1
    ppp = port.modem(1, 27, 26)
    assert ppp._interface.has_dialled
    for link in (lan, ppp):
        link.step(0)
        assert not link.is_up() and link.name_servers() == ""
        link._interface.is_connected = True
        assert link.is_up() and link.name_servers() == "10.0.0.2"
    fake_chips.remove()


def test_a_reset_has_the_same_number_on_every_chip(chip, common):
    name, _, machine, _ = chip
    found = []
    for cause in (1, 3, 5, 99):
        machine.cause = cause
        found.append(common.reset_cause())
    assert found[:2] == [common.POWER_ON, common.WATCHDOG]
    assert found[2] == (common.SOFT if name == "esp32" else common.POWER_ON)
    assert found[3] == common.POWER_ON
    assert common.unique_id() == "30aea40001ff"


def test_entropy_and_records_keep_their_contracts(common, tmp_path):
    from tidegate.hal.files import FileKeep

    port_checks.check_entropy(common.ChipEntropy())
    port_checks.check_keep(lambda: FileKeep(f"{tmp_path}/keep."))
    assert not FileKeep(f"{tmp_path}/absent/").save("name", b"record")
    assert isinstance(FakeKeep().load("x"), bytes)


def test_the_watchdog_is_one_that_each_chip_has(common):
    from tidegate.limits import WATCHDOG_MS

    common.ChipWatchdog(WATCHDOG_MS).feed()
    assert fake_boards.Watchdog.made.timeout == WATCHDOG_MS
    assert fake_boards.Watchdog.made.feed_count == 1
    common.NoWatchdog().feed()
    with pytest.raises(ValueError):
        common.ChipWatchdog(9_000)


def test_a_light_is_off_at_first_on_either_level(common):
    for is_low in (False, True):
        led = common.Led(2, is_low)
        pin = fake_boards.Pin.made
        assert pin.level == is_low
        led.show(True)
        assert pin.level != is_low


def test_memory_that_outlives_a_reset_holds_what_was_put_there_last():
    fake_chips.esp32_port(8)
    from tidegate.hal.rtc import RtcScratch

    RtcScratch().save(b"crumb")
    assert RtcScratch().load() == b"crumb"
    fake_chips.remove()


def test_the_terminal_takes_what_waits_and_no_more(common, monkeypatch):
    class Poll:
        def register(self, stream, events):
            assert stream is sys.stdin, "only the stream itself has a poll"

        def poll(self, wait_ms):
            assert wait_ms == 0
            return [1] if source.tell() < 3 else []

    source, sink = io.BytesIO(b"abcdef"), io.BytesIO()
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=source))
    monkeypatch.setattr(sys, "stdout", types.SimpleNamespace(buffer=sink))
    monkeypatch.setattr(common, "select", types.SimpleNamespace(poll=Poll, POLLIN=1))
    quiet = types.SimpleNamespace(set=[])
    quiet.kbd_intr = quiet.set.append
    monkeypatch.setitem(sys.modules, "micropython", quiet)
    terminal = common.ChipTerminal(is_interruptible=False)
    buffer = bytearray(8)
    assert terminal.read_into(buffer) == 3 and buffer[:3] == b"abc"
    assert terminal.write(b"line\n") == 5 and sink.getvalue() == b"line\n"
    assert quiet.set == [-1], "0x03 is a byte like any other"


def test_a_clock_chip_is_a_calendar_and_says_when_its_battery_was_empty():
    fake_chips.esp32_port(8)
    from tidegate.hal.clock_chip import open_clock

    clock = open_clock(0, 22, 21)
    assert not clock.is_kept(), "nothing answers"
    # 2026-01-15, a Thursday, 20:41:07; the oscillator has stopped.
    fake_boards.Bus.registers = bytearray(b"\x07\x41\x20\x04\x15\x81\x26" + bytes(8) + b"\x80\0\0")
    assert not clock.is_kept()
    assert clock.datetime() == (2026, 1, 15, 3, 20, 41, 7, 0)
    clock.datetime((2031, 12, 30, 1, 9, 5, 59, 0))
    assert clock.is_kept() and clock.datetime() == (2031, 12, 30, 1, 9, 5, 59, 0)
    assert bytes(fake_boards.Bus.registers[:7]) == b"\x59\x05\x09\x02\x30\x12\x31"
    fake_boards.Bus.registers = None
    fake_chips.remove()
