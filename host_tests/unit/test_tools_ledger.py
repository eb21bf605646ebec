"""The ledger with one fault planted at a time: each is found and named."""

from collections import namedtuple

import pytest

from tidegate_tools.ledger import balance, compare, is_final, named
from tidegate_tools.oracle import Expectation, Fact

Row = namedtuple("Row", "seq boot mono_ms id value")
FACTS = [Fact(1, 1_000 * n, 501, str(n)) for n in range(1, 6)]
ROWS = [(n, fact) for n, fact in enumerate(FACTS, 1)]
DEVICE = {"head": 6, "watermark": 3, "ranges": [[4, 5]]}
STORE = "0" * 16


def test_equal_sides_balance():
    log = compare(FACTS, ROWS, DEVICE)
    assert log.faults() == []
    assert (log.expected, log.recorded, log.confirmed, log.stored) == (5, 5, 5, 5)


def test_a_missing_row_is_named_by_its_seq():
    log = compare(FACTS, ROWS[:2] + ROWS[3:], DEVICE)
    assert (log.missing, log.misplaced, log.holes) == ([3], [], [])
    assert "1 missing from the sink (seq 3)" in log.faults()


def test_a_row_dropped_before_it_got_a_seq_is_named_although_all_later_ones_moved_up():
    rows = [(n, fact) for n, fact in enumerate(FACTS[:1] + FACTS[2:], 1)]
    log = compare(FACTS, rows, {"head": 5, "watermark": 4, "ranges": []})
    assert (log.missing, log.misplaced, log.holes) == ([2], [2, 3, 4], [5])
    assert "the device numbered 4, expected were 5" in log.faults()


def test_a_fact_stored_twice_is_unexpected():
    log = compare(FACTS, ROWS + [(6, FACTS[4])], dict(DEVICE, head=7, watermark=6, ranges=[]))
    assert (log.missing, log.unexpected) == ([], [6])


def test_a_changed_value_is_neither_missing_nor_unexpected():
    rows = list(ROWS)
    rows[3] = (4, FACTS[3]._replace(value="9"))
    log = compare(FACTS, rows, DEVICE)
    assert (log.changed, log.missing, log.unexpected) == ([4], [], [])


@pytest.mark.parametrize("change", [{"boot": 2}, {"mono_ms": 7}, {"id": 502}])
def test_another_boot_time_or_id_is_a_changed_content(change):
    rows = list(ROWS)
    rows[0] = (1, FACTS[0]._replace(**change))
    assert compare(FACTS, rows, DEVICE).changed == [1]


def test_swapped_rows_are_misplaced():
    rows = [ROWS[0], (2, FACTS[2]), (3, FACTS[1]), *ROWS[3:]]
    assert compare(FACTS, rows, DEVICE).misplaced == [2, 3]


def test_a_hole_in_the_numbering_is_found():
    rows = ROWS[:2] + [(n + 1, fact) for n, fact in ROWS[2:]]
    log = compare(FACTS, rows, dict(DEVICE, head=7, ranges=[[4, 6]]))
    assert (log.holes, log.missing, log.misplaced) == ([3], [], [4, 5, 6])


def test_what_the_device_has_not_seen_confirmed_does_not_balance():
    assert compare(FACTS, ROWS, dict(DEVICE, ranges=[])).faults() == [
        "the device still holds 2 unconfirmed"
    ]


def whole(rows, **stores):
    expectation = Expectation()
    expectation.facts["telemetry"] = FACTS
    image = {
        "store": STORE,
        "logs": {"telemetry": DEVICE, "records": {"head": 1, "watermark": 0, "ranges": []}},
    }
    own = [Row(seq, *fact) for seq, fact in rows]
    return balance(expectation, {"telemetry": {STORE: own, **stores}, "records": {}}, image)


def test_a_whole_run_balances_and_says_so():
    ledger = whole(ROWS)
    assert ledger.balances
    assert ledger.verdict().startswith("the ledger balances: 5 observations")
    assert ledger.to_json()["logs"]["telemetry"]["stored"] == 5


def test_rows_of_another_store_conflicts_and_malformed_messages_spoil_it():
    assert not whole(ROWS, other=[Row(1, *FACTS[0])]).balances
    ledger = whole(ROWS)
    ledger.logs["telemetry"].conflicts = 1
    assert not ledger.balances
    ledger = whole(ROWS)
    ledger.malformed = 1
    assert not ledger.balances
    ledger = whole(ROWS)
    ledger.logs["telemetry"].repeats = 7
    assert ledger.balances, "a resend under the same key is no fault"


def test_the_verdict_names_log_and_seq():
    verdict = whole(ROWS[:4]).verdict()
    assert "does not balance" in verdict and "telemetry" in verdict and "seq 5" in verdict
    assert named([1, 2, 3, 4, 5, 6]) == "1, 2, 3, 4, 5, .."


@pytest.mark.parametrize(("rows", "final"), [
    (ROWS, True), (ROWS[:3], False), (ROWS[:1] + ROWS[3:], False), ([], False),
    ([(1, FACTS[0]), (2, FACTS[2])], True), (ROWS[:2] + [(3, FACTS[4])], True)])
def test_waiting_ends_when_all_is_here_or_what_is_here_cannot_become_right(rows, final):
    assert is_final(FACTS, rows) is final
