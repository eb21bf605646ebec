"""What is said of the January incident: rates, pipelines, figures with their bounds."""

from dataclasses import asdict, dataclass

import numpy

from tidegate_tools import january
from tidegate_tools.bench import Figure, number_text
from tidegate_tools.january import HOUR_S, MODES, SUPPRESSED
from tidegate_tools.report import print_rows
from tidegate_tools.suppression_day import TURN_MS

# Capacity of the ingest over what a sane fleet sends it in its busiest hour.
HEADROOMS = (1.1, 1.25, 1.5, 2, 5, 10)
# With less it may wait for minutes, should all go mad in the busiest hour: their fuses are full.
HEADROOM_MIN = 1.25
# What waits so long makes a pipeline late; `sink alerts` raises the alarm after five minutes.
LATE_S = 60


@dataclass(frozen=True)
class Pipeline:
    """An ingest of fixed capacity. Members: mode; headroom; capacity, observations a second;
    longest wait of an observation in s, with the mad devices and without them; wait_end_s, at the
    end; late_h, hours in which what came waited over LATE_S.
    """

    mode: str
    headroom: float
    capacity: float
    wait_s: float
    sane_wait_s: float
    wait_end_s: float
    late_h: float


@dataclass(frozen=True)
class Rate:
    """What a kind of device sends, per device and hour."""

    kind: str
    mode: str
    messages: float
    observations: float


def pipelines(fleet):
    """A list of Pipeline, for each mode and headroom."""
    found = []
    for mode in MODES:
        for headroom in HEADROOMS:
            capacity = headroom * fleet.busiest_s(mode)
            waits_s = january.backlog(fleet.sent[mode], capacity) / capacity
            sane_s = january.backlog(fleet.sane[mode], capacity) / capacity
            found.append(Pipeline(
                mode, headroom, capacity, float(waits_s.max()), float(sane_s.max()),
                float(waits_s[-1]), float((waits_s > LATE_S).sum()) / HOUR_S))
    return found


def rates(fleet):
    """A list of Rate: sane devices, those that charge, each kind of mad ones from the onset on."""
    sane = [life for life in fleet.lives if not life.way]
    found = []
    for mode in MODES:
        found.append(Rate("sane", mode, *january.rate_h(sane, mode, fleet.seconds, False)))
        counts = numpy.concatenate([life.counts[mode][life.is_charging] for life in sane])
        if len(counts):
            found.append(Rate("sane, charging", mode, *january.counted_h([counts])))
        for way in january.WAYS:
            mad = [life for life in fleet.lives if life.way == way]
            if mad:
                found.append(Rate("mad: " + way, mode,
                                  *january.rate_h(mad, mode, fleet.seconds, True)))
    return found


def figures(fleet, found):
    """What must hold. Argument: found, the pipelines. Result: a list of Figure."""
    mad = [life for life in fleet.lives if life.way]
    onset_ms = (january.LEAD_S + fleet.seconds // january.ONSET_SHARE) * TURN_MS
    changes = [change for life in mad for change in life.changes]
    waits_s = {each.headroom: each.wait_s for each in found if each.mode == SUPPRESSED}
    return [
        Figure("suppression: longest wait in the ingest, headroom x %g and more" % HEADROOM_MIN,
               max(waits_s[each] for each in waits_s if each >= HEADROOM_MIN), "s", LATE_S,
               note="%.0f s with x %g" % (waits_s[HEADROOMS[0]], HEADROOMS[0])),
        Figure("true changes of state of mad devices that did not arrive",
               sum(len(life.lost_changes) for life in mad), "changes", 0,
               note="of %d, %d of them while mad" % (
                   len(changes), sum(at_ms >= onset_ms for at_ms, _ in changes))),
    ]


def to_json(told, found, held):
    """The members of the JSON object. Arguments: rates, pipelines, figures."""
    return {"devices": [asdict(each) for each in told],
            "pipelines": [asdict(each) for each in found],
            "figures": [figure.to_json() for figure in held]}


def show(console, told, found):
    """Prints two tables. Arguments: rates, pipelines."""
    kinds = list(dict.fromkeys(each.kind for each in told))
    by_key = {(each.kind, each.mode): each for each in told}
    print_rows(console, "messages / observations, per device and hour", ("device", *MODES), [
        (kind, *("%s / %s" % (number_text(round(by_key[kind, mode].messages)),
                              number_text(round(by_key[kind, mode].observations)))
                 for mode in MODES)) for kind in kinds])
    print_rows(
        console, "an ingest with so much more capacity than a sane fleet's busiest hour",
        ("observations", "headroom", "capacity /s", "longest wait", "without mad", "at the end",
         "late"),
        [(each.mode, "x %g" % each.headroom, number_text(round(each.capacity, 1)),
          _time_text(each.wait_s), _time_text(each.sane_wait_s), _time_text(each.wait_end_s),
          "%.1f h" % each.late_h if each.late_h else "never") for each in found])


def _time_text(seconds):
    return "%.0f s" % seconds if seconds < HOUR_S else "%s h" % number_text(
        round(seconds / HOUR_S, 1))
