"""The simulated day of a charger, as the agent lives it: what it costs on flash."""

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.diag.counters import Counters  # noqa: E402
from tidegate.observe.catalogue import Catalogue  # noqa: E402
from tidegate.observe.sampler import Sampler  # noqa: E402
from tidegate.observe.suppress import Suppressor  # noqa: E402
from tidegate.sources.simulated import SimulatedSource  # noqa: E402

from tidegate_tools.bench_rig import TURN_MS, Rig  # noqa: E402
from tidegate_tools.quantities import phase_of  # noqa: E402
from tidegate_tools.suppression_day import (  # noqa: E402
    DAY_S, DEVICE, PERIOD_S, PLUG_S, SEED, UNPLUG_S,
)

# So many days in a row fill a few sectors: what is there once is not what an observation costs.
DAY_COUNT = 3


class Day:
    """What the sampler let pass in a day or more, and the spools that took it as it came.

    `turns` is a list with the rows (log, kind, id, value) of each second, `rigs` the spools;
    `begin_bytes` what each rig programmed in the first second, the boot with it.
    """

    def __init__(self, turns, rigs, begin_bytes=()):
        self.turns = turns
        self.rigs = rigs
        self.begin_bytes = begin_bytes

    def count(self, log=None, kind=None):
        """How many rows there are, of a log and of a kind."""
        return sum((log is None or row[0] == log) and (kind is None or row[1] == kind)
                   for rows in self.turns for row in rows)

    def ids(self):
        """A dict from observation id to log."""
        return {row[2]: row[0] for rows in self.turns for row in rows}


def live(media, seconds=DAY_COUNT * DAY_S, note=lambda step: None):
    """The day of `suppression_day`, all that its source gives, through sampler and suppressor
    into spools, in a session.

    Each second what was appended is confirmed, then comes the idle work, as in the agent's turn.
    Arguments: media, of each spool; seconds; note. Result: Day.
    """
    catalogue = Catalogue()
    suppressor = Suppressor(catalogue, phase_of(DEVICE))
    rigs = [Rig(medium, latest=suppressor) for medium in media]
    turns = []

    def append(log, kind, observation_id, value, now_ms):
        row = (log, kind, observation_id, value)
        turns[-1].append(row)
        seqs = {rig.append(row) for rig in rigs}
        assert len(seqs) == 1 and 0 not in seqs, "all spools number alike and none is full"
        return seqs.pop()

    sampler = Sampler(catalogue, suppressor, append, Counters())
    source = SimulatedSource(SEED, PLUG_S, UNPLUG_S, PERIOD_S)
    for second in range(seconds):
        if second % 3_600 == 0:
            note("hour %d of live days" % (second // 3_600))
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
        if second == 0:
            begin_bytes = [rig.flash.programmed_bytes_count for rig in rigs]
    return Day(turns, rigs, begin_bytes)


def hurried(day, count):
    """The same observations in so much less time that `count` come in a day. Result: Day, no rigs.

    With suppression a charger sends fewer than the ten years are reckoned with.
    """
    length = max(1, day.count() * DAY_S // count)
    turns = [[] for _ in range(length)]
    for second, rows in enumerate(day.turns):
        turns[second * length // len(day.turns)] += rows
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
