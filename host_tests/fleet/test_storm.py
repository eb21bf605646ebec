"""A fleet that lost its server together, played through the device's own back-off."""

import json
import math

import pytest
from typer.testing import CliRunner

from tidegate.limits import ATTEMPT_MS_MAX
from tidegate.link import causes
from tidegate_tools import storm_fleet, storm_fronts, storm_regions, storm_rivals
from tidegate_tools.storm import app
from tidegate_tools.storm_scenario import Scenario
from tidegate_tools.storm_suite import is_broken, online_share

COUNT = 10_000


def t99(**options):
    scenario = Scenario(**dict({"count": COUNT}, **options))
    return scenario.play().share_ms(99) / 1000 / scenario.ideal_s


@pytest.mark.parametrize("front, cost", [
    ("refuse", 0), ("costly", 0.1), ("costly", 0.3), ("queue", 0)])
def test_a_fleet_with_a_hint_is_back_in_little_more_than_the_ideal_time(front, cost):
    scenario = Scenario(count=COUNT, front=front, cost=cost)
    result = scenario.play()
    ideal_ms = scenario.ideal_s * 1000
    assert result.share_ms(50) <= 0.60 * ideal_ms
    assert result.share_ms(99) <= 1.15 * ideal_ms
    assert result.attempt_count_after <= 1.05 and result.attempt_count <= 22


def test_a_device_whose_every_wait_is_full_jitter_would_break_the_same_bound():
    assert t99(rival="full jitter 1..300 s") > 1.15


def test_a_fleet_without_a_hint_is_back_within_twice_the_ideal_time():
    assert t99(hint_s=0) <= 2.1
    assert t99(hint_s=0, front="queue") <= 2.1


def test_an_outage_that_looks_busy_ends_as_fast_as_one_that_refuses():
    scenario = Scenario(count=COUNT, refusal="busy")
    result = scenario.play()
    assert result.share_ms(99) <= 1.15 * 300_000
    assert result.attempt_count <= 22 and result.attempt_count_after <= 1.05


def test_a_hint_that_is_a_little_too_small_costs_little_more_than_half_again():
    assert t99(hint_s=330 * 0.86) <= 1.6


def test_behind_a_queue_who_was_closed_stays_in_line_while_little_capacity_is_left():
    scenario = Scenario(count=3_000, levels=(0.05, 0.20), session_s=600, front="queue")
    assert online_share(scenario, scenario.play()) >= 0.9


def test_short_outages_before_a_queue_need_patience():
    options = {"outage_s": 30, "spread_s": 60, "loss": "silence", "front": "queue"}
    assert t99(**options) <= 1.1
    assert t99(patience_ms_max=ATTEMPT_MS_MAX, **options) > 4


@pytest.mark.parametrize("name", [
    "full jitter 1..120 s", "full jitter 1..300 s", "full jitter 1..600 s", "OCPP 15/5/3"])
def test_rivals_come_out_as_published_within_a_tenth(name):
    scenario = Scenario(count=COUNT, rival=name, spread_s=1)
    result = scenario.play()
    expected = storm_rivals.RIVALS[name][2]
    assert result.share_ms(99) / 300_000 == pytest.approx(expected[0], rel=0.1)
    assert result.attempt_count_after == pytest.approx(expected[1], rel=0.1)


def test_full_jitter_never_gets_through_a_queue():
    assert math.isinf(t99(rival="full jitter 1..300 s", front="queue", horizon=5))


def test_two_regions_the_spare_room_is_taken_without_a_storm():
    for refusal in (causes.REFUSED, causes.BUSY):
        found = storm_regions.run(5_000, 300, 7_200, 330, refusal, 3_000)
        assert found["peak B"] <= 1.3
        assert found["share at B"] == pytest.approx(0.2, abs=0.01)
        assert found["peak A"] <= 1.3


def test_the_same_seed_plays_the_same_storm():
    first, second = (Scenario(count=500, seed=5).play() for _ in range(2))
    assert first.up_ms == second.up_ms and first.attempts == second.attempts


def test_a_queue_works_for_those_who_left():
    front = storm_fronts.Queueing(
        storm_fronts.Capacity([(0, 1)]), (0, 0), False, lambda: 0)
    found = [front.attempt(0, 2_500) for _ in range(4)]
    assert [outcome for outcome, _ in found] == 2 * [storm_fronts.UP] + 2 * [causes.OVERLOAD]
    assert front.attempt(3_000, 2_500) == (storm_fronts.UP, 5_000)


def test_capacity_and_its_inverse_agree_on_a_ramp():
    capacity = storm_fronts.Capacity([(0, 0), (1_000, 0), (11_000, 100)])
    assert capacity.total(1_000) == 0 and capacity.total(11_000) == pytest.approx(500)
    for total in (1, 250, 499, 500, 900):
        assert capacity.total(capacity.when(total)) == pytest.approx(total)


def test_attempts_before_the_outage_do_not_exist():
    result = Scenario(count=500).play()
    assert sum(result.attempts[:storm_fleet.BEGIN_MS // 1000]) == 0
    assert sum(result.attempts) == round(result.attempt_count * 500)


def test_the_command_prints_one_json_object():
    done = CliRunner().invoke(app, ["--count", "200", "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)["figures"]
    assert {"name", "value", "unit", "better", "must", "aim"} == set(figures[0])


def test_a_figure_above_its_must_is_broken_and_below_it_where_more_is_better():
    figure = {"value": 2.0, "must": 1.0, "better": "lower"}
    assert is_broken(figure) and not is_broken(dict(figure, better="higher"))
    assert not is_broken(dict(figure, must=None))


def test_a_wrong_option_is_refused_with_what_is_allowed():
    done = CliRunner().invoke(app, ["--front", "nice"])
    assert done.exit_code == 2
