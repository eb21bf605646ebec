"""The January incident: a fleet of which some devices' sources go mad, second by second.

Some devices are simulated in full, with the charger's source and the device's own suppression;
each stands for several, whose days are shifted against its own.
"""

import random
from dataclasses import dataclass, field

import numpy

from tidegate_tools import paths, suppression_day

paths.use_device_modules()

from tidegate.limits import BATCH_COUNT_MAX  # noqa: E402
from tidegate.sources.simulated import SimulatedSource  # noqa: E402

from tidegate_tools.present_rules import PresentRules  # noqa: E402

FLEET_COUNT, SANE_COUNT, MAD_COUNT, MAD_PERCENT = 1_000, 30, 10, 5
HOUR_S = 3_600
# Before what is counted: boots are over, and there is room for the shifts.
LEAD_S, SHIFT_S_MAX = HOUR_S, HOUR_S // 2
ONSET_SHARE = 12
SAMPLES_PER_S = 50
STATE, POWER, VOLTAGE, ENERGY = 710, 513, 501, 553
SAMPLED, PRESENT, SUPPRESSED = "every sample", "present rules", "suppression"
MODES = (SAMPLED, PRESENT, SUPPRESSED)


def same(chance, values):
    """The newest sample again and again."""
    return [(POWER, values[POWER], None)] * SAMPLES_PER_S


def alternating(chance, values):
    """Two values in turn, each of which crosses zero, so that no settle time holds it up."""
    return [(POWER, 0, None), (POWER, 11_040, None)] * (SAMPLES_PER_S // 2)


def noisy(chance, values):
    """A deadband of 2 V, and noise of 2.2 V."""
    return [(VOLTAGE, 230_000 + chance.choice((-1_100, 1_100)), None)
            for _ in range(SAMPLES_PER_S)]


def backwards(chance, values):
    """A counter that jitters by up to five times its bound."""
    return [(ENERGY, 5_000 + values[ENERGY] - chance.randrange(50), None)
            for _ in range(SAMPLES_PER_S)]


def standing(chance, values):
    """A stamp that stands still, on every sample there is."""
    stamped = [(observation_id, value, 1) for observation_id, value in values.items()]
    return stamped + [(POWER, values[POWER], 1)] * SAMPLES_PER_S


WAYS = {"same sample": same, "two values": alternating, "noise above the bound": noisy,
        "counter backwards": backwards, "standing stamp": standing}
# All that this one's source gives is stamped: there are no samples beside it.
STAMPED = "standing stamp"


@dataclass
class Life:
    """One device simulated in full.

    Members: way, the name of its madness, "" for none; counts, {mode: observations sent in each
    second}; is_charging for each second; changes, [(ms, state)] as the source gave them and
    `told` as reported.
    """

    way: str
    counts: dict
    is_charging: numpy.ndarray
    changes: list = field(default_factory=list)
    told: list = field(default_factory=list)

    @property
    def lost_changes(self):
        """The true changes of state that were not reported at their moments."""
        return sorted(set(self.changes) - set(self.told))


def live(number, way, seconds, seed, sessions=None):
    """One device's life.

    Arguments: number of the device; way, a key of WAYS or ""; seconds, behind LEAD_S; seed;
    sessions, (plug_s, unplug_s, period_s), drawn where they are None. Result: Life.
    """
    chance = random.Random("%d %d" % (seed, number))
    source = SimulatedSource(chance.randrange(1 << 16), *(sessions or _sessions(chance)))
    charger = suppression_day.Charger("tg-%06d" % number)
    rules = PresentRules()
    whole_s = LEAD_S + seconds
    onset_s = LEAD_S + seconds // ONSET_SHARE if way else whole_s
    life = Life(way, {mode: numpy.zeros(whole_s, dtype=numpy.int32) for mode in MODES},
                numpy.zeros(whole_s, dtype=bool))
    moment, state = {}, None
    for second in range(whole_s):
        at_ms = second * suppression_day.TURN_MS
        source.step(at_ms, moment.__setitem__)
        values = {observation_id: moment[observation_id]
                  for observation_id in suppression_day.IDS}
        again = WAYS[way](chance, values) if second >= onset_s else ()
        before = len(charger.reports)
        samples = () if again and way == STAMPED else values.items()
        charger.turn(at_ms, samples, again)
        life.counts[SUPPRESSED][second] = len(charger.reports) - before
        life.counts[SAMPLED][second] = len(samples) + len(again)
        life.counts[PRESENT][second] = (
            rules.sent_count(second, values) + (SAMPLES_PER_S if again else 0))
        life.is_charging[second] = values[STATE] == 3
        if values[STATE] != state:
            state = values[STATE]
            life.changes.append((at_ms, state))
    life.told = [(at_ms, value) for observation_id, value, at_ms in charger.reports
                 if observation_id == STATE]
    return life


def _sessions(chance):
    """One or two sessions a day, of 2 to 6 h."""
    period_s = chance.choice((43_200, 86_400))
    length_s = chance.randrange(7_200, 21_600)
    plug_s = chance.randrange(1, period_s - length_s)
    return plug_s, plug_s + length_s, period_s


def played(columns, way):
    """A day that is given, of a device that is mad all along.

    Arguments: columns, as of `suppression_day.day`; way, a key of WAYS or "".
    Result: the moments of its reports, ms since the start.
    """
    chance = random.Random(0)
    charger = suppression_day.Charger()
    sent_ms = []
    for second, samples in enumerate(suppression_day.turns(columns)):
        before = len(charger.reports)
        again = WAYS[way](chance, dict(samples)) if way else ()
        charger.turn(second * suppression_day.TURN_MS, samples if way != STAMPED else (), again)
        sent_ms += [charger.at_ms] * (len(charger.reports) - before)
    return sent_ms


class Fleet:
    """What a fleet sends.

    `sent[mode]` are its observations in each second, `sane[mode]` those of as many sane devices;
    `lives` are the devices simulated in full. Arguments: lives; seconds; seed; count, of devices.
    """

    def __init__(self, lives, seconds, seed, count=FLEET_COUNT):
        self.lives, self.seconds, self.count = lives, seconds, count
        self.sent = {mode: numpy.zeros(seconds, dtype=numpy.int64) for mode in MODES}
        self.sane = {mode: numpy.zeros(seconds) for mode in MODES}
        chance = random.Random(seed)
        mad_count = count * MAD_PERCENT // 100
        for is_mad, of_count in ((False, count - mad_count), (True, mad_count)):
            some = [life for life in lives if bool(life.way) == is_mad]
            for number in range(of_count):
                self._add(some[number % len(some)], chance.randrange(SHIFT_S_MAX),
                          0 if is_mad else count / of_count)

    def _add(self, life, shift_s, sane_weight):
        span = slice(LEAD_S - shift_s, LEAD_S - shift_s + self.seconds)
        for mode, counts in life.counts.items():
            self.sent[mode] += counts[span]
            if sane_weight:
                self.sane[mode] += counts[span] * sane_weight

    def busiest_s(self, mode):
        """Observations a second of a sane fleet in its busiest hour."""
        sums = numpy.cumsum(numpy.append(0, self.sane[mode]))
        span_s = min(HOUR_S, self.seconds)
        return float((sums[span_s:] - sums[:-span_s]).max()) / span_s


def simulate(seconds, seed, note, sane_count=SANE_COUNT, mad_count=MAD_COUNT):
    """All lives of a fleet. Argument: note(done, count). Result: Fleet."""
    ways = [""] * sane_count + [list(WAYS)[number % len(WAYS)] for number in range(mad_count)]
    lives = []
    for number, way in enumerate(ways):
        note(number, len(ways))
        lives.append(live(number, way, seconds, seed))
    return Fleet(lives, seconds, seed)


def rate_h(lives, mode, seconds, is_mad):
    """(messages, observations) that one of some devices sends in an hour; a mad one from the
    onset on."""
    begin = LEAD_S + (seconds // ONSET_SHARE if is_mad else 0)
    return counted_h([life.counts[mode][begin:] for life in lives])


def counted_h(spans):
    """(messages, observations) an hour. Argument: arrays of the observations of each second.

    A message holds what a turn gives, up to BATCH_COUNT_MAX observations.
    """
    hours = sum(map(len, spans)) / HOUR_S
    messages = sum(int((-(-span // BATCH_COUNT_MAX)).sum()) for span in spans)
    return messages / hours, sum(int(span.sum()) for span in spans) / hours


def backlog(arrivals, capacity):
    """What waits at the end of each second. Arguments: observations of each; capacity a second."""
    sums = numpy.cumsum(arrivals - capacity)
    return sums - numpy.minimum(numpy.minimum.accumulate(sums), 0)
