"""Back-off: full jitter over windows that double."""

import pytest
from fakes import Random

from tidegate.limits import TICKS_HALF_MS, TICKS_MASK_MS, TICKS_PERIOD_MS
from tidegate.link.backoff import Backoff

WINDOWS_MS = [4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000, 600_000]


def recording():
    """(back-off, the bounds it drew below)."""
    bounds = []

    def random_below(bound):
        bounds.append(bound)
        return bound - 1

    return Backoff(random_below), bounds


def test_the_first_attempt_is_due_at_once():
    for now_ms in (0, 12_345, TICKS_MASK_MS):
        backoff, _ = recording()
        backoff.start(now_ms)
        assert backoff.wait_ms(now_ms) == 0


def test_windows_double_from_4_s_to_600_s():
    backoff, bounds = recording()
    for _ in WINDOWS_MS:
        backoff.failed(0)
    assert bounds == WINDOWS_MS
    assert backoff.attempt_count == len(WINDOWS_MS)


@pytest.mark.parametrize("now_ms", [0, 100_000, TICKS_MASK_MS - 1_000, TICKS_MASK_MS])
def test_the_wait_runs_down_and_stays_at_zero_over_a_wrap(now_ms):
    backoff, _ = recording()
    assert backoff.failed(now_ms) == 3_999
    for passed_ms, left_ms in ((0, 3_999), (1, 3_998), (3_998, 1), (3_999, 0), (4_000, 0)):
        assert backoff.wait_ms((now_ms + passed_ms) & TICKS_MASK_MS) == left_ms
    assert backoff.wait_ms((now_ms + TICKS_HALF_MS) & TICKS_MASK_MS) == 0


def test_an_attempt_that_is_due_stays_due_however_long_the_own_link_is_down():
    backoff, _ = recording()
    backoff.failed(0)
    for now_ms in range(10_000, 3 * TICKS_PERIOD_MS, 3_600_000):
        assert backoff.wait_ms(now_ms & TICKS_MASK_MS) == 0, now_ms


def test_a_session_of_60_s_brings_the_window_back_and_a_shorter_one_does_not():
    for lived_ms, bound in ((59_999, 16_000), (60_000, 4_000)):
        backoff, bounds = recording()
        backoff.failed(0)
        backoff.failed(0)
        backoff.up(TICKS_MASK_MS - 10)
        backoff.lost((TICKS_MASK_MS - 10 + lived_ms) & TICKS_MASK_MS)
        assert bounds[-1] == bound


def test_losing_a_session_does_not_widen_the_window_by_itself():
    backoff, bounds = recording()
    for now_ms in (1_000, 2_000, 3_000):
        backoff.up(now_ms)
        backoff.lost(now_ms)
    assert bounds == [4_000, 4_000, 4_000]


def test_coming_up_ends_the_count_of_attempts():
    backoff, _ = recording()
    backoff.failed(0)
    backoff.up(10)
    assert backoff.attempt_count == 0


def test_waits_spread_evenly_over_the_window():
    counts = [0] * 10
    chance = Random(5)
    for _ in range(5_000):
        counts[Backoff(chance.below).failed(0) // 400] += 1
    assert min(counts) > 400 and max(counts) < 600, f"seed 5: {counts}"
