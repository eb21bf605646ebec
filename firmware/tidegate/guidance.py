"""What the operator says of the fleet, and what the agent makes of it: window and backlog rate."""

from tidegate.clock.monotonic import is_past
from tidegate.diag import trail
from tidegate.limits import HINT_AGE_S_MAX, TICKS_MASK_MS
from tidegate.link import hint


class Guidance:
    """Follows the hint that holds, that of before the reboot at first.

    Arguments: agent, whose backoff and uplink are there; keep, the port.
    """

    def __init__(self, agent, keep):
        self._agent = agent
        self._kept, self._wrong = hint.Kept(keep), hint.OK
        self._limited_ms = 0
        self._is_limited = False
        self._recall(agent.monotonic.now_ms)

    def hint(self):
        """The hint that holds, as of `link.hint`, or None."""
        return self._kept.hint

    def step(self, now_ms):
        """What has ended is followed no more."""
        if self._is_limited and is_past(self._limited_ms, now_ms):
            self._is_limited = False
            self._agent.uplink.pacing.limit(None)
        if self._kept.is_due(now_ms) and self._kept.look(self._time_s(now_ms), now_ms):
            self._follow(None, hint.STALE, now_ms)
            self._agent.trail.note(trail.INFO, "hint ended")

    def limit(self, rate, span_s, now_ms):
        """The backlog is to drain no faster than `rate` observations a second, -1 for as fast as
        it can; 0 for not at all. That ends after span_s."""
        self._agent.uplink.pacing.limit(None if rate < 0 else rate)
        self._is_limited = rate >= 0
        self._limited_ms = (now_ms + span_s * 1_000) & TICKS_MASK_MS

    def take(self, payload, now_ms):
        """What the operator says of the fleet; what is no hint takes the one before back."""
        before, wrong_before = self._kept.hint, self._wrong
        found, wrong = hint.check(payload, self._time_s(now_ms))
        self._kept.take(found, now_ms)
        self._follow(found, wrong, now_ms)
        # It comes with each session: only news is noted.
        if found is None and (before is not None or wrong != wrong_before):
            self._agent.trail.note(trail.WARNING, "hint refused", why=wrong.replace(" ", "-"))
        elif found and (before is None or found[:hint.RECEIVED_S] != before[:hint.RECEIVED_S]):
            self._agent.trail.note(trail.INFO, "hint taken", window_s=found[hint.WINDOW_S])

    def _recall(self, now_ms):
        """What was said before the reboot holds on, so that a fleet which boots together knows."""
        wrong = self._kept.recall(self._time_s(now_ms))
        found, note = self._kept.hint, self._agent.trail.note
        if found:
            note(trail.INFO, "hint of before holds", window_s=found[hint.WINDOW_S])
        else:
            is_wrong = wrong not in (hint.MISSING, hint.STALE)
            note(trail.WARNING if is_wrong else trail.INFO, "no hint", why=wrong.replace(" ", "-"))
        self._follow(found, wrong, now_ms)

    def _follow(self, found, wrong, now_ms):
        """A hint holds, or none; and why none."""
        self._wrong = wrong
        if found is None:
            self._agent.backoff.hint(0, False)
            self.limit(-1, 0, now_ms)
            return
        self._agent.backoff.hint(found[hint.WINDOW_S] * 1_000, found[hint.IS_OUTAGE])
        now_s, span_s = self._time_s(now_ms), HINT_AGE_S_MAX
        if now_s and found[hint.UNTIL_S]:
            span_s = found[hint.UNTIL_S] - now_s
        self.limit(found[hint.RATE_OBS], span_s, now_ms)

    def _time_s(self, now_ms):
        """Unix time in s, 0 while it is unknown."""
        known = self._agent.timekeeping.time_ms(now_ms)
        return known // 1_000 if known else 0
