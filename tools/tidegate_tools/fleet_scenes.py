"""What happens to a fleet, step by step, as data: the surge and the March incident."""

from dataclasses import dataclass

from tidegate_tools.gate import Settings

PROVEN_S = 60
POWER_UP_S = 60
SLACK_S = 20
# Wall seconds that a fleet takes to start, whatever its clocks say.
START_S = 30
CALM_S = 10
SURGE = WAITING, OPEN, CALM = ("all wait for their CONNACK", "backlog drains", "calm")
REHEARSAL = START, PROVEN, CUT, BACK, DRAIN = (
    "fleet comes up", "sessions prove themselves", "service gone", "service restored",
    "backlog drains")
ENDS = {
    "waiting": lambda setup, sample: sample.waiting >= setup.count,
    "online": lambda setup, sample: sample.online >= setup.count,
    "drained": lambda setup, sample: (
        sample.close >= setup.count and sample.stored >= setup.count * setup.stored_count),
}


@dataclass(frozen=True)
class Step:
    """One step. Members: name; front, the gate's Settings from here on, None where they stay;
    mode `closed`: nobody listens; limit_s, wall seconds that it lasts at most; end, a key of ENDS,
    or nothing where it lasts `limit_s`."""

    name: str
    front: Settings | None
    limit_s: float
    end: str = ""

    @property
    def is_awaited(self):
        """Whether it has an end that it may miss."""
        return bool(self.end)

    def is_over(self, setup, sample):
        """Whether a sample shows that it has come to its end."""
        return self.is_awaited and ENDS[self.end](setup, sample)


def surge(speed, limit_s):
    """A fleet with full flash gets its CONNACKs in one moment.

    Arguments: speed, of the agents' clocks; limit_s, for the drain.
    """
    return (Step(WAITING, Settings("stall"), START_S + (POWER_UP_S + SLACK_S) / speed, "waiting"),
            Step(OPEN, Settings("queue"), limit_s, "drained"),
            Step(CALM, None, CALM_S / speed))


def rehearsal(speed, outage_s, restored, cut, limit_s):
    """The March incident.

    Arguments: speed; outage_s, of the agents' clocks; restored, the gate's Settings after it; cut,
    the mode of the gate in it; limit_s, of the agents' clocks, until all are back.
    """
    return (Step(START, Settings("refuse"), START_S + (POWER_UP_S + SLACK_S) / speed, "online"),
            Step(PROVEN, None, (PROVEN_S + 5) / speed),
            Step(CUT, Settings(cut), outage_s / speed),
            Step(BACK, restored, limit_s / speed, "online"),
            Step(DRAIN, None, START_S + SLACK_S, "drained"))
