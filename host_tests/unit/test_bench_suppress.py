"""The figures of suppression: what they are made of, on a small scale."""

import numpy
import pytest
from typer.testing import CliRunner

from tidegate_tools import bench, bench_device, bench_suppress, cli, quantities, suppression_day
from tidegate_tools.suppression_day import DEADBANDS, IDS, STATE, TRENDS, Charger

TRACE = ["time_s,charging_current_a,charging_power_w,allocated_current_a,firmware"] + [
    "%d,%d,%d,16,V1" % (second, 10 * (second >= 20), 2_300 * (second >= 20))
    for second in range(40)]


@pytest.fixture(scope="module")
def columns():
    """The end of an idle stretch and the beginning of a session, from one day's first hours."""
    day = suppression_day.day(suppression_day.PLUG_S + 300)
    return {observation_id: column[-600:] for observation_id, column in day.items()}


def test_twelve_observations_are_a_day_and_all_are_in_the_catalogue():
    assert len(IDS) == 12 and set(IDS) == {*DEADBANDS, *TRENDS, STATE}
    assert all(Charger().suppressor.index(each) >= 0 for each in IDS)


def test_devices_have_phases_of_their_own():
    # CRC-24 of RFC 4880 over the name, modulo 1024; the first is its check value for no bytes.
    assert quantities.phase_of("") == 0xB704CE % 1_024
    assert quantities.phase_of("123456789") == 0x21CF02 % 1_024


def test_a_day_is_a_value_a_second_and_the_same_for_the_same_seed(columns):
    assert {len(column) for column in columns.values()} == {600}
    again = suppression_day.day(60)
    assert all((again[each] == suppression_day.day(60)[each]).all() for each in IDS)
    assert any((again[each] != suppression_day.day(60, seed=2)[each]).any() for each in IDS)


def test_the_days_figure_counts_samples_and_what_was_sent_of_them(columns):
    figure = bench_suppress.day_figure(columns)
    sent = Charger().play(columns).count()
    assert figure.value == 12 * 600 / sent
    assert "7200 samples, %d sent" % sent in figure.note


def test_a_trace_is_played_row_by_row(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("\n".join(TRACE) + "\n")
    figure = bench_suppress.trace_figure(path)
    # Four first values, and then current and power.
    assert "160 samples, 6 sent" in figure.note and figure.value == 160 / 6
    assert bench_suppress.trace_figure(None).value is None


def test_a_trace_that_cannot_be_read_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(bench_suppress.suppression_day, "day", lambda: {
        each: numpy.zeros(3, dtype=numpy.int64) for each in IDS})
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("nothing\n")
    for path in (wrong, tmp_path / "none.csv"):
        result = CliRunner().invoke(cli.app, ["bench", "suppress", "--trace", str(path)])
        [line] = result.stderr.strip().splitlines()
        assert result.exit_code == 2 and path.name in line


def test_reports_are_never_fewer_than_the_optimum(columns):
    held, window, summed, worst = bench_suppress.optimum_figures(columns, lambda step: None)
    assert held.value >= 1 and summed.value >= 1 and worst.value >= summed.value
    assert window.value is None and "not built" in window.note
    for each in DEADBANDS + TRENDS:
        assert "%d: " % each in held.note + summed.note


def test_without_heartbeats_and_settle_times_only_the_bounds_make_reports(columns):
    still = {each: numpy.full(2_000, int(columns[each][0])) for each in IDS}
    assert bench_suppress.bare_charger().play(still).count() == 12
    assert Charger().play(still).count() > 12, "some heartbeats are due after 900 s or earlier"


def test_a_mad_device_is_held_against_a_sane_one_that_charges_too(columns):
    worst, first = bench_suppress.mad_figures(columns)
    assert worst.value > 1, "its fuses were full ten minutes ago"
    assert 60 < first.value < 300
    for way in bench_suppress.january.WAYS:
        assert way in worst.note


def test_without_node_and_micropython_nothing_is_measured_and_it_says_what_to_do(monkeypatch):
    def refuse(*arguments):
        raise bench_device.NotMeasured("install it")

    monkeypatch.setattr(bench_device, "heap_suppressed", refuse)
    monkeypatch.setattr(bench_device, "turn_rates", refuse)
    figures = bench_suppress.heap_figures(print) + bench_suppress.turn_figures(print)
    assert [figure.value for figure in figures] == [None] * 5
    assert {figure.note for figure in figures} == {"not measured: install it"}


def test_the_bench_is_one_of_the_benches():
    assert bench.BENCHES[bench.TRACED] == bench_suppress.__name__


@pytest.mark.micropython
def test_turns_are_timed_against_a_bare_loop_on_the_real_interpreter():
    rounds = bench_device.turn_rates(400, 5)
    assert len(rounds) == 5
    assert all(len(each) == 3 and min(each) > 0 for each in rounds)
