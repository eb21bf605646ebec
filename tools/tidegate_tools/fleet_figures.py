"""What a run of a fleet is held against. Pure."""

import math
from bisect import bisect_left
from dataclasses import dataclass

from tidegate_tools import fleet_scenes as scenes
from tidegate_tools.bench import Figure

BAND, STANDSTILL_S_MAX, LIVE_S_MAX = 0.02, 10.0, 10.0
# Below this share of its peak the lag counts as drained.
REST = 0.01
# With fewer devices than that, chance decides when the last of a hundred is back.
COUNT_MIN = 100
T99_MAX, ATTEMPTS_MAX = 1.3, 1.1


@dataclass(frozen=True)
class Shape:
    """How a lag went: its `peak`; by how much it fell before the peak and rose after it, both as
    shares of the peak; the longest time in s without a new low, from the peak until REST of it."""

    peak: int
    fall_before: float
    rise_after: float
    standstill_s: float


def shape(points):
    """Arguments: points, (at_s, lag) in order. Result: Shape."""
    peak = max(lag for _, lag in points)
    top = [lag for _, lag in points].index(peak)
    highest = fall = rise = 0
    for _, lag in points[:top + 1]:
        highest = max(highest, lag)
        fall = max(fall, highest - lag)
    lowest, low_s, standstill_s = peak, points[top][0], 0.0
    for at_s, lag in points[top:]:
        rise = max(rise, lag - lowest)
        if lowest > REST * peak:
            standstill_s = max(standstill_s, at_s - low_s)
        if lag < lowest:
            lowest, low_s = lag, at_s
    return Shape(peak, fall / max(1, peak), rise / max(1, peak), standstill_s)


def percentile(values, percent):
    """The least value that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def surge(record, books):
    """Figures of a surge. Result: list of bench.Figure."""
    begin_s, calm_s = record.begin_s(scenes.OPEN), record.samples[-1].at_s
    found = shape([(sample.at_s, sample.lag) for sample in record.samples
                   if sample.at_s >= begin_s])
    delays = [delay_s for at_s, delay_s in books.live if at_s >= begin_s] or [math.inf]
    drained = [sample for sample in record.samples if sample.at_s >= begin_s]
    until_s = next((sample.at_s for sample in drained if sample.lag <= REST * found.peak
                    and sample.stored > found.peak / 2), calm_s)
    return [
        Figure("lag of the sink at its peak", found.peak, "observations"),
        Figure("it fell before the peak", found.fall_before, "of the peak", BAND),
        Figure("it rose after the peak", found.rise_after, "of the peak", BAND),
        Figure("longest time without a new low", found.standstill_s, "s", STANDSTILL_S_MAX, 3),
        Figure("drained to a hundredth", until_s - begin_s, "s"),
        Figure("stored by the sink meanwhile",
               max(sample.stored for sample in drained) / max(1.0, until_s - begin_s),
               "observations/s"),
        Figure("live values", len(delays), "observations"),
        Figure("delay of a live value, taken to stored, p50", percentile(delays, 50), "s"),
        Figure("the same, p99", percentile(delays, 99), "s"),
        Figure("the same, largest", max(delays), "s", LIVE_S_MAX, 5),
    ] + ledger(books)


def ledger(books):
    """Figures of the books."""
    return [Figure("ledger: lost, changed, stored twice", len(books.faults()), "faults", 0),
            Figure("deliveries of what the sink had", books.total("repeats"), "observations")]


def return_s(record, devices):
    """Seconds from the restoration to the first session of each device; infinite where none."""
    begin_s = record.begin_s(scenes.BACK)
    found = dict.fromkeys(devices, math.inf)
    for device, at_s in record.births:
        if at_s >= begin_s:
            found[device] = min(found[device], at_s - begin_s)
    return sorted(found.values())


def rehearsal(record, setup, ideal_s, must=True):
    """Figures of a return. Arguments: record; setup; ideal_s, N/C on the agents' clocks; must,
    whether they are held against bounds. Result: list of bench.Figure."""
    devices = [setup.device(number) for number in range(setup.count)]
    times = return_s(record, devices)
    is_bound = must and setup.count >= COUNT_MIN
    cut_s, back_s = record.begin_s(scenes.CUT), record.begin_s(scenes.BACK)
    attempts = record.attempts()
    first = bisect_left(attempts, back_s)
    outage, after = first - bisect_left(attempts, cut_s), attempts[first:]
    width_s = 10 / setup.speed
    peak = max((bisect_left(after, at_s + width_s) - index for index, at_s in enumerate(after)),
               default=0)
    capacity = setup.count / ideal_s * setup.speed
    figures = [Figure("t%d" % percent, percentile(times, percent) * setup.speed / ideal_s,
                      "over N/C", T99_MAX if is_bound and percent == 99 else None)
               for percent in (50, 99, 100)]
    return figures + [
        Figure("attempts during the outage", outage / setup.count, "per device"),
        Figure("attempts after restoration", len(after) / setup.count, "per device",
               ATTEMPTS_MAX if is_bound else None),
        Figure("peak of 10 s after restoration", peak / width_s / capacity, "over capacity")]
