"""The moment of the next attempt: each cell of the table in DESIGN.md, and the rules around it."""

import pytest
from tidegate.limits import (
    BACKOFF_CLOSED_MS_MAX, BACKOFF_DRIVER_MS_MIN, BACKOFF_LINK_MS_MAX, BACKOFF_PAUSE_MS,
    BACKOFF_PERIOD_MS, BACKOFF_PERIOD_MS_MAX, BACKOFF_POWER_MS_MAX, BACKOFF_SILENCE_MS_MAX,
    BACKOFF_RAMP_MS, BACKOFF_SLOW_MS, PATIENCE_MS_MIN, SESSION_PROVEN_MS, TICKS_HALF_MS,
    TICKS_MASK_MS,
)
from tidegate.link import backoff as module
from tidegate.link import causes
from tidegate.link.backoff import ACTIONS, FIRST_MS, Backoff

HINT_MS = 320_000
HINTED_MS = HINT_MS - HINT_MS // 16
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


EXPECTED = {
    # outcome: what the wait is drawn from while ramping, with a hint, after a close, at the period
    causes.REFUSED: ("ramp", "fresh", "fresh", "period"),
    causes.TIMEOUT: ("ramp", "ramp", "fresh", "period"),
    causes.DNS: ("ramp", "ramp", "fresh", "period"),
    causes.BUSY: ("fresh", "fresh", "fresh", "soon"),
    causes.OVERLOAD: ("pause", "pause", "pause", "double"),
    causes.AUTH: ("slow", "slow", "slow", "slow"),
    causes.CLOCK: ("ramp", "ramp", "ramp", "period"),
    causes.MOVED: ("next", "next", "next", "next"),
    causes.BROKEN: ("ramp", "fresh", "fresh", "period"),
}


def span_ms(action, period_ms):
    """The lowest and highest wait after an attempt that took SPENT_MS."""
    twentieth_ms = period_ms // 20
    return {
        "ramp": (0, BACKOFF_RAMP_MS[0] - 1),
        "period": (period_ms - twentieth_ms - SPENT_MS, period_ms + twentieth_ms - 1 - SPENT_MS),
        "fresh": (0, period_ms - 1),
        "pause": (BACKOFF_PAUSE_MS, BACKOFF_PAUSE_MS + period_ms - 1),
        "double": (period_ms - twentieth_ms - SPENT_MS,
                   2 * period_ms + twentieth_ms - 1 - SPENT_MS),
        "soon": (0, period_ms // 4 - 1),
        "slow": (BACKOFF_SLOW_MS - BACKOFF_SLOW_MS // 20,
                 BACKOFF_SLOW_MS + BACKOFF_SLOW_MS // 20 - 1),
        "next": (0, period_ms - 1),
    }[action]


CELLS = [(outcome, column) for outcome in EXPECTED for column in range(4)]


@pytest.mark.parametrize("outcome, column", CELLS, ids=[
    "%s-%s" % (causes.OUTCOME_NAMES[outcome], ("ramping", "hinted", "after_close", "at_period")[c])
    for outcome, c in CELLS])
def test_each_cell_of_the_table_draws_its_wait_from_its_span(outcome, column):
    action = EXPECTED[outcome][column]
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


@pytest.mark.parametrize("loss, plain_ms, hinted_ms, outage_ms", [
    (causes.POWER_UP, BACKOFF_POWER_MS_MAX, HINTED_MS, HINTED_MS),
    (causes.LINK_LOST, BACKOFF_LINK_MS_MAX, BACKOFF_LINK_MS_MAX, BACKOFF_LINK_MS_MAX),
    (causes.SILENCE, BACKOFF_SILENCE_MS_MAX, BACKOFF_SILENCE_MS_MAX, HINTED_MS),
    (causes.CLOSED, BACKOFF_CLOSED_MS_MAX, HINTED_MS, HINTED_MS),
    (causes.LEFT, BACKOFF_LINK_MS_MAX, BACKOFF_LINK_MS_MAX, BACKOFF_LINK_MS_MAX),
])
def test_the_first_attempt_is_drawn_from_the_span_of_how_the_outage_began(
        loss, plain_ms, hinted_ms, outage_ms):
    for window_ms, is_outage, expected_ms in (
            (0, False, plain_ms), (HINT_MS, False, hinted_ms), (HINT_MS, True, outage_ms)):
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
                            600_000, 60_000]
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


def test_busy_at_the_period_retries_in_a_quarter_and_doubles_up_to_four_periods():
    draws = Draws(0)
    backoff = in_state(module.AT_PERIOD, draws)
    del draws.bounds[:]
    for _ in range(6):
        backoff.began(0)
        backoff.failed(causes.BUSY, 0)
    assert draws.bounds == [150_000, 300_000, 600_000, 1_200_000, 2_400_000, 2_400_000]


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
