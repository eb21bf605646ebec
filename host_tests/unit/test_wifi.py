"""The supervision of Wi-Fi, on a station that refuses what the chips refuse."""

import pytest
from fake_boards import ESP32_CODES, RP2_CODES, Station

from tidegate.hal import wifi
from tidegate.hal.wifi import JOINING, PAUSED, UP, Wifi
from tidegate.limits import (
    TICKS_MASK_MS, WIFI_ADDRESS_MS_MAX, WIFI_JOIN_MS_MAX, WIFI_LOOK_MS, WIFI_PAUSE_MS_MAX,
    WIFI_RESTART_COUNT,
)

FAILURES = {"STAT_WRONG_PASSWORD": "wrong-password", "STAT_NO_AP_FOUND": "no-such-network",
            "STAT_CONNECT_FAIL": "refused", "STAT_BEACON_TIMEOUT": "beacon-lost"}


class World:
    """A station, its supervision, and a clock that wraps."""

    def __init__(self, codes):
        Station.codes, Station.air, Station.has_address = codes, {"home": "secret"}, True
        self.station = Station()
        self.station.active(True)
        self.wifi = Wifi(self.station, {codes[name]: cause for name, cause in FAILURES.items()
                                        if name in codes},
                         [("home", "secret")], lambda n: n // 2)
        self.now_ms = TICKS_MASK_MS - 500
        self.events = []
        self.wifi.follow(self)

    def note(self, level, event, **facts):
        self.events.append((event, facts))

    def pass_ms(self, pass_ms, answers=True):
        for _ in range(0, pass_ms, 500):
            self.wifi.step(self.now_ms)
            if answers:
                self.station.answer()
            self.now_ms = (self.now_ms + 500) & ((1 << 30) - 1)


@pytest.fixture(params=[ESP32_CODES, RP2_CODES], ids=["esp32", "rp2"])
def world(request):
    yield World(request.param)
    Station.codes, Station.air, Station.has_address = ESP32_CODES, {}, True


def test_it_joins_and_says_where_it_is(world):
    world.pass_ms(1_500)
    assert world.wifi.state == UP and world.wifi.is_up() and world.wifi.join_count == 1
    assert world.wifi.name_servers() == "127.0.0.53" and world.wifi.rssi_dbm == -61
    assert world.events == [("wifi up", {"address": "192.0.2.9", "rssi_dbm": -61})]


def test_a_wrong_password_is_named_and_tried_ever_more_seldom(world):
    Station.air["home"] = "changed"
    world.pass_ms(600_000)
    waits_ms = [facts["wait_ms"] for event, facts in world.events if event == "wifi failed"]
    assert world.wifi.cause == "wrong-password" and not world.wifi.is_up()
    assert waits_ms[:3] == [750, 1_500, 3_000] and max(waits_ms) == WIFI_PAUSE_MS_MAX * 3 // 4
    assert 600_000 // WIFI_PAUSE_MS_MAX <= len(waits_ms) < 25
    Station.air["home"] = "secret"
    world.pass_ms(WIFI_PAUSE_MS_MAX + 2_000)
    assert world.wifi.is_up() and world.wifi.cause == "" and world.wifi.failure_count == 0


def test_every_so_many_failures_the_driver_is_switched_off_and_on(world):
    del Station.air["home"]
    world.station.calls.clear()
    while world.wifi.failure_count < 2 * WIFI_RESTART_COUNT:
        world.pass_ms(500)
    assert world.station.calls.count("off") == 2 and world.wifi.cause == "no-such-network"


def test_a_network_that_says_nothing_is_given_up_in_time(world):
    world.pass_ms(WIFI_JOIN_MS_MAX, answers=False)
    assert world.wifi.state == JOINING
    world.pass_ms(1_000, answers=False)
    assert world.wifi.state == PAUSED and world.wifi.cause == wifi.TIMED_OUT


def test_a_network_without_addresses_is_no_network(world):
    Station.has_address = False
    world.pass_ms(WIFI_JOIN_MS_MAX + WIFI_ADDRESS_MS_MAX)
    assert world.wifi.state == JOINING and world.wifi.name_servers() == ""
    world.pass_ms(500)
    assert world.wifi.cause == wifi.NO_ADDRESS and world.wifi.state == PAUSED


@pytest.mark.parametrize("is_joined", [False, True], ids=["network", "address"])
def test_what_is_lost_is_named_and_joined_again(world, is_joined):
    world.pass_ms(2_000)
    if is_joined:
        Station.has_address = False
    else:
        world.station.lose()
    world.pass_ms(500)
    assert world.wifi.cause == (wifi.ADDRESS_LOST if is_joined else wifi.LOST)
    assert world.wifi.lost_count == 1 and world.wifi.rssi_dbm is None
    Station.has_address = True
    world.pass_ms(4_000)
    assert world.wifi.is_up() and world.wifi.join_count == 2


def test_the_signal_is_measured_now_and_then(world):
    world.pass_ms(2_000)
    world.station.rssi_dbm = -80
    world.pass_ms(1_000)
    assert world.wifi.rssi_dbm == -61
    world.pass_ms(WIFI_LOOK_MS)
    assert world.wifi.rssi_dbm == -80


def test_a_driver_that_breaks_is_restarted_and_nothing_is_raised(world):
    world.pass_ms(2_000)
    world.station.lose()
    world.station.breaks = True
    world.pass_ms(500)
    assert world.wifi.state == PAUSED and world.wifi.cause in (wifi.LOST, wifi.DRIVER)
    world.pass_ms(6_000)
    assert world.wifi.is_up()


def test_networks_are_tried_in_turn(world):
    world.wifi.networks = [("away", "x"), ("home", "secret")]
    world.pass_ms(5_000)
    assert world.wifi.is_up() and world.station.calls[-2:] == ["away", "home"]


def test_without_a_network_it_stays_off_and_a_scan_lists_the_strongest_first(world):
    world.wifi.networks = []
    world.pass_ms(5_000)
    assert world.wifi.state == wifi.OFF and not world.wifi.is_up()
    assert world.wifi.scan() == [(b"home", -50, 6), (b"far", -90, 1)]


def test_other_networks_are_tried_at_once_and_the_factory_s_behind_them(world):
    Station.air["depot"] = "sesame"
    world.pass_ms(2_000)
    world.wifi.adopt([("depot", "wrong"), ("depot", "sesame"), ("home", "secret")])
    assert world.wifi.networks == [("depot", "wrong"), ("depot", "sesame"), ("home", "secret")]
    world.pass_ms(500)
    assert world.wifi.state == PAUSED and world.wifi.rssi_dbm is None and not world.wifi.is_up()
    world.pass_ms(5_000)
    assert world.wifi.is_up() and world.wifi.used == ("depot", "sesame")
    assert world.station.calls[-2:] == ["depot", "depot"] and world.wifi.lost_count == 0
    world.wifi.adopt([])
    world.pass_ms(3_000)
    assert world.wifi.used == ("home", "secret") and world.wifi.networks == [("home", "secret")]


@pytest.mark.parametrize("breaks", [False, True], ids=["joining", "driver broken"])
def test_other_networks_come_first_whatever_the_driver_was_at(world, breaks):
    Station.air["depot"] = "sesame"
    world.wifi.step(world.now_ms)
    assert world.wifi.state == JOINING
    world.station.breaks = breaks
    world.wifi.adopt([("depot", "sesame")])
    world.pass_ms(3_000)
    assert world.wifi.used == ("depot", "sesame") and world.wifi.failure_count == 0
    assert [name for name in world.station.calls if name not in ("on", "off")] == ["home", "depot"]


def test_an_esp32_does_not_scan_while_it_joins(world):
    world.wifi.step(world.now_ms)
    if Station.codes is ESP32_CODES:
        with pytest.raises(OSError, match="State"):
            world.wifi.scan()
    world.pass_ms(1_000)
    assert len(world.wifi.scan()) == 2
