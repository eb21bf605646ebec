"""What a fleet's run is held against, and the image that its devices start with."""

import math
from types import SimpleNamespace

import pytest

from tidegate_tools import fleet_figures, fleet_image, fleet_scenes, image
from tidegate_tools.fleet import Record, Sample
from tidegate_tools.fleet_account import Books
from tidegate_tools.gate import Settings

UTC_MS = 1_768_500_000_000


def sample(at_s, lag, stored=0, online=2, close=0, waiting=0, attempts=0):
    return Sample(at_s, lag, stored, online, close, waiting, attempts)


def broken(figures):
    return [figure.name for figure in figures if figure.is_broken]


def surge(lags, delays=(0.1,)):
    """The broken figures of a surge with a sample each second."""
    record = Record([sample(float(n), lag, 10_000 - lag) for n, lag in enumerate(lags)],
                    [(fleet_scenes.OPEN, 0.0)])
    books = Books({}, [(float(n), delay) for n, delay in enumerate(delays)])
    return broken(fleet_figures.surge(record, books))


FALL = [0, 4_000, 10_000, 9_000, 6_000, 3_000, 60, 0]


def test_a_lag_that_rises_once_and_falls_steadily_breaks_nothing():
    assert surge(FALL) == []
    assert surge([0, 9_900, 9_800, 10_000, 9_850, 9_950, 5_000, 0]) == [], "within the band"


@pytest.mark.parametrize("lags, name", [
    ([0, 8_000, 7_000, *FALL[2:]], "it fell before the peak"),
    ([*FALL[:5], 6_500, 3_000, 0], "it rose after the peak"),
    ([*FALL[:5], *[6_000] * 10, 3_000, 0], "longest time without a new low"),
], ids=["two peaks", "a second wave", "a standstill"])
def test_a_lag_of_another_shape_is_named(lags, name):
    assert surge(lags) == [name]


def test_the_rest_below_a_hundredth_may_stand_still():
    assert surge([*FALL[:6], *[90] * 30]) == []


def test_one_stale_live_value_breaks_and_so_does_none_at_all():
    assert surge(FALL, [0.1, fleet_figures.LIVE_S_MAX + 0.1, 0.1]) == ["the same, largest"]
    assert surge(FALL, []) == ["the same, largest"]


def rehearsal(returns, count, speed=1):
    """The figures of a return that began at 100 s. Argument: returns, s, of each device."""
    setup = SimpleNamespace(count=count, speed=speed, device=lambda number: number)
    record = Record(
        [sample(99.5, 0, attempts=count), sample(100.2, 0, attempts=count),
         sample(120.0, 0, attempts=2 * count)],
        [(fleet_scenes.CUT, 50.0), (fleet_scenes.BACK, 100.0)],
        [(0, 20.0)] + [(number, 100 + at_s) for number, at_s in enumerate(returns)],
        [40.0, *[60.0] * count])
    figures = fleet_figures.rehearsal(record, setup, count / 1)
    return {figure.name: figure for figure in figures}


def test_the_times_of_return_are_those_of_the_first_session_after_restoration():
    found = rehearsal(range(100), 100)
    assert [found[name].value for name in ("t50", "t99", "t100")] == [0.49, 0.98, 0.99]
    assert found["attempts during the outage"].value == 1
    assert found["attempts after restoration"].value == 1
    assert not any(figure.is_broken for figure in found.values())


def test_a_fleet_that_is_late_breaks_its_bound_and_a_device_that_stays_away_counts_as_never():
    late = rehearsal([*range(98), 131, 132], 100)
    assert broken(late.values()) == ["t99"]
    assert rehearsal(range(99), 100)["t100"].value == math.inf
    assert broken(rehearsal(range(10), 12).values()) == [], "chance decides in a small fleet"


def test_times_are_of_the_agents_clocks():
    assert rehearsal([each / 4 for each in range(100)], 100, speed=4)["t99"].value == 0.98


def test_the_image_holds_what_was_said_and_nothing_of_it_is_confirmed(tmp_path):
    path = tmp_path / "spool.img"
    facts = fleet_image.prepare(path, 700, 3, UTC_MS)
    found = image.summary(path)
    assert found["logs"]["telemetry"] == {"head": 701, "watermark": 0, "ranges": []}
    assert found["boot"] == fleet_image.BOOT and len(facts) == 700
    spool = image.load(path)
    cursor = spool.cursor(0)
    cursor.seek(1)
    for log, fact in facts:
        assert cursor.next() and log == "telemetry"
        assert (cursor.boot, cursor.frame.observation_id) == (fact.boot, fact.id)
        assert cursor.mono_base_ms + cursor.frame.delta_ms == fact.mono_ms
        assert str(cursor.frame.value) == fact.value
        assert cursor.utc_zero_ms + fact.mono_ms <= UTC_MS
    assert fleet_image.prepare(tmp_path / "again.img", 700, 3, UTC_MS) == facts


def test_a_step_ends_when_its_sample_says_so_or_lasts_its_time():
    setup = SimpleNamespace(count=2, stored_count=10)
    waiting, opened, calm = fleet_scenes.surge(1, 60)
    assert not waiting.is_over(setup, sample(0, 0, waiting=1))
    assert waiting.is_over(setup, sample(0, 0, waiting=2))
    assert not opened.is_over(setup, sample(0, 0, stored=19, close=2))
    assert not opened.is_over(setup, sample(0, 0, stored=20, close=1))
    assert opened.is_over(setup, sample(0, 0, stored=20, close=2))
    assert not calm.is_awaited and not calm.is_over(setup, sample(0, 0, stored=20, close=2))
    back = fleet_scenes.rehearsal(4, 80, Settings(rate=4), "closed", 400)[3]
    assert (back.limit_s, back.front.rate) == (100, 4)
