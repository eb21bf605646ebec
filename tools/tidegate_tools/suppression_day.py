"""The simulated day of twelve observations, and the device's own suppression to play it through.

The figures of suppression rest on it; DESIGN names seed, sessions and observations.
"""

import numpy

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.diag.counters import Counters  # noqa: E402
from tidegate.limits import TICKS_MASK_MS  # noqa: E402
from tidegate.observe.catalogue import Catalogue  # noqa: E402
from tidegate.observe.sampler import Sampler  # noqa: E402
from tidegate.observe.suppress import Suppressor  # noqa: E402
from tidegate.sources.simulated import SimulatedSource  # noqa: E402

from tidegate_tools.quantities import phase_of  # noqa: E402

DAY_S = 86_400
TURN_MS = 1_000
SEED = 20_260_115
DEVICE = "tg-000001"
# Three sessions of three hours: each begins two hours into a third of the day.
PLUG_S, UNPLUG_S, PERIOD_S = 7_200, 18_000, 28_800
DEADBANDS = (501, 502, 503, 507, 508, 509, 513, 809)
TRENDS = (201, 206, 553)
STATE = 710
IDS = tuple(sorted((*DEADBANDS, *TRENDS, STATE)))


def day(seconds=DAY_S, seed=SEED):
    """A charger's seconds. Result: {observation id: an array of one value a second}."""
    source = SimulatedSource(seed, PLUG_S, UNPLUG_S, PERIOD_S)
    columns = {observation_id: numpy.zeros(seconds, dtype=numpy.int64) for observation_id in IDS}
    for second in range(seconds):
        moment = {}
        source.step(second * TURN_MS, moment.__setitem__)
        for observation_id, column in columns.items():
            column[second] = moment[observation_id]
    return columns


def turns(columns):
    """The samples of each second. Result: an iterator over lists of (id, value)."""
    lists = [[(observation_id, value) for value in column.tolist()]
             for observation_id, column in columns.items()]
    return zip(*lists)


class Charger:
    """What of the agent decides on samples, with a log that never fails in place of the spool.

    `reports` is [(id, value, ms since the start at which it was sampled)], `at_ms` the moment of
    the turn. Arguments: device, its name; rows, of another catalogue than the agent's.
    """

    def __init__(self, device=DEVICE, rows=None):
        catalogue = Catalogue(rows) if rows else Catalogue()
        self.reports = []
        self.at_ms = 0
        self.suppressor = Suppressor(catalogue, phase_of(device))
        self.counters = Counters()
        self.sampler = Sampler(catalogue, self.suppressor, self._append, self.counters)

    def _append(self, log, kind, observation_id, value, at_ms):
        age_ms = (self.at_ms - at_ms) & TICKS_MASK_MS
        self.reports.append((observation_id, value, self.at_ms - age_ms))
        return len(self.reports)

    def turn(self, at_ms, samples, again=()):
        """One turn at a moment, ms since the start.

        Arguments: samples, (id, value) each; again, (id, value, stamp or None) each, behind them.
        """
        self.at_ms = at_ms
        sampler = self.sampler
        offer = sampler.offer
        sampler.begin_turn(at_ms & TICKS_MASK_MS)
        for observation_id, value in samples:
            offer(observation_id, value)
        for observation_id, value, stamp in again:
            offer(observation_id, value, stamp)
        sampler.end_turn()

    def play(self, columns):
        """All seconds of `day`. Result: self."""
        for second, samples in enumerate(turns(columns)):
            self.turn(second * TURN_MS, samples)
        return self

    def count(self, observation_id=None):
        """How many reports there are, of one observation or of all."""
        return sum(observation_id in (None, report[0]) for report in self.reports)

    def held_count(self, observation_id):
        """1 where a trend holds a sample that its last report does not tell, else 0."""
        trend = self.suppressor.trends[self.suppressor.index(observation_id)]
        return int(trend is not None and trend.held is not None)
