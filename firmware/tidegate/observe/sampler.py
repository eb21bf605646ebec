"""From a sample to a durable observation: check, suppress, append. The rules: SPEC section 2."""

from tidegate.limits import RUN_QUIET_MS, TICKS_HALF_MS, TICKS_MASK_MS
from tidegate.observe.catalogue import KIND, OPAQUE, POLICY, TREND, is_valid
from tidegate.observe.reporter import Reporter
from tidegate.observe.suppress import DUE, PENDING
from tidegate.observe.tally import (
    FULL, FUSED, RECORDED, REFUSED, REPEATED, SETTLING, UNCHANGED, WITHIN_BOUND,
)

# MicroPython looks for the names of what is built in last, and that takes as long as all the rest.
_type, _whole = type, int


class Sampler(Reporter):
    """Takes what the source emits, turn by turn.

    Arguments: catalogue; suppressor; append(log, kind, id, value, at_ms), which gives the seq
    or 0; counters, from `diag.counters`; trail, or None.
    """

    def __init__(self, catalogue, suppressor, append, counters, trail=None):
        super().__init__(catalogue, suppressor, append, counters, trail)
        # Of sources that stamp their values: the last stamp and value of each row.
        self._stamps = self._stamped = None
        self._find = self._places.get
        self._unchanged, self._within_bound = self.tally.unchanged, self.tally.within_bound
        self._quick, self._flat, self._last = suppressor.quick, suppressor.flat, suppressor.last
        self._low, self._high, self._trends = suppressor.low, suppressor.high, suppressor.trends

    def begin_turn(self, now_ms):
        """All samples offered until `end_turn` were taken at `now_ms`."""
        if self._now_ms < 0:
            self._suppressor.begin(now_ms)
            self.fuses.begin(now_ms)
            self._alarm_ms = self._kept_ms = now_ms
        self._now_ms = now_ms
        if (now_ms - self._alarm_ms) & TICKS_MASK_MS < TICKS_HALF_MS:
            self._is_alarm = True
            self._begin_alarm()

    def end_turn(self):
        """The source has given all of this turn: report what has waited long enough."""
        if self._is_alarm:
            self._is_alarm = False
            self.attend()

    def offer(self, observation_id, value, stamp=None):
        """Decide on one sample. Nothing is raised for a wrong one: it is refused and counted.

        Most are decided here. More names, or a deeper call, and the interpreter would take its
        frame from the heap: eleven words are the limit.
        Argument: stamp, the source's own mark of when it was measured, or None.
        """
        index = self._find(observation_id, -1)
        if stamp is not None and self._repeats(index, value, stamp):
            self._count(REPEATED, index, observation_id)
            return
        if value is self._quick[index]:
            self._unchanged[index] += 1
            return
        if value is self._flat[index]:
            self._unchanged[index] += 1
            self._seen_ms[index] = self._now_ms
            return
        # Not isinstance: a boolean is no number.
        if _type(value) is _whole and self._low[index] <= value <= self._high[index]:
            if self._trends[index] is None \
                    or self._trends[index].take_near(value, self._now_ms):
                if value == self._last[index]:
                    self._unchanged[index] += 1
                else:
                    self._within_bound[index] += 1
                return
        self._count(self._examine(index, value), index, observation_id)

    def adopt(self, rows):
        """Other policies, from the next sample on. Argument: rows, of `observe.policy`."""
        suppressor = self._suppressor
        for index in range(suppressor.count):
            if rows[index] != suppressor.rows[index]:
                # A trend takes what it has seen with the bound that held for it.
                self._look_closely(index)
                if rows[index][POLICY] != TREND:
                    self._flush(index)
                suppressor.change(index, rows[index], self._now_ms)
                self._wake_in(0)

    def _count(self, reason, index, observation_id):
        if reason == RECORDED:
            self._counters.passed += 1
        else:
            self.tally.add(reason, index, observation_id, self._now_ms)
            if reason >= FUSED:
                self._wake_in(RUN_QUIET_MS)

    def _examine(self, index, value):
        """What the first look did not decide. Result: RECORDED, or why not."""
        suppressor = self._suppressor
        if index < 0 or not is_valid(suppressor.rows[index], value):
            return REFUSED
        if suppressor.last[index] is None:
            reason = self._report(index, value, self._now_ms, True, False)
        elif suppressor.trends[index] is not None:
            reason = self._follow(index, value)
        else:
            reason = self._compare(index, value)
        self._seen_ms[index] = self._now_ms
        return reason

    def _repeats(self, index, value, stamp):
        """Whether a valid sample has stamp and value of the one before it."""
        if index < 0 or not is_valid(self._suppressor.rows[index], value):
            return False
        if self._stamps is None:
            self._stamps = [None] * self._suppressor.count
            self._stamped = [None] * self._suppressor.count
        if self._stamps[index] == stamp and self._stamped[index] == value:
            return True
        self._stamps[index], self._stamped[index] = stamp, value
        return False

    def _compare(self, index, value):
        """A sample of policy exact or deadband."""
        suppressor = self._suppressor
        row, flags = suppressor.rows[index], suppressor.flags[index]
        differs = suppressor.differs(index, row, value)
        if differs:
            reason = self._report(
                index, value, self._now_ms, suppressor.passes(index, row, value), False)
            if reason == SETTLING or reason == FUSED or reason == FULL and flags & PENDING:
                self._wait(index, bytes(value) if row[KIND] == OPAQUE else value)
            return reason
        if flags & PENDING:
            suppressor.newest[index] = None
            suppressor.flags[index] = flags & ~PENDING
            suppressor.open_window(index)
        if flags & DUE:
            return self._report(index, value, self._now_ms, True, True)
        return UNCHANGED if differs is None else WITHIN_BOUND

    def _follow(self, index, value):
        """A sample of policy trend."""
        suppressor, now_ms = self._suppressor, self._now_ms
        trend = suppressor.trends[index]
        last = suppressor.last[index]
        self._catch_up(index)
        if not trend.fits(value, now_ms):
            reason = self._report(index, trend.held, trend.held_ms, False, False)
            if reason != RECORDED:
                self._wait(index, value)
                return reason
            last = suppressor.last[index]
        elif suppressor.flags[index] & PENDING:
            suppressor.newest[index] = None
            suppressor.flags[index] &= ~PENDING
        trend.take(value, now_ms)
        is_due = suppressor.flags[index] & DUE
        if is_due or trend.away_ms >= 0 and not self._hold_wait_ms(index):
            reason = self._report(index, value, now_ms, False, is_due and trend.away_ms < 0)
            if reason == RECORDED:
                return reason
            self._look_again(index)
            if reason != SETTLING:
                return reason
        self._look_again(index)
        return UNCHANGED if value == last else WITHIN_BOUND

    def _look_again(self, index):
        """After a trend has taken a sample: may the first look decide on the next?"""
        suppressor = self._suppressor
        trend = suppressor.trends[index]
        if trend.away_ms >= 0:
            self._wake_in(self._hold_wait_ms(index))
        suppressor.open_window(index)
