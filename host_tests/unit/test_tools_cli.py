"""The command line: wrong input is one clear line and exit status 2."""

import json

import pytest
from typer.testing import CliRunner

from tidegate_tools import cli
from tidegate_tools.decode import Batch, Gap, Observation
from tidegate_tools.store import Received, Store


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def one_line(result):
    [line] = result.stderr.splitlines()
    assert result.exit_code == 2, result.output
    return line


@pytest.fixture
def ready(tmp_path):
    """Options with which a demo would start: an interpreter and an agent that exist."""
    interpreter = tmp_path / "micropython"
    interpreter.write_text("#!/bin/sh\nexit 3\n")
    interpreter.chmod(0o755)
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "main.py").write_text("")
    return "--interpreter", interpreter, "--firmware", firmware


def test_an_unknown_broker_is_one_line_that_lists_the_known_ones(ready):
    line = one_line(run("demo", *ready, "--broker", "emqx"))
    assert "unknown broker 'emqx'" in line and "amqtt, mosquitto" in line


def test_a_missing_trace_is_one_line_with_its_name(ready, tmp_path):
    assert "nowhere.csv" in one_line(run("demo", *ready, "--trace", tmp_path / "nowhere.csv"))


def test_a_trace_that_is_no_trace_is_one_line(ready, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("hello\nworld\n")
    assert "notes.csv" in one_line(run("demo", *ready, "--trace", path))


def test_a_folder_that_cannot_be_written_is_one_line_with_its_name(ready, tmp_path):
    blocker = tmp_path / "blocker"
    blocker.write_text("")
    line = one_line(run("demo", *ready, "--keep", blocker / "inside"))
    assert "blocker/inside" in line and "cannot be written" in line


def test_a_folder_that_is_not_empty_is_one_line(ready, tmp_path):
    assert "not empty" in one_line(run("demo", *ready, "--keep", tmp_path))


def test_a_folder_without_an_agent_is_one_line(ready, tmp_path):
    assert "main.py" in one_line(run("demo", *ready[:2], "--firmware", tmp_path))


def test_a_missing_interpreter_is_one_line_that_says_how_to_get_one(ready):
    line = one_line(run("demo", *ready[2:], "--interpreter", "no-such-micropython"))
    assert "make demo" in line


@pytest.mark.parametrize(("option", "value"), [("--speed", 0), ("--speed", 999), ("--cut", 0)])
def test_a_number_out_of_bounds_is_one_line_that_names_the_option(ready, option, value):
    assert option in one_line(run("demo", *ready, option, value))


@pytest.mark.parametrize("arguments", [(), ("sink",)])
def test_without_a_command_the_help_is_shown(arguments):
    assert "Usage" in run(*arguments).output


@pytest.mark.parametrize(
    "arguments", [("demo",), ("sink", "run"), ("sink", "report"), ("sink", "health")])
def test_each_help_ends_with_an_example(arguments):
    result = run(*arguments, "--help")
    assert result.exit_code == 0
    assert "Example: tidegate " + " ".join(arguments) in result.output


def test_a_report_of_a_missing_file_is_one_line(tmp_path):
    assert "absent.db" in one_line(run("sink", "report", tmp_path / "absent.db"))


def test_a_sink_on_a_file_that_is_no_database_is_one_line(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello " * 500)
    assert "notes.txt" in one_line(run("sink", "run", "--db", path))


@pytest.fixture
def database(tmp_path):
    store = Store(tmp_path / "sink.db")
    observations = tuple(Observation(seq, 1, seq, 501, "1") for seq in (1, 2, 5, 9))
    batch = Batch(
        "tg-7",
        "0" * 16,
        "telemetry",
        1,
        None,
        "unknown",
        False,
        60,
        12,
        (Gap(3, 4, "evicted", 2, (1, 0, 5_000), (1, 9_000, 14_000)),),
        observations,
    )
    store.commit([Received(1, batch), Received(2, batch), Received(3, None)])
    store.close()
    return store.path


def test_the_report_shows_gaps_missing_seqs_repeats_and_lag(database):
    result = run("sink", "report", database)
    assert result.exit_code == 0
    [row] = [line.split() for line in result.output.splitlines() if line.startswith("tg-7")]
    assert row[2:10] == ["telemetry", "4", "1", "9", "6-8", "3-4", "4", "0"]
    assert ("gap of tg-7 telemetry: 3-4 evicted, 2 observations, from 1970-01-01 00:00:05 to "
            "1970-01-01 00:00:14 UTC") in result.output
    assert "60 s, 12" in " ".join(row) and "malformed: 1" in result.output


def test_the_report_as_json_holds_the_same(database):
    report = json.loads(run("sink", "report", database, "--json").output)
    [stream] = report["streams"]
    assert (stream["missing"], stream["gaps"]) == ([[6, 8]], [[3, 4, "evicted", 2, 5_000, 14_000]])
    assert (stream["repeats"], stream["lag_count_max"]) == (4, 12)
    assert report["counters"]["malformed"] == 1
