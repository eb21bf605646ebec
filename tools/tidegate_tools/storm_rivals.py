"""Reconnect policies of others, by their own parameters, with the calls of the device's own."""

from tidegate.limits import ATTEMPT_MS_MAX


class Rival:
    """A policy as a function of how many attempts failed since the session ended.

    Arguments: random(), 0..1; wait_ms(failures, random), the wait before the next attempt.
    """

    def __init__(self, random, wait_ms):
        self._random, self._wait_ms = random, wait_ms
        self._failures = 0

    def hint(self, window_ms, is_outage):
        """They know no hint."""

    def began(self, now_ms):
        """An attempt begins."""

    def up(self, now_ms):
        """A session came up: all of them forget at once."""
        self._failures = 0

    def start(self, now_ms):
        """Power-up: at once."""
        return 0

    def lost(self, loss, now_ms):
        """Result: the wait in ms."""
        return self._wait_ms(0, self._random)

    def failed(self, outcome, now_ms):
        """Result: the wait in ms."""
        self._failures += 1
        return self._wait_ms(self._failures, self._random)

    def patience_ms(self):
        """The same as the device's without a hint."""
        return ATTEMPT_MS_MAX


class Ocpp(Rival):
    """OCPP 2.0.1, part 4, 5.3: RetryBackOffWaitMinimum 15 s, RandomRange 5 s, RepeatTimes 3.

    The wait doubles RepeatTimes times, each time a random part is added, and then it stays.
    """

    def __init__(self, random, wait_ms=None):
        super().__init__(random, wait_ms)
        self._last_ms = 0

    def lost(self, loss, now_ms):
        """Result: the wait in ms."""
        self._last_ms = 15_000 + int(5_000 * self._random())
        return self._last_ms

    def failed(self, outcome, now_ms):
        """Result: the wait in ms."""
        self._failures += 1
        if self._failures <= 3:
            self._last_ms = 2 * self._last_ms + int(5_000 * self._random())
        return self._last_ms


def _full_jitter(cap_s):
    def wait_ms(failures, random):
        return int(random() * 1000 * min(cap_s, 1 << min(failures, 12)))
    return wait_ms


def _ramp_then_period(failures, random):
    """FACTS: a ramp, then a constant period of 330 s with a spread phase."""
    if failures < 7:
        return int(random() * 1000 * (4 << failures))
    return int(random() * 330_000) if failures == 7 else 330_000


# Name: (class, wait, t99 / (N/C) and attempts per device against a front that refuses cheaply, t99
# against one that queues). None: never. Source of the figures: an independent simulation of 50,000
# devices after an outage of 78 min, ideal drain 300 s.
RIVALS = {
    "fixed 2 s": (Rival, lambda failures, random: 2_000, (0.99, 57), None),
    "fixed 10 s": (Rival, lambda failures, random: 10_000, (2.10, 21), None),
    "exponential, no jitter, 120 s": (
        Rival, lambda failures, random: 1000 * min(120, 1 << min(failures, 7)), None, None),
    "+5 % jitter, 30 s": (
        Rival, lambda failures, random: int(1000 * min(30, 1 << min(failures, 5))
                                            * (1 + 0.05 * random())), (1.39, 5.9), None),
    "full jitter 1..120 s": (Rival, _full_jitter(120), (1.10, 2.7), None),
    "full jitter 1..300 s": (Rival, _full_jitter(300), (1.36, 1.3), None),
    "full jitter 1..600 s": (Rival, _full_jitter(600), (1.90, 1.0), 1.90),
    "OCPP 15/5/3": (Ocpp, None, (1.17, 1.4), None),
}


def maker(name, random):
    """A function that makes one device's policy."""
    kind, wait_ms = RIVALS[name][:2]
    return lambda: kind(random, wait_ms)
