"""How far behind the device is, against what was appended when."""

from uplink_world import UplinkWorld

from tidegate.observe.catalogue import RECORDS, TELEMETRY
from tidegate.uplink.lag import Lag

UTC_MS = 1_768_509_600_000


def measured(world, log=TELEMETRY):
    lag = Lag(world.spool, world.anchor, world.monotonic)
    lag.measure(world.monotonic.now_ms)
    member = lag.member(log)
    return {"age_s": member["age_s"], "count": member["count"]}


def test_nothing_held_is_no_lag():
    assert measured(UplinkWorld()) == {"age_s": 0, "count": 0}


def test_age_is_that_of_the_oldest_unconfirmed_one():
    world = UplinkWorld()
    for _ in range(5):
        world.append(1)
        world.wait(10_000)
    assert measured(world) == {"age_s": 50, "count": 5}
    world.echo(2)
    assert measured(world) == {"age_s": 30, "count": 3}
    world.echo(2, [[4, 5]])
    assert measured(world) == {"age_s": 30, "count": 1}
    world.echo(5)
    assert measured(world) == {"age_s": 0, "count": 0}


def test_each_log_has_its_own():
    world = UplinkWorld()
    world.append(b"x", RECORDS)
    world.wait(7_999)
    world.append(1)
    assert measured(world, RECORDS) == {"age_s": 7, "count": 1}
    assert measured(world, TELEMETRY) == {"age_s": 0, "count": 1}


def test_one_lag_follows_the_world_from_measure_to_measure():
    world = UplinkWorld()
    lag = Lag(world.spool, world.anchor, world.monotonic)
    world.append(1)
    world.wait(5_000)
    world.append(2)
    lag.measure(world.wait(5_000))
    assert lag.member(TELEMETRY)["age_s"] == 10
    lag.measure(world.wait(2_000))
    assert lag.member(TELEMETRY)["age_s"] == 12
    world.echo(1)
    lag.measure(world.wait(1_000))
    assert lag.member(TELEMETRY)["age_s"] == 8
    world.echo(2)
    lag.measure(world.wait(1_000))
    assert lag.member(TELEMETRY)["age_s"] == 0


def test_an_observation_of_an_earlier_boot_ages_by_utc():
    world = UplinkWorld()
    world.date(UTC_MS)
    world.wait(10_000)
    world.append(1)
    world.mount(UTC_MS + 3_600_000)
    world.wait(5_000)
    assert measured(world) == {"age_s": 3_595, "count": 1}


def test_an_observation_of_a_boot_without_a_date_has_no_age():
    world = UplinkWorld()
    world.append(1)
    world.mount(UTC_MS)
    world.wait(5_000)
    assert measured(world) == {"age_s": None, "count": 1}


def test_a_clock_that_went_back_between_boots_makes_no_negative_age():
    world = UplinkWorld()
    world.date(UTC_MS)
    world.append(1)
    world.mount(UTC_MS - 86_400_000)
    assert measured(world) == {"age_s": 0, "count": 1}


def test_ages_of_weeks_do_not_wrap():
    world = UplinkWorld()
    world.append(1)
    for _ in range(30):
        world.wait(86_400_000)
    assert measured(world)["age_s"] == 30 * 86_400


def test_the_flash_that_is_taken_is_told_to_the_sector_and_less():
    world = UplinkWorld(block_count=32)
    lag = Lag(world.spool, world.anchor, world.monotonic)
    assert lag.member(TELEMETRY)["bytes"] == 0
    world.fill(1_000)
    lag.measure(world.wait(1_000))
    assert 9_000 < lag.member(TELEMETRY)["bytes"] < 13_000
    world.echo(999)
    lag.measure(world.wait(1_000))
    assert 0 < lag.member(TELEMETRY)["bytes"] <= 64
    world.echo(1_000)
    lag.measure(world.wait(1_000))
    assert lag.member(TELEMETRY)["bytes"] == 0


def test_the_rate_follows_what_is_confirmed_and_says_when_all_will_be():
    world = UplinkWorld()
    world.fill(2_000, pass_ms=1)
    lag = Lag(world.spool, world.anchor, world.monotonic)
    lag.measure(world.wait(1_000))
    assert (lag.member(TELEMETRY)["rate"], lag.member(TELEMETRY)["drain_s"]) == (0, None)
    for second in range(1, 21):
        world.echo(50 * second)
        lag.measure(world.wait(500))
    assert lag.member(TELEMETRY)["rate"] == 100
    assert lag.member(TELEMETRY)["drain_s"] == 10
    for _ in range(30):
        lag.measure(world.wait(1_000))
    assert (lag.member(TELEMETRY)["rate"], lag.member(TELEMETRY)["drain_s"]) == (0, None)
    world.echo(2_000)
    lag.measure(world.wait(1_000))
    assert lag.member(TELEMETRY)["drain_s"] == 0
