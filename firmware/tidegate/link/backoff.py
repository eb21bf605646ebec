"""When to try again: how the outage began and what each attempt met decide. Pure."""

from tidegate.limits import (
    BACKOFF_CLOSED_MS_MAX, BACKOFF_DRIVER_MS_MIN, BACKOFF_EARLY_SHARE, BACKOFF_LINK_MS_MAX,
    BACKOFF_PAUSE_MS, BACKOFF_PERIOD_MS, BACKOFF_PERIOD_MS_MAX, BACKOFF_POWER_MS_MAX,
    BACKOFF_RAMP_MS, BACKOFF_SILENCE_MS_MAX, BACKOFF_SLOW_MS, BACKOFF_SOON_COUNT,
    PATIENCE_FLEET_MS, PATIENCE_MS_MIN, SESSION_PROVEN_MS, TICKS_HALF_MS, TICKS_MASK_MS,
)
from tidegate.link import causes

# What to do after an attempt. RAMP: full jitter over the windows of BACKOFF_RAMP_MS in turn.
# PERIOD: one period after the start of the attempt, one in BACKOFF_EARLY_SHARE two thirds of it.
# FRESH: a moment drawn over one period. PAUSE: the same after BACKOFF_PAUSE_MS, so that the server
# sheds what was given up. DOUBLE: one or two periods, and the period doubles. SOON: drawn over a
# quarter of the period, then over half of it, then PERIOD. SLOW: BACKOFF_SLOW_MS. NEXT: another
# endpoint, whose moment is drawn over one period.
RAMP, PERIOD, FRESH, PAUSE, DOUBLE, SOON, SLOW, NEXT = range(8)
ACTION_NAMES = ("ramp", "period", "fresh", "pause", "double", "soon", "slow", "next")

# Outcome: the action while ramping; the same with a hint; the same after the server closed, so
# that it is known to be a fleet's event; at the period.
ACTIONS = {
    causes.REFUSED: (RAMP, FRESH, FRESH, PERIOD),
    causes.TIMEOUT: (RAMP, RAMP, FRESH, PERIOD),
    causes.DNS: (RAMP, RAMP, FRESH, PERIOD),
    causes.BUSY: (FRESH, FRESH, FRESH, SOON),
    causes.OVERLOAD: (PAUSE, PAUSE, PAUSE, DOUBLE),
    causes.AUTH: (SLOW, SLOW, SLOW, SLOW),
    causes.CLOCK: (RAMP, RAMP, RAMP, PERIOD),
    causes.MOVED: (NEXT, NEXT, NEXT, NEXT),
    causes.BROKEN: (RAMP, FRESH, FRESH, PERIOD),
}
RAMPING, HINTED, AFTER_CLOSE, AT_PERIOD = range(4)
# How the outage began: the span in ms of the first attempt's moment without a hint, with one, and
# with one that says there is an outage; 0 means the period.
FIRST_MS = {
    causes.POWER_UP: (BACKOFF_POWER_MS_MAX, 0, 0),
    causes.LINK_LOST: (BACKOFF_LINK_MS_MAX, BACKOFF_LINK_MS_MAX, BACKOFF_LINK_MS_MAX),
    causes.SILENCE: (BACKOFF_SILENCE_MS_MAX, BACKOFF_SILENCE_MS_MAX, 0),
    causes.CLOSED: (BACKOFF_CLOSED_MS_MAX, 0, 0),
    causes.LEFT: (BACKOFF_LINK_MS_MAX, BACKOFF_LINK_MS_MAX, BACKOFF_LINK_MS_MAX),
}


class Backoff:
    """The moment of the next attempt.

    With a constant period and phases spread evenly over it, N devices offer N / period attempts a
    second, however long the outage was; full jitter over the same span offers twice as many,
    because its mean wait is half the span.

    Argument: random_below(n), an integer of 0..n-1.
    Members to read: window_ms, the span that the last wait was drawn from; period_ms;
    attempt_count, attempts since the session ended; action, the last one taken.
    """

    def __init__(self, random_below):
        self._random_below = random_below
        self._base_ms = BACKOFF_PERIOD_MS
        self._hint_level = 0
        self._is_fleet = self._is_up = self._is_proven = self._is_due = False
        self._is_linked = True
        self._next_ms = self._begun_ms = self._up_ms = self._driver_ms = 0
        self._was_driven = False
        self._soon_count = 0
        self._ramp_count = 0
        self.period_ms = BACKOFF_PERIOD_MS
        self.window_ms = 0
        self.action = RAMP
        self.attempt_count = 0

    def hint(self, window_ms, is_outage):
        """Take the hinted window, already clamped; 0: there is none, the default holds.

        A wait that has begun stays as it was drawn. The period, doubled by an overload, starts
        from the new window.
        """
        base_ms = window_ms - window_ms // 24 if window_ms else BACKOFF_PERIOD_MS
        if base_ms != self._base_ms:
            self._base_ms = self.period_ms = base_ms
        self._hint_level = (2 if is_outage else 1) if window_ms else 0

    def start(self, now_ms):
        """Power-up of the board. Result: the wait in ms.

        Whatever looks like a driver right after it is the charger finding out where it stands.
        """
        self._was_driven = True
        self._driver_ms = now_ms
        return self._begin_outage(causes.POWER_UP, now_ms)

    def link_up(self, now_ms):
        """The own link came back: the server had no part in it. Result: the wait in ms."""
        self._is_linked = True
        self._is_fleet = False
        return self._wait(self._draw(BACKOFF_LINK_MS_MAX), now_ms)

    def link_down(self):
        """The own link went: no attempt until `link_up`."""
        self._is_linked = False

    def began(self, now_ms):
        """An attempt begins."""
        self._begun_ms = now_ms
        self._is_due = False
        self.attempt_count += 1

    def patience_ms(self):
        """How long the attempt may wait for its CONNACK once the server took the connection.

        To hang up is what turns a queue into a storm: the server goes on to work for the one
        who left. Where the server closed the session, or an attempt has waited in vain already,
        others stand in that queue, too; who has no such sign may be alone with a connection that
        hangs, and tries again sooner.
        """
        return max(self.period_ms, PATIENCE_FLEET_MS if self._is_fleet else PATIENCE_MS_MIN)

    def up(self, now_ms):
        """A session came up."""
        self._up_ms = now_ms
        self._is_up = True
        self._is_proven = False

    def prove(self, now_ms):
        """To be called each turn of a session: one of SESSION_PROVEN_MS forgets the outage."""
        if not self._is_proven and (now_ms - self._up_ms) & TICKS_MASK_MS >= SESSION_PROVEN_MS:
            self._is_proven = True
            self._ramp_count = 0
            self._soon_count = 0
            self.period_ms = self._base_ms
            self.attempt_count = 0

    def lost(self, loss, now_ms):
        """A session ended; `loss` is one of `causes.LOSS_NAMES`. Result: the wait in ms.

        A session that did not prove itself goes on where the ramp was.
        """
        self.prove(now_ms)
        self._is_up = False
        if self._is_proven or loss == causes.LEFT or loss == causes.LINK_LOST:
            return self._begin_outage(loss, now_ms)
        if loss == causes.CLOSED:
            self._is_fleet = True
        return self._act(RAMP if self._is_ramping() else FRESH, now_ms)

    def failed(self, outcome, now_ms):
        """An attempt failed; `outcome` is one of `causes`. Result: the wait in ms."""
        column = AT_PERIOD
        if self._is_ramping():
            column = AFTER_CLOSE if self._is_fleet else (HINTED if self._hint_level else RAMPING)
        # Who waited in vain once stood in a queue, or before a server that hangs for all.
        self._is_fleet = self._is_fleet or outcome == causes.OVERLOAD
        return self._act(ACTIONS[outcome][column], now_ms)

    def driver(self, now_ms):
        """Somebody plugs in, shows a card or presses a button: the wait ends.

        At most once in BACKOFF_DRIVER_MS_MIN. Result: whether it did end.
        """
        since_ms = (now_ms - self._driver_ms) & TICKS_MASK_MS
        if self._is_up or (self._was_driven and since_ms < BACKOFF_DRIVER_MS_MIN):
            return False
        self._was_driven = True
        self._driver_ms = now_ms
        self._is_due = True
        return self._is_linked

    def wait_ms(self, now_ms):
        """How long until the next attempt; 0 when it is due. Without a link never 0.

        To be asked at least once in half a period of the ticks while an attempt is awaited.
        """
        if not self._is_linked:
            return TICKS_HALF_MS
        if not self._is_due:
            left_ms = (self._next_ms - now_ms) & TICKS_MASK_MS
            if 0 < left_ms < TICKS_HALF_MS:
                return left_ms
            self._is_due = True
        return 0

    def _is_ramping(self):
        return self._ramp_count >= 0

    def _has_ramp(self):
        """A window beyond a quarter of the period would only crowd the period's own start."""
        count = self._ramp_count
        return 0 <= count < len(BACKOFF_RAMP_MS) and BACKOFF_RAMP_MS[count] * 4 <= self.period_ms

    def _begin_outage(self, loss, now_ms):
        self._is_fleet = loss == causes.CLOSED
        self.attempt_count = 0
        span_ms = FIRST_MS[loss][self._hint_level]
        if not span_ms:
            span_ms = self.period_ms
            self._ramp_count = -1
        return self._wait(self._draw(span_ms), now_ms)

    def _act(self, action, now_ms):
        if action == RAMP and not self._has_ramp():
            action = FRESH
        elif action == SOON and self._soon_count >= BACKOFF_SOON_COUNT:
            action = PERIOD
        self.action = action
        if action == RAMP:
            wait_ms = self._draw(BACKOFF_RAMP_MS[self._ramp_count])
            self._ramp_count += 1
        elif action == SOON:
            wait_ms = self._draw(self.period_ms >> BACKOFF_SOON_COUNT - self._soon_count)
            self._soon_count += 1
        else:
            self._ramp_count = -1
            wait_ms = self._at_period(action, now_ms)
        return self._wait(wait_ms, now_ms)

    def _at_period(self, action, now_ms):
        if action in (PERIOD, DOUBLE):
            spent_ms = (now_ms - self._begun_ms) & TICKS_MASK_MS
            next_ms = self._around(self.period_ms)
            if action == DOUBLE:
                if self._random_below(2):
                    next_ms += self.period_ms
                self.period_ms = min(self.period_ms * 2, BACKOFF_PERIOD_MS_MAX)
            elif not self._random_below(BACKOFF_EARLY_SHARE):
                next_ms = next_ms * 2 // 3
            if next_ms > spent_ms:
                return next_ms - spent_ms
            return self._random_below(BACKOFF_LINK_MS_MAX)
        if action == SLOW:
            return self._around(BACKOFF_SLOW_MS)
        pause_ms = BACKOFF_PAUSE_MS if action == PAUSE else 0
        return pause_ms + self._draw(self.period_ms)

    def _around(self, period_ms):
        """The period, give or take a twentieth."""
        self.window_ms = period_ms
        return period_ms - period_ms // 20 + self._random_below(period_ms // 10)

    def _draw(self, span_ms):
        self.window_ms = span_ms
        return self._random_below(span_ms)

    def _wait(self, wait_ms, now_ms):
        self._is_due = False
        self._next_ms = (now_ms + wait_ms) & TICKS_MASK_MS
        return wait_ms
