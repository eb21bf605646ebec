"""`tidegate bench suppress`: what report by exception lets pass, and what deciding costs."""

import statistics
from pathlib import Path

import numpy

from tidegate_tools import bench_device, january, paths, suppression_day, suppression_optimum
from tidegate_tools.bench import Figure
from tidegate_tools.errors import ToolError
from tidegate_tools.suppression_day import (
    DAY_S, DEADBANDS, PERIOD_S, STATE, TRENDS, TURN_MS, Charger,
)

paths.use_device_modules()

from tidegate.errors import SourceError  # noqa: E402
from tidegate.observe.catalogue import (  # noqa: E402
    BOUND, HEARTBEAT_S, ID, MAX_HOLD_S, SETTLE_S, Catalogue,
)
from tidegate.sources.replay import ReplaySource  # noqa: E402

HOUR_S, CHARGING = 3_600, 3
SAMPLES, TIMES, OBSERVATIONS = "samples", "times", "observations"
TURN_COUNT, ROUND_COUNT = 4_000, 25


def run(note=lambda step: None, trace=None):
    """All figures. Arguments: note, told each step; trace, a path or None. Result: Figures."""
    note("a simulated day")
    columns = suppression_day.day()
    figures = [day_figure(columns), trace_figure(trace)]
    figures += optimum_figures(columns, note)
    note("a mad device in five ways")
    figures += mad_figures(columns)
    return figures + heap_figures(note) + turn_figures(note)


def day_figure(columns):
    """Samples of the day for each observation that catalogue policies let pass."""
    charger = Charger().play(columns)
    counts = ", ".join("%d: %d" % (each, charger.count(each)) for each in columns)
    return ratio_figure("simulated day, twelve observations", sum(map(len, columns.values())),
                        charger, (300, 480), "sent of " + counts)


def ratio_figure(name, sample_count, charger, bounds, note=""):
    """Samples over observations sent. Argument: bounds, must and aim."""
    return Figure(name + ": samples / observations sent", sample_count / charger.count(), TIMES,
                  *bounds, "higher", "%d samples, %d sent%s" % (
                      sample_count, charger.count(), "; " + note if note else ""))


def trace_figure(trace):
    """The same of a recording. Argument: trace, its path, or None. Errors: ToolError."""
    name, bounds = "recorded trace", (35, 48)
    if trace is None:
        return Figure(name + ": samples / observations sent", None, TIMES, *bounds, "higher",
                      "not measured: give --trace FILE")
    charger = Charger()
    try:
        source = ReplaySource(str(Path(trace)), Catalogue())
    except SourceError as error:
        raise ToolError(error) from None
    second = sample_count = 0
    while not source.finished:
        samples = []
        source.step(second * TURN_MS, lambda *sample, samples=samples: samples.append(sample))
        charger.turn(second * TURN_MS, samples)
        sample_count += len(samples)
        second += 1
    return ratio_figure(name, sample_count, charger, bounds, "%d s" % second)


def bare_charger():
    """A charger with nothing but its bounds: no heartbeat, settle time, or maximum hold."""
    rows = []
    for row in Catalogue().rows:
        cells = list(row)
        if row[ID] in DEADBANDS + TRENDS:
            cells[SETTLE_S] = cells[HEARTBEAT_S] = 0
        if row[ID] in TRENDS:
            cells[MAX_HOLD_S] = DAY_S
        rows.append(tuple(cells))
    return Charger(rows=rows)


def optimum_figures(columns, note):
    """Reports over the fewest that keep the same bound."""
    charger = bare_charger()
    reported, fewest = {}, {}
    charger.play(columns)
    for observation_id in DEADBANDS + TRENDS:
        note("the optimum of %d" % observation_id)
        series = columns[observation_id]
        row = charger.suppressor.rows[charger.suppressor.index(observation_id)]
        reported[observation_id] = charger.count(observation_id)
        if observation_id in TRENDS:
            reported[observation_id] += charger.held_count(observation_id)
            fewest[observation_id] = suppression_optimum.fewest_on_lines(series, row[BOUND])
        else:
            fewest[observation_id] = suppression_optimum.fewest_held(
                series, *suppression_optimum.windows(row, series))

    def ratio(ids):
        return sum(reported[each] for each in ids) / sum(fewest[each] for each in ids)

    def listed(ids):
        return ", ".join("%d: %d / %d" % (each, reported[each], fewest[each]) for each in ids)

    worst = max(DEADBANDS, key=lambda each: ratio((each,)))
    return [
        Figure("trend: reported / optimum, one held sample", ratio(TRENDS), TIMES, 1.7, 1.5,
               note=listed(TRENDS)),
        Figure("trend: reported / optimum, a short held window", None, TIMES, 1.4, 1.25,
               note="not built: with one held sample it is %.2f" % ratio(TRENDS)),
        Figure("deadband: reported / optimum, sum", ratio(DEADBANDS), TIMES, 1.7, 1.5,
               note=listed(DEADBANDS)),
        Figure("deadband: reported / optimum, worst of the observations", ratio((worst,)), TIMES,
               3, note="%d" % worst),
    ]


def mad_figures(columns):
    """Observations an hour of a mad device over a sane one's, while both charge.

    The first third of the day is played once for each way, mad from its beginning on.
    """
    columns = {each: column[:PERIOD_S] for each, column in columns.items()}
    is_charging = columns[STATE] == CHARGING
    sane = hourly(columns, "", is_charging)[0]
    found = {way: hourly(columns, way, is_charging) for way in january.WAYS}
    worst = max(found, key=lambda way: found[way][0])
    first = max(found, key=lambda way: found[way][1])
    return [
        Figure("mad device, worst of five ways: sent an hour / a sane one's, both charging",
               found[worst][0] / sane, TIMES, 3, 1.5,
               note="%.0f / %.0f; %s" % (found[worst][0], sane, ", ".join(
                   "%s: %.0f" % (way, each[0]) for way, each in found.items()))),
        Figure("mad device: observations in its first hour, not charging", found[first][1],
               OBSERVATIONS, note="%s; the fuses are full at first" % first),
    ]


def hourly(columns, way, is_charging):
    """Observations an hour while charging, and those of the first hour. Argument: way, or ""."""
    moments = [at_ms // TURN_MS for at_ms in january.played(columns, way)]
    counts = numpy.bincount(moments, minlength=len(is_charging))
    return counts[is_charging].sum() / is_charging.sum() * HOUR_S, int(counts[:HOUR_S].sum())


def heap_figures(note):
    """The 32-bit heap: what turns take, what reports take, what is kept."""
    note("heap of suppression")
    names = ("heap allocated by 10,000 turns without a report, 32-bit",
             "heap allocated by 10,000 reports up to the durable append, 32-bit",
             "heap kept per observation, 32-bit")
    try:
        taken = bench_device.heap_suppressed()
    except bench_device.NotMeasured as error:
        why = "not measured: %s" % error
        return [Figure(names[0], None, "bytes", 0, note=why),
                Figure(names[1], None, "bytes", 0, note=why),
                Figure(names[2], None, "bytes", 160, 100, note=why)]
    return [
        Figure(names[0], taken["equal"] + taken["noise"], "bytes", 0,
               note="the clock beyond 2^30 ms; %(equal)s with equal values, %(noise)s with noise "
               "within the bounds" % taken),
        Figure(names[1], taken["before"], "bytes", 0, note="and %(behind)s behind it" % taken),
        Figure(names[2], taken["kept"] / taken["row_count"], "bytes", 160, 100,
               note="%(kept)s bytes for %(row_count)s rows that have reported, values, texts and "
               "digests with them; %(fresh)s before" % taken),
    ]


def turn_figures(note):
    """A turn of twelve observations over a bare loop, as ratios."""
    note("turns on MicroPython")
    names = ["one turn of 12 observations : a bare loop over 12 items, %s" % kind
             for kind in ("equal values", "noise within the bounds")]
    bounds = ((5, 3), (20, 14))
    try:
        turns = bench_device.turn_rates(TURN_COUNT, ROUND_COUNT)
    except bench_device.NotMeasured as error:
        return [Figure(name, None, TIMES, *each, note="not measured: %s" % error)
                for name, each in zip(names, bounds)]
    return [
        Figure(name, statistics.median(turn[side] / turn[0] for turn in turns), TIMES, *each,
               note="%.2f us against %.2f us, medians of %d rounds on MicroPython's Unix port" % (
                   statistics.median(turn[side] for turn in turns),
                   statistics.median(turn[0] for turn in turns), len(turns)))
        for side, (name, each) in enumerate(zip(names, bounds), 1)]
