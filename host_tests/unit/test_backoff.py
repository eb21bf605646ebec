"""The moment of the next attempt: each cell of the tables in DESIGN.md, and the rules beside."""

import re
from pathlib import Path
from random import Random

import pytest
from tidegate.limits import (
    BACKOFF_DRIVER_MS_MIN, BACKOFF_EARLY_SHARE, BACKOFF_LINK_MS_MAX, BACKOFF_PAUSE_MS,
    BACKOFF_PERIOD_MS, BACKOFF_PERIOD_MS_MAX, BACKOFF_RAMP_MS, BACKOFF_SILENCE_MS_MAX,
    BACKOFF_SLOW_MS, PATIENCE_FLEET_MS, PATIENCE_MS_MIN, SESSION_PROVEN_MS, TICKS_HALF_MS,
    TICKS_MASK_MS,
)
from tidegate.link import backoff as module
from tidegate.link import causes
from tidegate.link.backoff import ACTIONS, FIRST_MS, Backoff

HINT_MS = 360_000
HINTED_MS = HINT_MS * 23 // 24
SPENT_MS = 700


class Draws:
    """Answers with the lowest, the middle or the highest number; keeps the bounds asked for."""

    def __init__(self, share=0):
        self.share = share
        self.bounds = []

    def __call__(self, bound):
        self.bounds.append(bound)
        return min(bound - 1, bound * self.share // 2)


def in_state(column, draws):
    """A Backoff in one of the four columns of the table, with its period."""
    backoff = Backoff(draws)
    if column == module.HINTED:
        backoff.hint(HINT_MS, False)
    backoff.up(0)
    loss = causes.CLOSED if column == module.AFTER_CLOSE else causes.SILENCE
    backoff.lost(loss, SESSION_PROVEN_MS)
    if column == module.AT_PERIOD:
        for _ in range(11):
            backoff.began(100_000)
            backoff.failed(causes.TIMEOUT, 100_000)
    return backoff


ROWS = {
    # A row of the table in DESIGN.md, what an attempt met: the outcome.
    "refused (TCP reset)": causes.REFUSED,
    "timeout (nobody answered)": causes.TIMEOUT,
    "name not found": causes.DNS,
    "busy (CONNACK 3, closed before CONNACK)": causes.BUSY,
    "overload (connected, no CONNACK)": causes.OVERLOAD,
    "not authorised, certificate refused": causes.AUTH,
    "certificate not yet valid": causes.CLOCK,
    "moved": causes.MOVED,
    "protocol broken": causes.BROKEN,
}
FIRST_ROWS = {
    "power-up of the board": causes.POWER_UP, "own link away, then back": causes.LINK_LOST,
    "silence": causes.SILENCE, "closed by the server": causes.CLOSED,
    "left by the device itself": causes.LEFT,
}


def design_table(head):
    """{first cell: the other cells} of the table of DESIGN.md with that head."""
    lines = (Path(__file__).parents[2] / "DESIGN.md").read_text().splitlines()
    found = {}
    for line in lines[lines.index(head) + 2:]:
        if not line.startswith("|"):
            return found
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        found[cells[0]] = cells[1:]


EXPECTED = design_table(
    "| outcome | ramping | ramping, hint | after a close | at the period |")
FIRST_EXPECTED = design_table(
    "| the outage began with | no hint | hint | hint that says `outage` |")


def span_ms(action, period_ms):
    """The lowest and highest wait after an attempt that took SPENT_MS."""
    twentieth_ms = period_ms // 20
    return {
        "ramp": (0, BACKOFF_RAMP_MS[0] - 1),
        "period": ((period_ms - twentieth_ms) * 2 // 3 - SPENT_MS,
                   period_ms + twentieth_ms - 1 - SPENT_MS),
        "fresh": (0, period_ms - 1),
        "pause": (BACKOFF_PAUSE_MS, BACKOFF_PAUSE_MS + period_ms - 1),
        "double": (period_ms - twentieth_ms - SPENT_MS,
                   2 * period_ms + twentieth_ms - 1 - SPENT_MS),
        "soon": (0, period_ms // 4 - 1),
        "slow": (BACKOFF_SLOW_MS - BACKOFF_SLOW_MS // 20,
                 BACKOFF_SLOW_MS + BACKOFF_SLOW_MS // 20 - 1),
        "next": (0, period_ms - 1),
    }[action]


CELLS = [(row, column) for row in ROWS for column in range(4)]


def test_the_tables_of_the_design_are_complete():
    assert list(EXPECTED) == list(ROWS) and list(FIRST_EXPECTED) == list(FIRST_ROWS)


@pytest.mark.parametrize("row, column", CELLS)
def test_each_cell_of_the_table_draws_its_wait_from_its_span(row, column):
    outcome, action = ROWS[row], EXPECTED[row][column]
    assert module.ACTION_NAMES[ACTIONS[outcome][column]] == action
    for share, end in ((0, 0), (2, 1)):
        draws = Draws(1)
        backoff = in_state(column, draws)
        period_ms = backoff.period_ms
        draws.share = share
        backoff.began(200_000)
        wait_ms = backoff.failed(outcome, 200_000 + SPENT_MS)
        assert wait_ms == span_ms(action, period_ms)[end]
        assert backoff.wait_ms(200_000 + SPENT_MS) == wait_ms
        assert module.ACTION_NAMES[backoff.action] == action


def test_every_outcome_and_every_loss_has_its_row():
    assert set(ACTIONS) == set(range(len(causes.OUTCOME_NAMES)))
    assert set(FIRST_MS) == set(range(len(causes.LOSS_NAMES)))
    words = [value for name, value in vars(causes).items()
             if name.isupper() and isinstance(value, str)]
    assert set(words) == set(causes.TABLE)


@pytest.mark.parametrize("row", FIRST_ROWS)
def test_the_first_attempt_is_drawn_from_the_span_of_how_the_outage_began(row):
    loss = FIRST_ROWS[row]
    states = ((0, False), (HINT_MS, False), (HINT_MS, True))
    for (window_ms, is_outage), cell in zip(states, FIRST_EXPECTED[row]):
        seconds = re.fullmatch(r"U\(0, (?:(\d+) s|P)\)", cell).group(1)
        expected_ms = 1_000 * int(seconds) if seconds else HINTED_MS
        draws = Draws(2)
        backoff = Backoff(draws)
        backoff.hint(window_ms, is_outage)
        if loss == causes.POWER_UP:
            assert backoff.start(5) == expected_ms - 1
            continue
        backoff.up(0)
        assert backoff.lost(loss, SESSION_PROVEN_MS) == expected_ms - 1


def test_the_ramp_climbs_from_four_seconds_and_ends_below_a_quarter_of_the_period():
    draws = Draws(0)
    backoff = in_state(module.RAMPING, draws)
    del draws.bounds[:]
    for _ in range(11):
        backoff.began(0)
        backoff.failed(causes.TIMEOUT, 0)
    assert draws.bounds == [4_000, 8_000, 16_000, 32_000, 32_000, 32_000, 32_000, 64_000, 128_000,
                            600_000, 60_000, BACKOFF_EARLY_SHARE]
    assert backoff.window_ms == BACKOFF_PERIOD_MS


def test_the_period_is_counted_from_the_start_of_the_attempt():
    backoff = in_state(module.AT_PERIOD, Draws(1))
    backoff.began(1_000_000)
    assert backoff.failed(causes.TIMEOUT, 1_030_000) == BACKOFF_PERIOD_MS - 30_000


def test_overload_at_the_period_doubles_up_to_an_hour_and_a_proven_session_forgets_it():
    backoff = in_state(module.AT_PERIOD, Draws(0))
    found = []
    for _ in range(5):
        backoff.began(0)
        backoff.failed(causes.OVERLOAD, 0)
        found.append(backoff.period_ms)
    assert found == [1_200_000, 2_400_000] + 3 * [BACKOFF_PERIOD_MS_MAX]
    assert backoff.patience_ms() == BACKOFF_PERIOD_MS_MAX
    backoff.up(0)
    backoff.prove(SESSION_PROVEN_MS)
    assert backoff.period_ms == BACKOFF_PERIOD_MS


def test_busy_at_the_period_asks_twice_sooner_and_then_keeps_the_period():
    draws = Draws(2)
    backoff = in_state(module.AT_PERIOD, draws)
    waits = []
    for _ in range(5):
        backoff.began(0)
        waits.append(backoff.failed(causes.BUSY, 0))
    assert waits == [149_999, 299_999] + 3 * [629_999]
    backoff.up(0)
    backoff.lost(causes.CLOSED, SESSION_PROVEN_MS)
    backoff.failed(causes.BUSY, 0)
    assert backoff.failed(causes.BUSY, 0) == 149_999, "a proven session forgets it"


def test_one_period_in_ten_is_two_thirds_long():
    draws = Random(5)
    backoff = in_state(module.AT_PERIOD, draws.randrange)
    waits = []
    for _ in range(5_000):
        backoff.began(0)
        waits.append(backoff.failed(causes.REFUSED, 0))
    early = [wait_ms for wait_ms in waits if wait_ms < 450_000]
    assert 430 < len(early) < 570 and 380_000 <= min(early) and max(early) < 420_000
    assert min(set(waits) - set(early)) >= 570_000 and max(waits) < 630_000


def test_only_a_session_of_a_minute_takes_the_ramp_back():
    draws = Draws(0)
    backoff = in_state(module.RAMPING, draws)
    for _ in range(3):
        backoff.began(0)
        backoff.failed(causes.TIMEOUT, 0)
    backoff.up(0)
    backoff.prove(SESSION_PROVEN_MS - 1)
    backoff.lost(causes.SILENCE, SESSION_PROVEN_MS - 1)
    assert draws.bounds[-1] == 32_000
    backoff.up(0)
    backoff.prove(SESSION_PROVEN_MS)
    backoff.lost(causes.SILENCE, SESSION_PROVEN_MS)
    backoff.failed(causes.TIMEOUT, SESSION_PROVEN_MS)
    assert draws.bounds[-1] == BACKOFF_RAMP_MS[0]


def test_a_session_longer_than_the_ticks_period_still_counts_as_proven():
    backoff = in_state(module.AT_PERIOD, Draws(2))
    backoff.up(0)
    backoff.prove(SESSION_PROVEN_MS)
    assert backoff.lost(causes.SILENCE, 5) == BACKOFF_SILENCE_MS_MAX - 1


def test_without_the_own_link_nothing_is_tried_and_its_return_draws_two_seconds():
    backoff = in_state(module.RAMPING, Draws(2))
    backoff.link_down()
    assert backoff.wait_ms(10_000_000) > 0
    assert not backoff.driver(10_000_000)
    assert backoff.link_up(20_000_000) == BACKOFF_LINK_MS_MAX - 1
    assert backoff.wait_ms(20_000_000 + BACKOFF_LINK_MS_MAX) == 0


def test_a_due_attempt_stays_due_over_a_wrap_of_the_ticks():
    backoff = in_state(module.RAMPING, Draws(0))
    assert backoff.wait_ms(SESSION_PROVEN_MS) == 0
    assert backoff.wait_ms((SESSION_PROVEN_MS - TICKS_HALF_MS - 9) & TICKS_MASK_MS) == 0


def test_a_driver_ends_the_wait_at_most_once_in_fifteen_seconds():
    backoff = in_state(module.RAMPING, Draws(2))
    now_ms = SESSION_PROVEN_MS
    assert backoff.wait_ms(now_ms) > 0
    assert backoff.driver(now_ms) and backoff.wait_ms(now_ms) == 0
    backoff.began(now_ms)
    backoff.failed(causes.TIMEOUT, now_ms)
    assert not backoff.driver(now_ms + BACKOFF_DRIVER_MS_MIN - 1)
    assert backoff.wait_ms(now_ms) > 0
    assert backoff.driver(now_ms + BACKOFF_DRIVER_MS_MIN)


def test_patience_is_one_period_and_at_least_ten_minutes():
    backoff = Backoff(Draws())
    assert backoff.patience_ms() == BACKOFF_PERIOD_MS
    backoff.hint(30_000, False)
    assert backoff.patience_ms() == PATIENCE_MS_MIN


def test_who_knows_of_a_queue_stays_in_line_longer_until_the_next_outage():
    backoff = in_state(module.AFTER_CLOSE, Draws())
    assert backoff.patience_ms() == PATIENCE_FLEET_MS
    backoff.up(0)
    backoff.lost(causes.SILENCE, SESSION_PROVEN_MS)
    assert backoff.patience_ms() == BACKOFF_PERIOD_MS
    backoff.failed(causes.TIMEOUT, SESSION_PROVEN_MS)
    assert backoff.patience_ms() == BACKOFF_PERIOD_MS
    backoff.failed(causes.OVERLOAD, SESSION_PROVEN_MS)
    assert backoff.patience_ms() == PATIENCE_FLEET_MS, "who waited in vain stands in a queue"
