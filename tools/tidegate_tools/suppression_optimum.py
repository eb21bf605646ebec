"""The fewest reports that keep a bound, for one who knows the whole series in advance.

What a device reports is held against these. All comparisons are exact: two slopes that differ do
so by more than the rounding of a double, at values below 2^21 and spans below 2^17.
"""

import numpy

from tidegate_tools.suppression_model import Quantity

VALUE_MAX, COUNT_MAX = 1 << 21, 1 << 17
_STRETCH_MIN, _STRETCH_MAX, _COARSE = 64, 4_096, 32


def windows(row, series):
    """The lowest and the highest value that a report of each sample of a deadband stands for.

    SPEC section 2.2. Arguments: row, of the catalogue; series, an array. Result: two arrays.
    """
    quantity = Quantity(row)
    band = quantity.zero_band
    values, places = numpy.unique(series, return_inverse=True)
    bounds = numpy.array([quantity.bound(int(value)) for value in values])
    low, high = values - bounds, values + bounds
    if band:
        reach = band + band // 4
        low = numpy.where(values > band, numpy.maximum(low, band + 1), low)
        high = numpy.where(values < -band, numpy.minimum(high, -band - 1), high)
        is_zero = abs(values) <= band
        low, high = numpy.where(is_zero, -reach, low), numpy.where(is_zero, reach, high)
    return low[places], high[places]


def fewest_held(series, low, high):
    """The fewest samples which, each held until the next one, stand for all of a series.

    Arguments: arrays; low and high, as of `windows`. The next sample may be any up to the first
    one that the last does not stand for; the one that reaches furthest is never worse.
    """
    furthest = numpy.maximum.accumulate(_ends(series, low, high))
    count, end = 1, int(furthest[0])
    while end < len(series) - 1:
        count, end = count + 1, int(furthest[end + 1])
    return count


def _ends(series, low, high):
    """The last sample up to which each sample stands for all: doubling steps, all at once."""
    smallest, largest = [series], [series]
    step = 1
    while 2 * step <= len(series):
        smallest.append(numpy.minimum(smallest[-1][:-step], smallest[-1][step:]))
        largest.append(numpy.maximum(largest[-1][:-step], largest[-1][step:]))
        step *= 2
    ends = numpy.arange(len(series))
    for least, most in zip(smallest[::-1], largest[::-1]):
        step = len(series) - len(least) + 1
        begins = numpy.minimum(ends + 1, len(least) - 1)
        fits = (ends + step < len(series)) & (least[begins] >= low) & (most[begins] <= high)
        ends = ends + step * fits
    return ends


def fewest_on_lines(series, bound):
    """The fewest samples whose joining lines pass within `bound` of every sample of a series.

    The first and the last sample are among them. Argument: series, an array of integers, one
    value for each step of time. Breadth first: every sample that one may go on to is found once,
    and the first way to the last one is a shortest.
    """
    assert len(series) <= COUNT_MAX and abs(series).max(initial=0) < VALUE_MAX
    is_found = numpy.zeros(len(series), dtype=bool)
    is_found[0] = True
    found, count = [0], 1
    while not is_found[-1]:
        count += 1
        found = [place for begin in reversed(found)
                 for place in _next_places(series, begin, bound, is_found)]
        found.sort()
    return count


def _next_places(series, begin, bound, is_found):
    """Marks and gives the samples to which a good line leads from `begin`, unless found before."""
    found = []
    # What a few of the samples rule out need not be looked at, and it is nearly all.
    for last, _, (lows, highs) in _cones(series, begin, bound, _COARSE):
        end = last
        if lows[-1] > highs[-1]:
            break
    else:
        end = len(series)
    if is_found[begin + 1:end].all():
        return found
    for end, slopes, (lows, highs) in _cones(series, begin, bound, 1):
        # The cone of the samples before; once it is empty it stays so, and no slope lies in it.
        places = slice(end - len(slopes), end)
        fits = (slopes >= lows[:-1]) & (slopes <= highs[:-1]) & ~is_found[places]
        is_found[places] |= fits
        found.extend((places.start + numpy.flatnonzero(fits)).tolist())
        if lows[-1] > highs[-1]:
            break
    return found


def _cones(series, begin, bound, step):
    """Stretch by stretch, of each `step`-th sample behind `begin`: the place behind the stretch,
    the slopes of its samples, and what slopes those before each of them, and all, leave."""
    lowest, highest = -numpy.inf, numpy.inf
    place, count = begin + step, _STRETCH_MIN
    while place < len(series):
        rises = series[place:place + count * step:step] - series[begin]
        spans = numpy.arange(place - begin, place - begin + len(rises) * step, step)
        lows = numpy.maximum.accumulate(numpy.append(lowest, (rises - bound) / spans))
        highs = numpy.minimum.accumulate(numpy.append(highest, (rises + bound) / spans))
        place += len(rises) * step
        yield min(place, len(series)), rises / spans, (lows, highs)
        lowest, highest, count = lows[-1], highs[-1], min(2 * count, _STRETCH_MAX)
