"""The oracle against hand-made journals: each rule of SPEC section 2, and what a kill leaves."""

import json

import pytest

from tidegate_tools import journal
from tidegate_tools.errors import JournalError
from tidegate_tools.oracle import Fact, expect
from tidegate_tools.quantities import load_quantities

ROWS = (
    (1, "State", 0, "", 0, 0, 0, 0, 0, 0, 0, 0, 0, 9),
    (2, "Voltage", 0, "V", 3, 0, 1, 100, 0, 0, 10, 0, 0, 10_000),
    (3, "Receipt", 2, "", 0, 1, 0, 0, 0, 0, 0, 0, 0, 4),
    (4, "Label", 1, "", 0, 0, 0, 0, 0, 0, 0, 0, 1, 4),
)


def line(boot, mono_ms, *samples):
    return (
        json.dumps(
            {"boot": boot, "mono": mono_ms, "samples": list(samples)}, separators=(",", ":")
        ).encode()
        + b"\n"
    )


def run(*lines, held=(), ended_in_order=True):
    return expect(journal.parse(b"".join(lines)), (ROWS, 0), held, ended_in_order)


def values(expectation, log="telemetry"):
    return [(fact.boot, fact.mono_ms, fact.id, fact.value) for fact in expectation.facts[log]]


def test_the_first_sample_and_each_change_of_an_exact_value_are_recorded():
    got = run(line(1, 0, [1, 5]), line(1, 1_000, [1, 5]), line(1, 2_000, [1, 6]))
    assert values(got) == [(1, 0, 1, "5"), (1, 2_000, 1, "6")]
    assert (got.sampled, got.unchanged, got.recorded) == (3, 1, 2)


def test_a_deadband_is_measured_from_the_last_recorded_value_and_is_open_at_the_bound():
    got = run(
        line(1, 0, [2, 1_000]),
        line(1, 1_000, [2, 1_060]),
        line(1, 2_000, [2, 1_100]),
        line(1, 3_000, [2, 1_101]),
        line(1, 4_000, [2, 1_101]),
    )
    assert values(got) == [(1, 0, 2, "1000"), (1, 3_000, 2, "1101")]
    assert (got.within_bound, got.unchanged) == (2, 1)


def test_a_heartbeat_repeats_a_quiet_value_and_starts_anew_with_each_boot():
    got = run(
        line(1, 500, [2, 7]),
        line(1, 10_499, [2, 7]),
        line(1, 10_500, [2, 7]),
        line(1, 11_500),
        line(2, 300),
        line(2, 10_299, [2, 8]),
        line(2, 10_300, [2, 8]),
    )
    assert values(got) == [(1, 500, 2, "7"), (1, 10_500, 2, "7"), (2, 10_300, 2, "8")]


@pytest.mark.parametrize(
    "sample",
    [
        [9, 1],
        [1, 10],
        [1, -1],
        [1, "5"],
        [1, True],
        [1, 5.0],
        [1, None],
        [4, ""],
        [4, "ååå"],
        [3, {"b64": "QUFBQUE="}],
        [3, "AAAA"],
        [4, 5],
    ],
)
def test_a_sample_outside_the_catalogue_is_refused_and_leaves_no_trace(sample):
    got = run(line(1, 0, sample), line(1, 1_000, sample))
    assert (got.refused, got.sampled, got.recorded) == (2, 2, 0)


def test_each_log_is_numbered_by_itself_and_opaque_values_keep_their_bytes():
    got = run(line(1, 0, [1, 5], [3, {"b64": "T0NNRg=="}], [4, "åå"]))
    assert values(got, "records") == [(1, 0, 3, '{"b64":"T0NNRg=="}')]
    assert [fact.id for fact in got.facts["telemetry"]] == [1, 4]


def test_a_reboot_does_not_record_an_unchanged_world():
    got = run(line(1, 0, [1, 5], [2, 50]), line(1, 1_000), line(2, 0, [1, 5], [2, 60]))
    assert got.recorded == 2


def held(*facts):
    return [("records" if fact[2] == 3 else "telemetry", Fact(*fact)) for fact in facts]


def test_what_a_kill_left_undecided_is_what_the_sink_holds_and_the_state_goes_on_from_there():
    lines = (
        line(1, 0, [1, 5]),
        line(1, 1_000, [1, 6], [3, {"b64": "QQ=="}], [2, 50]),
        line(2, 0, [1, 6], [2, 50]),
    )
    accepted = held((1, 1_000, 1, "6"))
    got = run(*lines, held=accepted)
    assert values(got) == [(1, 0, 1, "5"), (1, 1_000, 1, "6"), (2, 0, 2, "50")]
    assert (got.undecided, got.facts["records"], got.sampled) == (2, [], 6)


def test_nothing_of_an_undecided_turn_in_the_sink_means_nothing_was_accepted():
    got = run(line(1, 0, [1, 5]), line(1, 1_000, [1, 6]), line(2, 0, [1, 5]))
    assert values(got) == [(1, 0, 1, "5")]
    assert (got.undecided, got.unchanged) == (1, 1)


def test_an_undecided_sample_before_one_that_the_sink_holds_was_accepted_too():
    got = run(line(1, 0, [1, 5], [2, 50], [4, "x"]), line(2, 0), held=held((1, 0, 4, '"x"')))
    assert [fact.id for fact in got.facts["telemetry"]] == [1, 2, 4]
    assert got.undecided == 0


def test_an_agent_that_ended_in_order_has_nothing_undecided():
    lines = (line(1, 0, [1, 5]), line(1, 1_000, [1, 6]))
    assert run(*lines).undecided == 0
    assert run(*lines, ended_in_order=False).undecided == 1


def test_a_torn_line_at_the_end_of_a_killed_boot_is_ignored_and_what_came_before_is_decided():
    torn = line(1, 1_000, [1, 6])[:-9]
    got = run(line(1, 0, [1, 5]), torn, line(2, 0, [1, 5]))
    assert (values(got), got.undecided) == ([(1, 0, 1, "5")], 0)
    got = run(line(1, 0, [1, 5]), torn, ended_in_order=False)
    assert (values(got), got.undecided) == ([(1, 0, 1, "5")], 0)


def test_a_few_torn_bytes_do_not_decide_the_turn_before():
    got = run(line(1, 0, [1, 5]), b'{"bo', line(2, 0, [1, 5]))
    assert (values(got), got.undecided) == ([(2, 0, 1, "5")], 1)


@pytest.mark.parametrize(
    "lines",
    [
        (line(1, 0, [1, 5])[:-9], line(1, 1_000)),
        (b"rubbish\n",),
        (b'{"boot":1,"mono":1000}\n',),
        (line(1, 500), line(1, 500)),
        (line(2, 0), line(1, 5_000)),
    ],
)
def test_a_journal_that_is_damaged_or_out_of_order_is_not_trusted(lines):
    with pytest.raises(JournalError, match="journal line [23]"):
        run(line(1, 0), *lines)


def test_a_torn_line_of_a_boot_that_ended_in_order_is_not_trusted():
    with pytest.raises(JournalError, match="ended in order"):
        run(line(1, 0, [1, 5]), line(1, 1_000)[:-2])


def test_the_catalogue_of_the_device_is_read_as_it_stands():
    quantities = load_quantities()
    voltage = quantities[501]
    assert (voltage.name, voltage.unit, voltage.policy, voltage.log) == (
        "VoltagePhase1",
        "V",
        "deadband",
        "telemetry",
    )
    assert voltage.show(230_125) == "230.125 V"
    assert quantities[201].show(-5) == "-0.5 degC"
    assert quantities[554].show(b"abc") == "3 bytes"
    assert quantities[554].log == "records"
