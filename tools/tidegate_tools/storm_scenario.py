"""One storm: its options, its fleet and its front end, played to its end."""

import random
from dataclasses import dataclass, field

from tidegate.limits import HINT_WINDOW_S_MAX, HINT_WINDOW_S_MIN
from tidegate.link import causes
from tidegate.link.backoff import Backoff

from tidegate_tools import storm_fleet, storm_fronts, storm_rivals

FRONTS = ("refuse", "costly", "queue")
# How the front end refuses, in the outage and after it; None: the outage is silence.
REFUSALS = {"reset": causes.REFUSED, "busy": causes.BUSY, "silent": None}
LOSSES = {"closed": causes.CLOSED, "silence": causes.SILENCE, "power": causes.POWER_UP}
# From the start of an attempt to its answer; also what smears phases that nothing else spreads.
LATENCY_MS = (460, 740)
BURST_COUNT_MIN = 20
HORIZON = 20  # N/C after restoration: who is not back by then never is


@dataclass
class Scenario:
    """Options, with the units of the command line.

    Members: ideal_s is N/C; hint_s the window in the devices' flash, 0 for none; ramp_s the time
    over which the capacity comes back; session_s the mean length of sessions cut at random, 0 for
    none; levels (low, high) shares of the capacity that hold during the outage.
    """

    count: int = 50_000
    ideal_s: float = 300.0
    outage_s: float = 4_680.0
    spread_s: float = 0.0
    front: str = "refuse"
    cost: float = 0.1
    hint_s: float = 330.0
    is_outage_hinted: bool = False
    loss: str = "closed"
    refusal: str = "reset"
    ramp_s: float = 0.0
    session_s: float = 0.0
    levels: tuple = ()
    rival: str = ""
    patience_ms_max: int = 0
    seed: int = 1
    horizon: float = HORIZON
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self):
        self._random = random.Random(self.seed)

    @property
    def capacity(self):
        """Admissions per second."""
        return self.count / self.ideal_s

    @property
    def burst_count(self):
        """Admissions that the bucket of a refusing front end holds."""
        return max(BURST_COUNT_MIN, int(self.capacity))

    def latency_ms(self):
        """The time from the start of one attempt to its answer."""
        low, high = LATENCY_MS
        return low + int((high - low) * self._random.random())

    def policies(self):
        """One policy per device."""
        random_ = self._random.random
        if self.rival:
            make = storm_rivals.maker(self.rival, random_)
            return [make() for _ in range(self.count)]

        def below(bound):
            return int(random_() * bound)

        fleet = [Backoff(below) for _ in range(self.count)]
        if self.hint_s:
            window_s = max(HINT_WINDOW_S_MIN, min(self.hint_s, HINT_WINDOW_S_MAX))
            for policy in fleet:
                policy.hint(int(window_s * 1000), self.is_outage_hinted)
        return fleet

    def make_capacity(self):
        """The capacity over time."""
        begin_ms, end_ms = self.down_ms()
        full = self.capacity
        if self.levels:
            low, high = self.levels
            points = []
            for at_ms in range(begin_ms, begin_ms + int(self.outage_s * 1000), 60_000):
                rate = full * (low + (high - low) * self._random.random())
                points += [(at_ms, rate), (at_ms + 59_999, rate)]
            return storm_fronts.Capacity([(0, full), (begin_ms - 1, full)] + points)
        if self.ramp_s:
            return storm_fronts.Capacity(
                [(0, 0), (end_ms, 0), (end_ms + int(self.ramp_s * 1000), full)])
        return storm_fronts.Capacity([(0, full)])

    def down_ms(self):
        """(start, end) of the outage in ms; with `levels` it ends as it starts."""
        begin_ms = storm_fleet.BEGIN_MS
        return begin_ms, begin_ms + (0 if self.levels else int(self.outage_s * 1000))

    def make_front(self):
        """The front end."""
        shared = (self.make_capacity(), self.down_ms(), REFUSALS[self.refusal], self.latency_ms)
        if self.front == "queue":
            return storm_fronts.Queueing(*shared, self.patience_ms_max or None)
        return storm_fronts.Refusing(
            *shared, self.burst_count, self.cost if self.front == "costly" else 0.0)

    def play(self, watch=None):
        """Result: a storm_fleet.Result."""
        policies, front = self.policies(), self.make_front()
        begin_ms = storm_fleet.BEGIN_MS
        lose_ms = [begin_ms + int(self._random.random() * self.spread_s * 1000)
                   for _ in range(self.count)]
        end_ms = front.restored_ms + int(self.horizon * self.ideal_s * 1000)
        cut = None
        if self.session_s:
            end_ms = begin_ms + int(self.outage_s * 1000)

            def cut(now_ms):
                return now_ms + 1 + int(self._random.expovariate(1 / self.session_s) * 1000)
        return storm_fleet.run(
            policies, front, lose_ms, LOSSES[self.loss], end_ms, cut, watch)
