"""A simulated day of a charger, as the agent lives it: what it costs on flash."""

from collections import Counter

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.diag.counters import Counters  # noqa: E402
from tidegate.observe.catalogue import TELEMETRY, Catalogue  # noqa: E402
from tidegate.observe.sampler import Sampler  # noqa: E402
from tidegate.observe.suppress import Suppressor  # noqa: E402
from tidegate.sources.simulated import SimulatedSource  # noqa: E402

from tidegate_tools.bench_rig import TURN_MS, Rig  # noqa: E402

DAY_S = 86_400
SEED = 1


class Day:
    """What the sampler let pass in a day, and the spools that took it as it came.

    `turns` is a list with the rows (log, kind, id, value) of each second, `rigs` the spools.
    """

    def __init__(self, turns, rigs):
        self.turns = turns
        self.rigs = rigs

    def count(self, log=None, kind=None):
        """How many rows there are, of a log and of a kind."""
        return sum((log is None or row[0] == log) and (kind is None or row[1] == kind)
                   for rows in self.turns for row in rows)

    def ids(self):
        """A dict from observation id to log."""
        return {row[2]: row[0] for rows in self.turns for row in rows}


def live(media, seconds=DAY_S, note=lambda step: None):
    """The simulated source at 1 Hz through sampler and suppressor into spools, in a session.

    Each second what was appended is confirmed, then comes the idle work, as in the agent's turn.
    Arguments: media, of each spool; seconds; note. Result: Day.
    """
    catalogue = Catalogue()
    suppressor = Suppressor(catalogue)
    rigs = [Rig(medium, latest=suppressor) for medium in media]
    turns = []

    def append(log, kind, observation_id, value, now_ms):
        row = (log, kind, observation_id, value)
        turns[-1].append(row)
        seqs = {rig.append(row) for rig in rigs}
        assert len(seqs) == 1 and 0 not in seqs, "all spools number alike and none is full"
        return seqs.pop()

    sampler = Sampler(catalogue, suppressor, append, Counters())
    source = SimulatedSource(SEED)
    for second in range(seconds):
        if second % 3_600 == 0:
            note("hour %d of a live day" % (second // 3_600))
        turns.append([])
        now_ms = [rig.at(second * TURN_MS) for rig in rigs][0]
        if second == 0:
            for rig in rigs:
                rig.date()
        sampler.begin_turn(now_ms)
        source.step(second * TURN_MS, sampler.offer)
        for rig in rigs:
            rig.confirm_all()
            rig.idle()
    return Day(turns, rigs)


def thinned(day, count):
    """The day with only so much of its most frequent telemetry that `count` observations remain.

    The simulated uptime is reported each 6 s, as real chargers' is not. Result: Day, no rigs.
    """
    found = Counter(row[2] for rows in day.turns for row in rows if row[0] == TELEMETRY)
    [(frequent, frequent_count)] = found.most_common(1)
    wanted_count = max(0, count - sum(found.values()) + frequent_count)
    seen = 0
    turns = []
    for rows in day.turns:
        turns.append([])
        for row in rows:
            if row[2] == frequent:
                seen += 1
                if seen * wanted_count // frequent_count == (seen - 1) * wanted_count \
                        // frequent_count:
                    continue
            turns[-1].append(row)
    return Day(turns, ())


def play(rig, day, is_done, is_live=True, each=None):
    """Plays a day again and again into a spool until `is_done()`.

    Arguments: rig; day; is_done, asked after each second that has rows; is_live, whether what is
    appended is confirmed each second; each, called after each append with its row.
    Result: the number of observations appended.
    """
    count = number = 0
    while True:
        for second, rows in enumerate(day.turns):
            if not rows:
                continue
            rig.at((number * len(day.turns) + second) * TURN_MS)
            for row in rows:
                count += rig.append(row) > 0
                if each is not None:
                    each(row)
            if is_live:
                rig.confirm_all()
            rig.idle()
            if is_done():
                return count
        number += 1
