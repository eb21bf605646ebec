"""Figures and their bounds: the framework, and what measures the spool, on tiny inputs."""

import json
import math
import sys
import types

import pytest
from typer.testing import CliRunner

from tidegate_tools import bench, bench_day, bench_device, bench_littlefs, bench_spool, bench_wear
from tidegate_tools import cli
from tidegate_tools.bench import Figure
from tidegate_tools.bench_rig import BYTES, NUMBER, ONCE_16, PAGES, RECORDS, TELEMETRY

SECONDS = 7_800


@pytest.fixture
def planted(monkeypatch):
    """A function that makes figures those of a bench; they are in the order of the names."""

    def plant(**benches):
        names = {}
        for name, figures in benches.items():
            module = types.ModuleType("planted_" + name)
            module.run = lambda note, figures=figures: figures
            monkeypatch.setitem(sys.modules, module.__name__, module)
            names[name] = module.__name__
        monkeypatch.setattr(bench, "BENCHES", names)

    return plant


def run(*arguments):
    return CliRunner().invoke(cli.app, ["bench", *arguments])


def test_a_value_on_its_bound_keeps_it_and_one_beyond_breaks_it():
    assert not Figure("n", 15, "bytes", 15).is_broken
    assert Figure("n", 15.01, "bytes", 15).is_broken
    assert not Figure("n", 8, "times", 8, better="higher").is_broken
    assert Figure("n", 7.99, "times", 8, better="higher").is_broken


def test_the_verdict_tells_broken_held_and_aim_reached_apart():
    assert Figure("n", 16, "bytes", 15, 12.5).verdict() == "broken"
    assert Figure("n", 13, "bytes", 15, 12.5).verdict() == "held"
    assert Figure("n", 12, "bytes", 15, 12.5).verdict() == "held, aim reached"
    assert Figure("n", 20, "times", 8, 15, "higher").verdict() == "held, aim reached"
    assert Figure("n", 1, "bytes").verdict() == ""


def test_a_broken_must_makes_exit_status_1_and_is_named(planted):
    planted(spool=[Figure("bytes of it", 16, "bytes", 15, 12)])
    result = run("spool")
    assert result.exit_code == 1
    assert "bytes of it" in result.output and "broken" in result.output


def test_figures_that_hold_make_exit_status_0(planted):
    planted(spool=[Figure("bytes of it", 14, "bytes", 15, 12), Figure("told", 99, "bytes")])
    assert run("spool").exit_code == 0


def test_what_was_not_measured_breaks_nothing_and_says_why(planted):
    planted(spool=[Figure("heap", None, "KiB", 6, 4, note="not measured: install node")])
    result = run("spool")
    assert result.exit_code == 0
    assert "heap: not measured: install node" in result.output
    [figure] = json.loads(run("spool", "--json").output)["figures"]
    assert figure["value"] is None and figure["note"] == "not measured: install node"


def test_the_json_is_one_object_with_the_agreed_members(planted):
    planted(spool=[Figure("n", 14.123456, "bytes", 15, 12)])
    assert json.loads(run("spool", "--json").output) == {"figures": [
        {"name": "n", "value": 14.1235, "unit": "bytes", "better": "lower", "must": 15, "aim": 12}
    ]}


def test_what_never_happened_is_broken_and_has_no_value_in_json(planted):
    planted(storm=[Figure("t100", math.inf, "over N/C", 1.2)])
    result = run("storm", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["figures"][0]["value"] is None


def test_all_joins_the_benches_in_order_and_one_broken_breaks_it(planted):
    planted(spool=[Figure("first", 1, "", 2)], storm=[Figure("second", 3, "", 2)])
    result = run("all", "--json")
    assert [each["name"] for each in json.loads(result.output)["figures"]] == ["first", "second"]
    assert result.exit_code == 1


def test_an_unknown_bench_is_one_line_that_lists_the_known_ones():
    result = run("spoon")
    [line] = result.stderr.splitlines()
    assert result.exit_code == 2
    assert "'spoon'" in line and "spool, link, meter, presence, storm, suppress, size, all" in line


@pytest.fixture(scope="module")
def day():
    """A live day until ten minutes into its first session."""
    return bench_day.live((BYTES, ONCE_16, PAGES), SECONDS)


def test_a_live_day_counts_what_each_log_programmed_and_loses_no_byte(day):
    assert len(day.turns) == SECONDS
    for rig in day.rigs:
        counted = rig.programmed_bytes(TELEMETRY) + rig.programmed_bytes(RECORDS)
        assert counted == rig.flash.programmed_bytes_count
        assert rig.spool.logs[TELEMETRY].next_seq == day.count(TELEMETRY) + 1
        assert rig.spool.logs[TELEMETRY].ranges.watermark == day.count(TELEMETRY)
    plain, once = day.rigs[:2]
    assert once.programmed_bytes(TELEMETRY) > plain.programmed_bytes(TELEMETRY)
    assert day.count(TELEMETRY, NUMBER) > 50


def test_the_space_that_a_log_takes_is_what_its_blocks_show(day):
    pages = day.rigs[2]
    start = pages.span(TELEMETRY).start * pages.flash.block_bytes
    image = pages.flash.image[start:].rstrip(b"\xff")
    used = pages.used_bytes(TELEMETRY)
    block = pages.flash.block_bytes
    assert used == len(bytes(pages.flash.image[start:start + 100 * block]).rstrip(b"\xff"))
    assert len(image) >= used


def test_a_hurried_day_has_the_same_observations_in_less_time(day):
    hurried = bench_day.hurried(day, 100_000)
    assert len(hurried.turns) == day.count() * bench_day.DAY_S // 100_000 < SECONDS
    assert [row for rows in hurried.turns for row in rows] == [
        row for rows in day.turns for row in rows]


def test_laps_end_when_the_ring_has_come_round_and_count_its_erases(day):
    laps = bench_wear.laps(day, BYTES, lap_count=3, block_count=8)
    assert laps.lap_counts[0] == 3
    assert 0 <= laps.spread <= 1
    assert 1 < laps.per_1000 < 10


def test_a_ring_with_one_favourite_block_shows_in_the_spread(day, monkeypatch):
    erase = bench_wear.CountingFlash.erase

    def unfair(flash, block):
        erase(flash, block)
        flash.erase_counts[0] += block == 0

    monkeypatch.setattr(bench_wear.CountingFlash, "erase", unfair)
    assert bench_wear.laps(day, BYTES, lap_count=4, block_count=8).spread > 1


def test_a_full_log_is_counted_as_it_reads_and_started_on_at_many_places(day):
    full = bench_wear.full(day, block_count=8, sector_count=5)
    assert 8 * 150 < full.held_count_min < 8 * 400
    assert full.start_count > 20
    assert 4_096 < full.start_bytes_max < 8 * 4_096


def test_start_up_on_both_logs_reads_more_than_on_one(day):
    one = bench_wear.full(day, block_count=8, sector_count=2).start_bytes_max
    assert bench_wear.whole_start_bytes(day, block_count=12, try_count=5) > one // 2


def test_each_flushed_record_makes_littlefs_program_half_a_block():
    records = [bench_littlefs.record(seq, seq * 1_000, 501, -230_125) for seq in range(600)]
    programmed, erases = bench_littlefs.append_all(records)
    assert len(records[0]) <= 32
    assert 1_500 < programmed < 3_000 and 0.9 < erases < 1.1


def test_ten_years_are_spread_over_the_blocks_of_telemetry():
    assert bench_spool.ten_years(4) == pytest.approx(4 * 9 * 3_652.5 / 192)


def test_without_node_the_heap_is_not_measured_and_says_what_to_do(monkeypatch):
    monkeypatch.setattr(bench_device.shutil, "which", lambda name: None)
    figures = bench_spool.heap_figures(lambda step: None)
    assert [figure.value for figure in figures] == [None, None]
    assert all(figure.note == "not measured: install node" for figure in figures)


def test_a_script_that_fails_is_one_line_with_what_it_said_last(monkeypatch, tmp_path):
    (tmp_path / "append_rate.py").write_text("print('before')\nraise ValueError('spoilt')\n")
    monkeypatch.setattr(bench_device, "SCRIPTS", tmp_path)
    with pytest.raises(bench_device.ProcessError, match="status 1.*ValueError: spoilt"):
        bench_device.append_rates(1, 1, 1)


def test_a_script_that_ends_with_a_status_is_not_believed(monkeypatch, tmp_path):
    (tmp_path / "append_rate.py").write_text("import sys\nprint('{}')\nsys.exit(3)\n")
    monkeypatch.setattr(bench_device, "SCRIPTS", tmp_path)
    with pytest.raises(bench_device.ProcessError, match="status 3"):
        bench_device.append_rates(1, 1, 1)


@pytest.mark.micropython
def test_the_append_rates_are_taken_in_turns_on_the_real_interpreter():
    rates = bench_device.append_rates(400, 10, 3)
    # How they compare is the bench's to say: on a busy machine a short turn says anything.
    assert len(rates) == 5 and min(rates) > 0


def test_another_archive_than_the_pinned_one_is_not_used(monkeypatch):
    monkeypatch.syspath_prepend(str(bench_device.find_checkout().root / "tools"))
    import fetch_webassembly

    with pytest.raises(fetch_webassembly.FetchError, match="not used"):
        fetch_webassembly.check(b"something else")
