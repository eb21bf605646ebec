"""The trail: the last events, in words."""

from fakes import SimClock

from tidegate.clock.monotonic import Monotonic
from tidegate.diag import trail
from tidegate.limits import TRAIL_COUNT_MAX


def made():
    monotonic = Monotonic(SimClock().ticks_mask_ms)
    monotonic.update(0)
    written = []
    return trail.Trail(monotonic, written.append), monotonic, written


def test_an_event_is_one_line_with_time_level_and_sorted_facts():
    events, monotonic, written = made()
    monotonic.update(61_000)
    events.note(trail.WARNING, "session lost", phase="up", cause="reset", wait_ms=12)
    assert written == ["61000 WARNING session lost cause=reset phase=up wait_ms=12"]
    assert events.lines == written


def test_the_last_ones_are_kept_in_order_and_all_are_written():
    events, _, written = made()
    for number in range(TRAIL_COUNT_MAX + 5):
        events.note(trail.INFO, "event", number=number)
    assert len(written) == TRAIL_COUNT_MAX + 5
    assert events.lines == written[-TRAIL_COUNT_MAX:]


def test_what_comes_in_floods_is_told_at_powers_of_two_and_once_for_those_it_jumped_over():
    told = [count for count in range(1, 70) if trail.has_doubled(count - 1, count)]
    assert told == [1, 2, 4, 8, 16, 32, 64]
    for before in range(40):
        for count in range(before, 80):
            reached = any(before < 1 << bit <= count for bit in range(7))
            assert trail.has_doubled(before, count) is reached


def test_time_does_not_wrap_with_the_ticks():
    events, monotonic, written = made()
    for day in range(1, 15):
        monotonic.update(day * 86_400_000 & SimClock().ticks_mask_ms)
    events.note(trail.ALARM, "late")
    assert written == [f"{14 * 86_400_000} ALARM late"]
