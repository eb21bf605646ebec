"""The January incident, an hour of it: who sends how much, what waits, what still arrives."""

import json

import numpy
import pytest
from typer.testing import CliRunner

from tidegate_tools import cli, january, january_report
from tidegate_tools.january import LEAD_S, PRESENT, SAMPLED, SUPPRESSED
from tidegate_tools.present_rules import PresentRules
from tidegate_tools.suppression_day import Charger

SECONDS, SEED = 2_400, 1
# Plugged in before the counted stretch, and unplugged in it, long after the onset.
SESSIONS = (LEAD_S - 900, LEAD_S + 1_500, 0)


@pytest.fixture(scope="module")
def fleet():
    """Three sane devices: idle, charging, and with the session of those that go mad, of which
    there is one for each way."""
    sessions = ((30_000, 40_000, 0), (60, 9_000, 0), SESSIONS)
    return january.Fleet(
        [january.live(number, "", SECONDS, SEED, each) for number, each in enumerate(sessions)]
        + [january.live(number, way, SECONDS, SEED, SESSIONS)
           for number, way in enumerate(january.WAYS, 3)], SECONDS, SEED)


def test_without_suppression_a_mad_device_sends_all_that_its_source_gives(fleet):
    for life in fleet.lives:
        rate = january.rate_h([life], SAMPLED, SECONDS, bool(life.way))
        assert rate == pytest.approx((3_600, 3_600 * (62 if life.way else 12)))


def test_with_suppression_a_mad_device_sends_at_most_what_its_fuses_let_through(fleet):
    sane_h = january.rate_h(fleet.lives[2:3], SUPPRESSED, SECONDS, True)[1]
    hours = (SECONDS - SECONDS // january.ONSET_SHARE) / january.HOUR_S
    for life in fleet.lives[3:]:
        sent = january.rate_h([life], SUPPRESSED, SECONDS, True)[1] * hours
        # 90 at first, 60 + 15 an hour from then on, and two that tell of it.
        assert sent < sane_h * hours + 90 + 75 * hours + 2


def test_a_stamp_that_stands_still_lets_no_repeat_pass():
    charger = Charger()
    for second, power in enumerate((100, 100, 900)):
        charger.turn(1_000 * second, (), january.standing(None, {513: power, 710: 1}))
    assert charger.counters.repeated == 50 + 52 + 51
    assert [report[1] for report in charger.reports] == [100, 1, 900]


def test_a_mad_devices_true_changes_of_state_arrive(fleet):
    for life in fleet.lives[3:]:
        assert len(life.changes) == 5, "at the start; plugged in, charging, finished, unplugged"
        assert sum(at_ms > 1_000 * (LEAD_S + SECONDS // 12) for at_ms, _ in life.changes) == 2
        assert life.lost_changes == []


def test_a_change_of_state_that_is_not_told_is_found(monkeypatch):
    turn = Charger.turn

    def forgetful(charger, at_ms, samples, again=()):
        turn(charger, at_ms, [each for each in samples if each[0] != 710 or at_ms < 10_000],
             [each for each in again if each[0] != 710])

    monkeypatch.setattr(Charger, "turn", forgetful)
    life = january.live(3, "same sample", 60, SEED, (LEAD_S - 60, LEAD_S + 20, 0))
    assert [state for _, state in life.lost_changes] == [2, 3, 5, 1]
    found = january_report.pipelines(january.Fleet([life, january.live(0, "", 60, SEED)], 60, 1))
    figures = january_report.figures(january.Fleet([life], 60, SEED, count=0), found)
    assert figures[1].is_broken and figures[1].value == 4


def test_the_ingest_falls_behind_without_suppression_only(fleet):
    found = {(each.mode, each.headroom): each for each in january_report.pipelines(fleet)}
    for headroom in january_report.HEADROOMS:
        if headroom >= january_report.HEADROOM_MIN:
            suppressed = found[SUPPRESSED, headroom]
            assert suppressed.wait_s < january_report.LATE_S and suppressed.late_h == 0
        assert found[PRESENT, headroom].late_h > 0.3
    assert found[SAMPLED, 1.1].late_h > 0 and found[SAMPLED, 1.5].late_h == 0
    assert found[SUPPRESSED, 2].capacity == pytest.approx(2 * fleet.busiest_s(SUPPRESSED))


def test_each_device_stands_for_its_share_of_the_fleet(fleet):
    sent = fleet.sent[SAMPLED]
    assert sent[0] == 1_000 * 12
    assert sent[-1] == 1_000 * 12 + 50 * 50, "all of the mad ones are mad"
    assert (fleet.sane[SAMPLED] == pytest.approx(numpy.full(SECONDS, 12_000)))
    begin = SECONDS // january.ONSET_SHARE
    assert sent[begin - 1] == sent[0] < sent[begin + january.SHIFT_S_MAX // 2] < sent[-1]


def test_a_backlog_grows_above_the_capacity_and_drains_below_it():
    arrivals = numpy.array([1, 5, 5, 0, 0, 0, 3])
    assert january.backlog(arrivals, 2).tolist() == [0, 3, 6, 4, 2, 0, 1]


def test_a_message_holds_what_a_turn_gives_up_to_a_batch():
    assert january.counted_h([numpy.array([0, 1, 64, 65] * 900)]) == (3_600, 130 * 900)


VALUES = {501: 0, 502: 0, 503: 0, 507: 0, 508: 0, 509: 0, 513: 0, 553: 0, 710: 1, 201: 0}


def test_the_present_rules_are_those_of_the_public_sources():
    rules = PresentRules()
    assert rules.sent_count(0, VALUES) == len(VALUES), "a full set each hour"
    assert rules.sent_count(1, VALUES) == 0, "nothing has changed"
    assert rules.sent_count(2, {**VALUES, 710: 3}) == 4, "the state, and three voltages"
    changed = {**VALUES, 710: 3, 513: 7_100}
    assert rules.sent_count(10, changed) == 4, "power and three currents"
    assert rules.sent_count(12, {**changed, 513: 9_000}) == 0, "5 s have not passed"
    assert rules.sent_count(16, {**changed, 513: 7_500}) == 0, "above 7 kW it takes 500 W"
    assert rules.sent_count(17, {**changed, 553: 100}) == 1, "0.1 kWh"


def test_the_command_prints_tables_or_one_object(monkeypatch, fleet, tmp_path):
    monkeypatch.setattr(january, "simulate", lambda seconds, seed, note: fleet)
    picture = tmp_path / "january.png"
    result = CliRunner().invoke(cli.app, ["simulate", "january", "--plot", str(picture)])
    assert result.exit_code == 0, result.output
    assert "mad: two values" in result.output and "never" in result.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    found = json.loads(CliRunner().invoke(cli.app, ["simulate", "january", "--json"]).stdout)
    assert {"seed", "hours", "devices", "pipelines", "figures"} == set(found)
    assert len(found["pipelines"]) == 3 * len(january_report.HEADROOMS)


def test_simulate_tells_how_far_it_is():
    told = []
    january.simulate(30, SEED, lambda done, count: told.append((done, count)), 1, 1)
    assert told == [(0, 2), (1, 2)]
