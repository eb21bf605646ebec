"""Every figure of the reconnect policy, with what it must be and what we aim at."""

import random
from dataclasses import replace

import numpy
from tidegate.limits import ATTEMPT_MS_MAX
from tidegate.link import causes
from tidegate.link.backoff import Backoff

from tidegate_tools import storm_fleet, storm_regions, storm_rivals
from tidegate_tools.storm_scenario import BURST_COUNT_MIN, Scenario

FRONTS = (("a", {"front": "refuse"}), ("b 0.1", {"front": "costly", "cost": 0.1}),
          ("b 0.3", {"front": "costly", "cost": 0.3}), ("c", {"front": "queue"}))
A, C = FRONTS[0], FRONTS[3]
TIMES = "over N/C"


class Suite:
    """Collects the figures.

    Arguments: count, devices; count_max, the largest fleet of the figure over sizes;
    note(name), called before each step.
    """

    def __init__(self, count=50_000, count_max=1_000_000, note=None):
        self.count, self.count_max = count, count_max
        self._note = note or (lambda name: None)
        self.figures = []

    def run(self):
        """Result: the figures, a list of dicts."""
        for step in (self._bursts, self._long, self._long_without_hint, self._reset,
                     self._wrong_hint, self._incident, self._short, self._returning,
                     self._blackout, self._sizes, self._intermittent, self._alone, self._driver,
                     self._regions, self._rivals):
            step()
        return self.figures

    def _bursts(self):
        scenario = Scenario(count=self.count)
        self.add("burst of the front ends a and b", scenario.burst_count / scenario.capacity,
                 "seconds of capacity, at least %d admissions" % BURST_COUNT_MIN)
        self.add("burst of the front end c", 0, "admissions: it works through a queue")

    def add(self, name, value, unit, must=None, aim=None, better="lower"):
        """One figure; `must` and `aim` None where it is only reported."""
        self.figures.append({"name": name, "value": round(float(value), 3), "unit": unit,
                             "better": better, "must": must, "aim": aim})

    def _play(self, name, **options):
        self._note(name)
        options.setdefault("count", self.count)
        scenario = Scenario(**options)
        return scenario, scenario.play()

    def _times(self, name, percents, musts, front, **options):
        scenario, result = self._play("%s, %s" % (name, front[0]), **{**front[1], **options})
        ideal_ms = scenario.ideal_s * 1000
        for percent, must in zip(percents, musts):
            self.add("%s, %s: t%d" % (name, front[0], percent),
                     result.share_ms(percent) / ideal_ms, TIMES, must)
        return scenario, result

    def _long(self):
        self._long_refused("outage 78 min, hint", "reset")
        self._long_refused("outage 78 min that looks busy, hint", "busy")

    def _long_refused(self, name, refusal):
        found = []
        for front in FRONTS:
            found.append(self._times(name, (50, 99, 100), (0.60, 1.15, 1.20), front,
                                     refusal=refusal))
        self.add(name + ": attempts after restoration",
                 max(result.attempt_count_after for _, result in found), "per device", 1.05)
        self.add(name + ": attempts in all",
                 max(result.attempt_count for _, result in found), "per device", 22)
        for seconds, must in ((10, 1.1), (1, 1.3)):
            self.add("%s: peak of %d s" % (name, seconds), max(
                result.peak(seconds) / seconds / scenario.capacity
                for scenario, result in found), "over capacity", must)

    def _long_without_hint(self):
        for refusal, name in (("reset", ""), ("busy", " that looks busy")):
            for front in FRONTS:
                self._times("outage 78 min%s, no hint" % name, (99,), (2.1,), front, hint_s=0,
                            refusal=refusal)

    def _reset(self):
        for front in (A, C):
            scenario, result = self._times(
                "all reset, back in 5 s, hint", (99,), (1.15,), front, outage_s=5)
            self.add("all reset, back in 5 s, hint, %s: peak of 10 s" % front[0],
                     result.peak(10) / 10 / scenario.capacity, "over capacity", 1.5)
        for front, must in ((A, 2.1), (C, 2.6)):
            name = "all reset, back in 5 s, no hint"
            _, result = self._times(name, (99,), (must,), front, outage_s=5, hint_s=0)
            self.add("%s, %s: attempts" % (name, front[0]), result.attempt_count,
                     "per device", 2.1)

    def _wrong_hint(self):
        for factor in (0.8, 0.83, 0.86, 0.9, 0.95, 1.25, 1.5):
            self._times("hint x %.3g" % factor, (99,), (1.6,), A, hint_s=330 * factor)
        for factor in (0.5, 0.25):
            self._times("hint x %.3g" % factor, (99,), (5.5,), C, hint_s=330 * factor)

    def _incident(self):
        for front, must in ((A, 1.3), (C, 6)):
            for loss in ("closed", "silence"):
                self._times("N/C 2520 s, window 330 s, %s" % loss, (99,), (must,), front,
                            ideal_s=2_520, loss=loss)

    def _short(self):
        for outage_s in (30, 300):
            for refusal in ("reset", "silent"):
                options = {"outage_s": outage_s, "spread_s": 60, "loss": "silence",
                           "refusal": refusal}
                name = "outage %d s, %s, spread 60 s, hint" % (outage_s, refusal)
                for front, must in ((A, 1.4), (C, 4.5)):
                    self._times(name, (99,), (must,), front, **options)
                self._times(name + ", hanging up after 30 s", (99,), (None,), C,
                            patience_ms_max=ATTEMPT_MS_MAX, **options)
                self._times(name.replace("hint", "no hint"), (99,), (None,), C, hint_s=0,
                            **options)

    def _returning(self):
        for front, must in ((A, 2.7), (C, 4.4)):
            self._times("capacity back over 300 s", (99,), (must,), front, ramp_s=300)

    def _blackout(self):
        for name, hint_s, must in (("no hint", 0, None), ("hint", 330, 1.2)):
            scenario, result = self._play(
                "blackout, " + name, loss="power", outage_s=0, spread_s=10, hint_s=hint_s)
            self.add("blackout of a street, %s: peak of 10 s" % name,
                     result.peak(10) / 10 / scenario.capacity, "over capacity", must)

    def _sizes(self):
        for count in (1_000, 10_000, 100_000, 1_000_000):
            if count <= self.count_max:
                self._times("N = %d" % count, (99,), (1.35 if count == 1_000 else 1.2,), A,
                            count=count)

    def _intermittent(self):
        for name, loss, front, must in (
                ("", "closed", A, 0.9), ("", "closed", C, 0.9),
                (", silence", "silence", A, 0.9), (", silence", "silence", C, None)):
            name = "intermittent 5..20 %% of capacity%s, %s: online" % (name, front[0])
            scenario, result = self._play(
                name, levels=(0.05, 0.20), session_s=600, loss=loss, **front[1])
            self.add(name, online_share(scenario, result), "of what capacity allows", must,
                     better="higher")

    def _alone(self):
        alone = {"count": 4_000, "ideal_s": 0.05, "horizon": 1e5}
        waits = _link_waits(4_000)
        self.add("own link away: p95 after link-up", waits, "s", 3)
        for name, hint_s in (("no hint", 0), ("hint", 330)):
            for hole_s, must in ((5, 5), (120, 40)):
                _, result = self._play("one device, hole", outage_s=hole_s, loss="silence",
                                       refusal="silent", hint_s=hint_s, **alone)
                self.add("one device, hole of %d s, %s: p95" % (hole_s, name),
                         result.share_ms(95) / 1000, "s", must)
        _, result = self._play("one device, closed", outage_s=0, hint_s=0, **alone)
        for percent, must in ((50, 6), (95, 10)):
            self.add("one device closed by the server, no hint: p%d" % percent,
                     result.share_ms(percent) / 1000, "s", must)
        policy = Scenario(count=1).policies()[0]
        for name, loss in (("silence", causes.SILENCE), ("a close", causes.CLOSED)):
            policy.up(0)
            policy.lost(loss, storm_fleet.BEGIN_MS)
            self.add("one device before a server that hangs, after %s: hangs up" % name,
                     policy.patience_ms() / 1000, "s")

    def _driver(self):
        draws = random.Random(7)
        backoff = Backoff(lambda bound: draws.randrange(bound))
        backoff.up(0)
        backoff.lost(causes.CLOSED, 100_000)
        last_ms, gaps, wait_max_ms = None, [], 0
        for now_ms in range(3_000_000, 9_000_000, 500):
            if backoff.driver(now_ms):
                wait_max_ms = max(wait_max_ms, backoff.wait_ms(now_ms))
                if last_ms is not None:
                    gaps.append(now_ms - last_ms)
                last_ms = now_ms
                backoff.began(now_ms)
                backoff.failed(causes.TIMEOUT, now_ms + 400)
        self.add("driver acts: wait until the attempt", wait_max_ms / 1000, "s", 1)
        self.add("driver acts: least gap between such attempts", min(gaps) / 1000, "s", 15,
                 better="higher")

    def _regions(self):
        for name, refusal in (("reset", causes.REFUSED), ("busy", causes.BUSY)):
            self._note("two regions, " + name)
            found = storm_regions.run(self.count, 300, 7_200, 330, refusal, 3_000)
            self.add("two regions, %s: peak of 10 s at B" % name, found["peak B"],
                     "over admissions", 1.1)
            self.add("two regions, %s: peak of 10 s at A when it is back" % name, found["peak A"],
                     "over capacity")
            self.add("two regions, %s: t99 after A is back" % name, found["t99"], TIMES)

    def _rivals(self):
        for name, row in storm_rivals.RIVALS.items():
            expected = row[2]
            count = 2_000 if name == "fixed 2 s" else 5_000 if name == "fixed 10 s" else 10_000
            scenario, result = self._play(
                "rival " + name, rival=name, count=min(count, self.count), spread_s=1,
                horizon=5)
            t99 = result.share_ms(99) / 1000 / scenario.ideal_s
            # Its phases spread by diffusion alone, 0.43 s a turn: 8 % in place of 5 % gives the
            # published 1.39 and 5.9 and 5 % does not, so this row checks nothing.
            must = None if name.startswith("+5 %") else 10
            if expected is None:
                self.add("rival %s, a: online after 5 N/C" % name, float(numpy.mean(
                    numpy.array(result.up_ms) >= 0)), "of all, published: never", 0.99)
                continue
            self.add("rival %s, a: t99 %.2f, published %.2f" % (name, t99, expected[0]),
                     abs(t99 / expected[0] - 1) * 100, "% apart", must)
            self.add("rival %s, a: attempts %.1f, published %.1f" % (
                name, result.attempt_count_after, expected[1]),
                abs(result.attempt_count_after / expected[1] - 1) * 100, "% apart", must)
            if name.startswith("fixed"):
                continue
            scenario, result = self._play("rival %s, c" % name, rival=name, front="queue",
                                          count=min(count, self.count), spread_s=1, horizon=5)
            if row[3] is None:
                self.add("rival %s, c: online after 5 N/C" % name, float(numpy.mean(
                    numpy.array(result.up_ms) >= 0)), "of all, published: never", 0.99)
            else:
                t99 = result.share_ms(99) / 1000 / scenario.ideal_s
                self.add("rival %s, c: t99 %.2f, published %.2f" % (name, t99, row[3]),
                         abs(t99 / row[3] - 1) * 100, "% apart", must)


def online_share(scenario, result):
    """Devices online during an outage of some capacity over those that the capacity allows,
    where sessions are cut at random."""
    begin, end = storm_fleet.BEGIN_MS // 1000, result.end_ms // 1000
    capacity = replace(scenario).make_capacity()
    online = allowed = 0.0
    for second in range(begin, end):
        online += (capacity.total(1000 * second + 1000) - capacity.total(1000 * second)
                   - online / scenario.session_s)
        online = min(online, scenario.count)
        allowed += online
    return float(numpy.sum(result.online()[begin:end])) / allowed


def _link_waits(count):
    """95 % of the waits in s from link-up to a session, own part of the agent."""
    scenario = Scenario(count=count)
    waits = []
    for policy in scenario.policies():
        policy.link_down()
        waits.append(policy.link_up(1_000_000) + scenario.latency_ms())
    return sorted(waits)[count * 95 // 100] / 1000


def is_broken(figure):
    """Whether a figure breaks its must."""
    must, value = figure["must"], figure["value"]
    if must is None:
        return False
    return not (value >= must if figure["better"] == "higher" else value <= must)
