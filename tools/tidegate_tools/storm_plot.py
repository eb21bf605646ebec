"""The picture of a storm: attempts over capacity, and share online, over time."""

from dataclasses import replace

import matplotlib
import numpy

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

from tidegate_tools import storm_fleet  # noqa: E402

COUNT = 2_000
RIVALS = ("fixed 2 s", "fixed 10 s", "exponential, no jitter, 120 s", "full jitter 1..120 s",
          "full jitter 1..300 s", "OCPP 15/5/3")
SPAN = 4  # N/C shown after restoration


def draw(scenario, path, note):
    """Write a PNG of the scenario at COUNT devices, ours against the rivals."""
    figure, (top, bottom) = pyplot.subplots(2, 1, figsize=(10, 8), sharex=True)
    start_s = storm_fleet.BEGIN_MS // 1000 + int(scenario.outage_s)
    before_s = int(min(scenario.outage_s, scenario.ideal_s))
    for rank, name in enumerate(RIVALS + ("",)):
        note(name or "ours")
        played = replace(scenario, count=COUNT, rival=name, horizon=SPAN)
        result = played.play()
        span = slice(start_s - before_s, start_s + int(SPAN * scenario.ideal_s))
        attempts = numpy.array(result.attempts)[span] / played.capacity
        online = 100 * result.online()[span] / COUNT
        minutes = (numpy.arange(len(attempts)) - before_s) / 60
        style = {"linewidth": 2.2, "color": "black", "zorder": 9} if not name else {
            "linewidth": 1.0, "color": "C%d" % rank}
        smooth = numpy.convolve(attempts, numpy.ones(10) / 10, mode="same")
        top.plot(minutes, smooth, label=name or "Tidegate", **style)
        bottom.plot(minutes[:len(online)], online, label=name or "Tidegate", **style)
    for axes in (top, bottom):
        axes.axvline(0, color="grey", linestyle=":", linewidth=1)
        axes.grid(alpha=0.3)
    top.axhline(1, color="grey", linestyle="--", linewidth=1)
    top.set_yscale("symlog", linthresh=1)
    top.set_ylim(bottom=0)
    top.set_ylabel("attempts per second over capacity\n(mean of 10 s)")
    top.set_title("%d devices, N/C %g s, outage %g s, front end: %s" % (
        COUNT, scenario.ideal_s, scenario.outage_s, scenario.front))
    bottom.set_ylabel("online, %")
    bottom.set_xlabel("minutes after restoration")
    bottom.legend(loc="center right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
