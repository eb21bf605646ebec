"""The pictures of a fleet: a surge, and a return held against another policy."""

import matplotlib
import numpy

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

from tidegate_tools import fleet_scenes as scenes  # noqa: E402
from tidegate_tools.fleet_figures import LIVE_S_MAX  # noqa: E402

BIN_MIN = 1 / 4
OURS = {"color": "black", "linewidth": 2.0}
THEIRS = {"color": "C3", "linewidth": 1.2}


def draw_surge(record, books, setup, path):
    """Write a PNG: the sink's lag, the delay of live values and the devices, over seconds."""
    figure, (top, middle, bottom) = pyplot.subplots(3, 1, figsize=(10, 9), sharex=True)
    begin_s = record.begin_s(scenes.OPEN)
    at_s = [sample.at_s - begin_s for sample in record.samples]
    top.plot(at_s, [sample.lag / 1_000 for sample in record.samples], label="lag", **OURS)
    top.plot(at_s, [sample.stored / 1_000 for sample in record.samples], label="stored",
             color="C0", linewidth=1.2)
    top.set_ylabel("thousand observations,\nas the sink knows")
    top.set_title("%d devices come back with %s observations each; %s B/s reach the sink" % (
        setup.count, "{:,d}".format(setup.stored_count),
        "{:,d}".format(setup.sink_bytes_per_s) if setup.sink_bytes_per_s else "unlimited"))
    seconds = {}
    for arrived_s, delay_s in books.live:
        seconds.setdefault(int(arrived_s - begin_s), []).append(delay_s)
    order = sorted(seconds)
    middle.plot(order, [max(seconds[each]) for each in order], label="largest of a second",
                **THEIRS)
    middle.plot(order, [numpy.median(seconds[each]) for each in order], label="median", **OURS)
    middle.axhline(LIVE_S_MAX, color="grey", linestyle="--", linewidth=1)
    middle.set_ylabel("delay of a live value, s,\ntaken to stored")
    for name, style in (("waiting", "C1"), ("online", "C2"), ("close", "C0")):
        bottom.plot(at_s, [getattr(sample, name) for sample in record.samples], color=style,
                    label={"waiting": "wait for CONNACK", "close": "caught up"}.get(name, name))
    bottom.set_ylabel("devices")
    bottom.set_xlabel("seconds after the first CONNACK")
    _finish(figure, (top, middle, bottom), path)


def draw_rehearsal(runs, setup, ideal_s, front, path):
    """Write a PNG: attempts over capacity, and share online, over minutes of the devices.

    Arguments: runs, (name, Record), ours first; setup; ideal_s, N/C; front, in words.
    """
    figure, (top, bottom) = pyplot.subplots(2, 1, figsize=(10, 8), sharex=True)
    for (name, record), style in zip(runs, (OURS, THEIRS)):
        back_s = record.begin_s(scenes.BACK)
        minutes = (numpy.array(record.attempts()) - back_s) * setup.speed / 60
        edges = numpy.arange(minutes.min() // BIN_MIN * BIN_MIN, minutes.max() + BIN_MIN, BIN_MIN)
        counts, _ = numpy.histogram(minutes, edges)
        top.stairs(counts / (60 * BIN_MIN * setup.count / ideal_s), edges, label=name, **style)
        bottom.plot([(sample.at_s - back_s) * setup.speed / 60 for sample in record.samples],
                    [100 * sample.online / setup.count for sample in record.samples], label=name,
                    **style)
    top.axhline(1, color="grey", linestyle="--", linewidth=1)
    top.set_yscale("symlog", linthresh=1)
    top.set_ylim(bottom=0)
    top.set_ylabel("attempts per second over capacity\n(mean of 15 s)")
    top.set_title("%d real agents, N/C %g s, window %s s, front end: %s" % (
        setup.count, ideal_s, setup.hint.get("window_s", "-"), front))
    bottom.set_ylabel("online, %")
    bottom.set_xlabel("minutes after restoration")
    for axes in (top, bottom):
        axes.axvline(0, color="grey", linestyle=":", linewidth=1)
    _finish(figure, (top, bottom), path)


def _finish(figure, all_axes, path):
    for axes in all_axes:
        axes.grid(alpha=0.3)
        axes.legend(loc="center right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
