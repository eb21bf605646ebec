"""The picture of the January incident: what waits in the ingest, with suppression and without."""

import matplotlib
import numpy

from tidegate_tools import january
from tidegate_tools.january import HOUR_S, PRESENT, SAMPLED, SUPPRESSED

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

POINT_S = 60
HEADROOMS = ((1.1, ":"), (1.5, "--"), (2, "-"))
COLOURS = {SAMPLED: "C0", PRESENT: "C3", SUPPRESSED: "C2"}


def draw(fleet, path):
    """Writes a PNG. Arguments: fleet, a `january.Fleet`; path."""
    figure, (top, bottom) = pyplot.subplots(2, 1, figsize=(10, 8), sharex=True)
    for mode, colour in COLOURS.items():
        sent = fleet.sent[mode]
        minutes = sent[:len(sent) // POINT_S * POINT_S].reshape(-1, POINT_S)
        hours = numpy.arange(len(minutes)) * POINT_S / HOUR_S
        top.plot(hours, minutes.mean(axis=1), color=colour, label=mode)
        for headroom, line in HEADROOMS:
            capacity = headroom * fleet.busiest_s(mode)
            waits_s = january.backlog(sent, capacity) / capacity
            bottom.plot(hours, waits_s[POINT_S - 1::POINT_S][:len(hours)] / 60,
                        color=colour, linestyle=line, label="%s, x %g" % (mode, headroom))
    onset_h = fleet.seconds / january.ONSET_SHARE / HOUR_S
    for axes in (top, bottom):
        axes.axvspan(onset_h, onset_h + january.SHIFT_S_MAX / HOUR_S, color="grey", alpha=0.2)
        axes.grid(alpha=0.3)
    top.set_yscale("log")
    top.set_ylabel("observations sent per second")
    top.set_title("%d devices, %d %% of them mad from the grey stretch on" % (
        fleet.count, january.MAD_PERCENT))
    top.legend(loc="center right", fontsize=8)
    bottom.set_yscale("symlog", linthresh=1)
    bottom.set_ylim(bottom=0)
    bottom.set_ylabel("wait in the ingest, minutes,\nby capacity over a sane busiest hour")
    bottom.set_xlabel("hours")
    bottom.legend(loc="center", bbox_to_anchor=(0.62, 0.25), ncols=3, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
