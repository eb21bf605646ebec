"""When what happens in a demo: wall seconds since the agent's start. Pure.

The charger's own events are said in scenario seconds, so they follow from the speed; the broker
is away for wall seconds, since a broker knows no scenario.
"""

import calendar
from dataclasses import dataclass

from tidegate_tools.errors import ToolError

SPEED_DEFAULT = 10
SPEED_MAX = 120
CUT_S_DEFAULT = 20.0
QUARTER_S = 900
TRACE_S_AIMED = 60
# How long the device may take to come back after the broker did: its longest wait between two
# attempts in agent seconds, and what the demo grants at most.
WAIT_AGENT_S_MAX = 600
RETURN_S_MAX = 48.0
DRAIN_S_MAX = 10.0
# The shortest stay of a car that the simulated charger plays, and a little.
STAY_S_MIN = 65
# Wall seconds at the default speed; a faster scenario shortens them, down to a quarter.
PLUG_S = 4.0
CUT_AT_S = 20.0
UNPLUG_AFTER_S = 10.0
END_AFTER_S = 6.0
SHARE_MIN = 0.25
# Shares of the cut: the quarter hour falls early in it. The kill comes late: a new start begins
# with short waits, so the device is soon back after the broker.
QUARTER_SHARE = 0.2
KILL_SHARE = 0.7
SCENARIO_UTC_MS = calendar.timegm((2026, 1, 15, 20, 30, 0)) * 1_000


@dataclass(frozen=True)
class Phase:
    """From `at_s` on, until the next one. `action` is what the demo does at its beginning."""

    at_s: float
    text: str
    action: str = ""


@dataclass(frozen=True)
class Plan:
    """A demo's script.

    `elapsed_s` is the scenario's second at which the agent starts; plug_s and unplug_s are
    scenario seconds, None with a trace. After `end_s` the demo waits until everything is
    delivered, at most until `limit_s`.
    """

    speed: int
    phases: tuple
    end_s: float
    back_s: float
    elapsed_s: int = 0
    plug_s: int | None = None
    unplug_s: int | None = None

    @property
    def limit_s(self):
        return_s = min(RETURN_S_MAX, WAIT_AGENT_S_MAX / self.speed + 6.0)
        return max(self.end_s + DRAIN_S_MAX, self.back_s + return_s)

    def scenario_s(self, wall_s):
        """The scenario's second at a wall second of the demo."""
        return self.elapsed_s + wall_s * self.speed


def simulated(speed=None, cut_s=None):
    """The script for the simulated charger.

    Arguments: speed, how often faster than the clock on the wall the scenario runs; cut_s, for
    how long the broker is away. Errors: ToolError.
    """
    speed = _check_speed(SPEED_DEFAULT if speed is None else speed)
    cut_s = _check_cut(CUT_S_DEFAULT if cut_s is None else cut_s)
    share = max(SHARE_MIN, min(1.0, SPEED_DEFAULT / speed))
    plug_s, cut_at_s = PLUG_S * share, CUT_AT_S * share
    back_s = cut_at_s + cut_s
    unplug_s = max(back_s + UNPLUG_AFTER_S * share, plug_s + STAY_S_MIN / speed)
    quarter_s = round((cut_at_s + QUARTER_SHARE * cut_s) * speed)
    elapsed_s = -quarter_s % QUARTER_S
    return Plan(
        speed,
        (Phase(0, "starting, charger idle"), Phase(plug_s, "car plugged in, charging"),
         *_cut(cut_at_s, cut_s), Phase(unplug_s, "car unplugged")),
        unplug_s + END_AFTER_S * share, back_s, elapsed_s, elapsed_s + round(plug_s * speed),
        elapsed_s + round(unplug_s * speed))


def replayed(trace_s, speed=None, cut_s=None):
    """The script for a trace of `trace_s` seconds. Errors: ToolError where the cut is too long."""
    if speed is None:
        speed = max(1, min(SPEED_MAX, round(trace_s / TRACE_S_AIMED)))
    speed = _check_speed(speed)
    whole_s = trace_s / speed
    if cut_s is None:
        cut_s = min(CUT_S_DEFAULT, whole_s / 3)
    cut_s = _check_cut(cut_s)
    cut_at_s = whole_s / 4
    if cut_at_s + cut_s > whole_s * 0.8:
        raise ToolError("a cut of %g s does not fit a trace that takes %.0f s: use --cut %d "
                        "or a lower --speed" % (cut_s, whole_s, max(1, whole_s * 0.5)))
    return Plan(speed, (Phase(0, "replaying the trace"),
                        *_cut(cut_at_s, cut_s)), whole_s + 1.0, cut_at_s + cut_s)


def _cut(cut_at_s, cut_s):
    return (Phase(cut_at_s, "broker killed", "cut"),
            Phase(cut_at_s + KILL_SHARE * cut_s, "agent killed, started again", "kill"),
            Phase(cut_at_s + cut_s, "broker back, draining", "back"))


def _check_speed(speed):
    if not 1 <= speed <= SPEED_MAX:
        raise ToolError("a speed of %d is not possible: use --speed 1 to %d" % (speed, SPEED_MAX))
    return speed


def _check_cut(cut_s):
    if not 1 <= cut_s <= 600:
        raise ToolError("a cut of %g s is not possible: use --cut 1 to 600" % cut_s)
    return cut_s


def trace_seconds(path):
    """How long a trace lasts: the time in the first column of its last row.

    Errors: ToolError where the file is missing or its last row does not begin with a time.
    """
    try:
        with open(path, encoding="utf-8") as trace:
            rows = [line for line in trace.read().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError("the trace %s cannot be read: %s"
                        % (path, getattr(error, "strerror", None) or "not UTF-8")) from None
    try:
        seconds = float(rows[-1].split(",")[0])
    except (IndexError, ValueError):
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise ToolError("the trace %s does not end with a row that begins with its time in "
                        "seconds" % path)
    return seconds
