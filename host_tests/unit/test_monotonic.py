"""Monotonic time against plain integers that never wrap."""

import pytest
from fakes import Random

from tidegate.clock.monotonic import Monotonic
from tidegate.limits import TICKS_MASK_MS, TICKS_PERIOD_MS

MASKS = [(1 << 20) - 1, (1 << 29) - 1, (1 << 30) - 1, (1 << 62) - 1]


@pytest.mark.parametrize("mask_ms", MASKS)
@pytest.mark.parametrize("begin_ms", [0, 1, 77_777, -1])
def test_time_goes_on_through_every_wrap(mask_ms, begin_ms):
    begin_ms &= mask_ms
    chance = Random(mask_ms + begin_ms)
    monotonic = Monotonic(mask_ms)
    true_ms = 0
    assert monotonic.update(begin_ms) == 0, "the first call is the moment 0"
    step_ms_max = min(mask_ms // 2, 3 * TICKS_PERIOD_MS)
    for _ in range(300):
        true_ms += chance.below(step_ms_max)
        now_ms = monotonic.update((begin_ms + true_ms) & mask_ms)
        assert now_ms == monotonic.now_ms == true_ms % TICKS_PERIOD_MS
        assert monotonic.total_ms(now_ms) == true_ms


def test_ticks_that_stand_still_do_not_move_time():
    monotonic = Monotonic(TICKS_MASK_MS)
    for _ in range(3):
        assert monotonic.update(500) == 0
    assert monotonic.update(501) == 1
    assert monotonic.update(501) == 1


@pytest.mark.parametrize("age_ms", [0, 1, 999, TICKS_PERIOD_MS - 1])
@pytest.mark.parametrize(
    "true_ms", [TICKS_PERIOD_MS, TICKS_PERIOD_MS + 5, 7 * TICKS_PERIOD_MS + 3]
)
def test_a_moment_of_the_last_period_has_its_total_also_before_a_wrap(age_ms, true_ms):
    monotonic = Monotonic((1 << 40) - 1)
    monotonic.update(0)
    monotonic.update(true_ms)
    assert monotonic.total_ms((true_ms - age_ms) & TICKS_MASK_MS) == true_ms - age_ms


def test_now_is_a_small_integer_of_a_32_bit_board():
    monotonic = Monotonic((1 << 40) - 1)
    monotonic.update(0)
    assert 0 <= monotonic.update((1 << 39) + 12_345) < 1 << 30
