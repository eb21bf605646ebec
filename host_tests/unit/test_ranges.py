"""Confirmed ranges against a plain set of seqs."""

import pytest
from fakes import Random

from tidegate.limits import RANGE_COUNT_MAX
from tidegate.spool.ranges import Ranges


def seqs(ranges):
    """What a Ranges holds, as a set; its form is checked on the way."""
    held = set(range(1, ranges.watermark + 1))
    end = ranges.watermark
    for first, last in ranges.ranges:
        assert end + 1 < first <= last, f"{ranges.watermark} {ranges.ranges}"
        held.update(range(first, last + 1))
        end = last
    assert len(ranges.ranges) <= RANGE_COUNT_MAX
    return held


@pytest.mark.parametrize("seed", range(30))
def test_any_confirmations_are_held_like_a_set(seed):
    chance = Random(seed)
    ranges, model = Ranges(), set()
    for _ in range(60):
        first = chance.between(1, 120)
        last = first + chance.below(12) - 1
        news = set(range(first, last + 1)) - model
        forgotten_count = ranges.forgotten_count
        assert ranges.add(first, last) == len(news), f"seed {seed}"
        model |= news
        if ranges.forgotten_count == forgotten_count:
            assert seqs(ranges) == model, f"seed {seed}"
        else:
            assert seqs(ranges) < model, f"seed {seed}"
            model = seqs(ranges)
        assert ranges.count() == len(model)
        low = chance.between(1, 130)
        high = low + chance.below(30)
        assert ranges.missing_count(low, high) == len(set(range(low, high + 1)) - model)
        assert ranges.skip(low) == next(n for n in range(low, 999) if n not in model)
        beyond = [n for n in sorted(model) if n >= low]
        if low not in model:
            assert ranges.end_before(low) == (beyond[0] if beyond else None)


def test_with_too_many_ranges_the_smallest_is_forgotten_and_counted():
    ranges = Ranges()
    for number in range(RANGE_COUNT_MAX + 1):
        first = 10 + number * 10
        ranges.add(first, first + (0 if number == 7 else 3))
    assert ranges.forgotten_count == 1
    assert len(ranges.ranges) == RANGE_COUNT_MAX
    assert ranges.skip(80) == 80, "the one of a single seq is the one that went"
    assert ranges.skip(10) == 14


def test_the_watermark_never_moves_back():
    ranges = Ranges(100)
    assert ranges.add(1, 50) == 0
    assert ranges.add(90, 105) == 5
    assert ranges.watermark == 105


def test_an_empty_range_confirms_nothing():
    ranges = Ranges(5)
    assert ranges.add(7, 6) == 0
    assert ranges.add(1, 0) == 0
    assert (ranges.watermark, ranges.ranges) == (5, [])


def test_touching_ranges_become_one_and_reach_the_watermark():
    ranges = Ranges()
    ranges.add(5, 6)
    ranges.add(9, 10)
    ranges.add(7, 8)
    assert ranges.ranges == [(5, 10)]
    ranges.add(1, 4)
    assert (ranges.watermark, ranges.ranges) == (10, [])
