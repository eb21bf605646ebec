"""The command `wifi`, typed on whole boards whose station refuses what the chips refuse."""

import json
import re

import pytest
from board_world import BoardWorld
from console_world import ConsoleWorld
from fake_boards import Station

from tidegate import limits
from tidegate.config import networks
from tidegate.console import commands
from tidegate_tools import console_docs

HOME = "no place like it"
FACTORY = {"wifi": [["home", HOME]], "country": "NO", "watchdog": False}
PASSWORD, WRONG = "open sesame", "close sesame"


both_chips = pytest.mark.parametrize("world", ["esp32_generic_s3", "rpi_pico2_w"], indirect=True)


@pytest.fixture
def world(request, tmp_path, monkeypatch):
    made = BoardWorld(getattr(request, "param", "esp32_generic_s3"), tmp_path, monkeypatch,
                      FACTORY, {"home": HOME, "depot": PASSWORD})
    made.run(3_000)
    return made


@pytest.fixture
def open_world(world):
    world.unlock()
    return world


def kept(world):
    return networks.kept(world.agent.configuring.store)


def test_it_says_how_the_link_stands_and_knows_no_password(world):
    assert world.result("wifi") == {
        "state": "up", "cause": None, "network": "home", "rssi_dbm": -61, "joined": 1, "lost": 0,
        "known": ["home"]}
    world.station.lose()
    del Station.air["home"]
    world.run(20_000)
    lost = world.result("wifi")
    assert lost["network"] is None and lost["rssi_dbm"] is None and lost["lost"] == 1
    assert lost["cause"] == "no-such-network" and lost["state"] in ("paused", "joining")
    assert "known     home" in world.type("wifi")


def test_each_member_is_documented(open_world):
    documented = set(re.findall(r"`([a-z_]+)`", console_docs.KEYS["wifi"]))
    found = set(open_world.result("wifi"))
    found |= set(open_world.result("wifi scan")["networks"][0]) | {"networks", "scan", "join"}
    open_world.type("wifi join depot --json")
    found |= set(json.loads(open_world.type(PASSWORD).splitlines()[1])["result"])
    assert found == documented


def test_a_scan_shows_the_strongest_first_and_any_bytes_as_text(open_world, monkeypatch):
    rows = ((b"far", -90, 1), (b"\x1b[2J\xff\n", -70, 11), (b"", -60, 6), (b"home", -50, 6))
    monkeypatch.setattr(Station, "around", tuple(
        (name, bytes(6), channel, dbm, 3, False) for name, dbm, channel in rows))
    text = open_world.type("wifi scan")
    assert [line.strip() for line in text.split("\r\n")[1:-1]] == [
        "dBm  channel  name", "-50  6        home", "-60  6        (hidden)",
        "-70  11       \\x1b[2J\\xff\\x0a", "-90  1        far"]
    assert open_world.result("wifi scan")["networks"][1] == {
        "name": "", "rssi_dbm": -60, "channel": 6}


def test_a_chip_that_does_not_scan_now_says_so(open_world, monkeypatch):
    def busy(self):
        raise OSError("Wifi Internal State Error")

    monkeypatch.setattr(Station, "scan", busy)
    assert "try again in some seconds" in open_world.type("wifi scan")


def test_scan_and_join_need_the_pin_and_a_right_form(world):
    for line in ("wifi scan", "wifi join depot"):
        assert "! read-only: type unlock first" in world.type(line)
    assert "scan" in world.type("help wifi") and "4 s" in world.type("help wifi")
    world.unlock()
    for line in ("wifi nonsense", "wifi join", "wifi scan twice"):
        assert "! type `wifi`, `wifi scan` or `wifi join NAME`" in world.type(line)
    for name in ("x" * 33, "\\xff", "\\x4"):
        assert "! a name has 1 to 32 bytes" in world.type("wifi join " + name)
    assert "! nothing was done: a password has 8 to 64" in world.join("depot", "short")
    assert not kept(world) and world.wifi.is_up() and world.wifi.networks == [("home", HOME)]


@both_chips
def test_another_network_is_joined_at_once_and_after_a_reboot(open_world):
    assert "it is tried now" in open_world.join("depot", PASSWORD)
    open_world.run(1_000)
    assert not open_world.ports.network.is_up(), "the agent sees that the link is another one"
    open_world.run(4_000)
    assert open_world.result("wifi")["network"] == "depot"
    assert open_world.result("wifi")["known"] == ["depot", "home"]
    open_world.boot()
    open_world.run(3_000)
    assert open_world.result("wifi")["network"] == "depot"
    assert open_world.wifi.join_count == 1


@both_chips
def test_a_wrong_password_costs_a_moment_and_leads_back_to_the_factory_s_network(open_world):
    open_world.join("depot", WRONG)
    open_world.run(2_000)
    assert open_world.result("wifi")["cause"] in (None, "wrong-password")
    open_world.run(8_000)
    found = open_world.result("wifi")
    assert found["network"] == "home" and found["joined"] == 2 and found["lost"] == 0
    open_world.boot()
    open_world.run(10_000)
    assert open_world.result("wifi")["network"] == "home"


@both_chips
def test_a_device_that_the_factory_gave_no_network_joins_one(world, tmp_path, monkeypatch):
    made = BoardWorld(world.ports.name, tmp_path, monkeypatch, {"watchdog": False}, world.air)
    made.run(2_000)
    assert made.result("wifi")["state"] == "off" and made.result("wifi")["known"] == []
    made.unlock()
    made.join("depot", PASSWORD)
    made.run(3_000)
    assert made.result("wifi")["network"] == "depot"


def test_what_last_worked_is_not_pushed_out_by_wrong_passwords(open_world):
    del Station.air["home"]
    open_world.join("depot", PASSWORD)
    open_world.run(5_000)
    for attempt in range(6):
        open_world.join("depot", "%s %d" % (WRONG, attempt))
        open_world.run(10_000)
        assert open_world.wifi.used == ("depot", PASSWORD) and open_world.wifi.is_up()
    assert len(kept(open_world)) == limits.WIFI_KEPT_COUNT_MAX
    assert kept(open_world)[:2] == [("depot", WRONG + " 5"), ("depot", PASSWORD)]
    assert open_world.result("wifi")["known"] == ["depot", "home"]


def test_what_is_too_long_to_be_kept_together_gives_way_to_the_newest(open_world):
    for number in range(3):
        open_world.join("n" * 31 + str(number), '"' * 62 + str(number))
    assert kept(open_world) == [("n" * 31 + "2", '"' * 62 + "2")]


def test_flash_that_keeps_nothing_changes_nothing(open_world, monkeypatch):
    monkeypatch.setattr(type(open_world.agent.configuring.store), "set_secret",
                        lambda self, name, text: "flash refused it")
    assert "! nothing was done, it cannot be kept: flash refused it" in open_world.join(
        "depot", PASSWORD)
    open_world.run(5_000)
    assert open_world.wifi.used == ("home", HOME) and open_world.wifi.join_count == 1


def test_a_password_is_nowhere_but_on_flash(open_world):
    open_world.join("depot", PASSWORD)
    open_world.run(5_000)
    open_world.join("depot", WRONG)
    open_world.run(10_000)
    for line in ("wifi", "wifi --json", "report", "report --json", "log", "trail", "errors",
                 "config show", "config export", "status", "\x1b[A\x1b[A\x1b[A"):  # fmt: skip
        open_world.type(line)
    assert len(open_world.said) > 5_000 and "depot" in open_world.said
    told = open_world.said + "\n".join(open_world.agent.trail.lines)
    for secret in (PASSWORD, WRONG, HOME):
        assert secret not in told


def test_factory_reset_forgets_them_and_keep_net_does_not(open_world):
    open_world.join("depot", PASSWORD)
    open_world.type("factory-reset keep-net --confirm 0001")
    open_world.boot()
    assert kept(open_world) == [("depot", PASSWORD)]
    open_world.run(1_000)
    open_world.unlock()
    open_world.type("factory-reset --confirm 0001")
    open_world.boot()
    assert kept(open_world) == [] and open_world.wifi.networks == [("home", HOME)]


def test_it_is_not_offered_where_there_is_no_such_link():
    made = ConsoleWorld()
    made.run(1_000)
    names = [row[commands.NAME] for row in commands.offered(made.agent.verbs.table)]
    assert "wifi" not in names and "status" in names
    assert not any("wifi" in line for line in made.ask("help"))
    assert made.ask("wifi")[0].startswith("! there is no command 'wifi'")
    made.unlock()
    assert not any('"command":"wifi"' in line for line in made.ask("report --json"))
