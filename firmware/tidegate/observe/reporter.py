"""Reports: what holds one up, what becomes of it, what waits for its moment. SPEC section 2."""

from tidegate.limits import LOOK_AFTER_MS, TICKS_HALF_MS, TICKS_MASK_MS
from tidegate.observe.catalogue import (
    CONTEXT, ID, KIND, LOG, MAX_HOLD_S, SUPPRESSED_ID,
)
from tidegate.observe.fuse import Fuses
from tidegate.observe.suppress import DUE, PENDING
from tidegate.observe.tally import FULL, FUSED, RECORDED, SETTLING, Tally


class Reporter:
    """Appends what is to be reported, as soon as the rules let it.

    Arguments: as of `sampler.Sampler`.
    """

    def __init__(self, catalogue, suppressor, append, counters, trail=None):
        self._places = catalogue.places
        self._suppressor = suppressor
        self._append = append
        self._counters = counters
        self.fuses = Fuses(suppressor.count)
        counters.tally = self.tally = Tally(suppressor.count, trail, self._warn)
        self._seen_ms = suppressor.seen_ms
        self._now_ms = -1
        self._alarm_ms = self._kept_ms = 0
        self._is_alarm = False

    def attend(self):
        """At the end of a turn: report what has waited long enough."""
        self._alarm_ms = (self._now_ms + LOOK_AFTER_MS) & TICKS_MASK_MS
        for index in range(self._suppressor.count):
            self._attend(index)
        wait_ms = self.tally.step(self._now_ms)
        if wait_ms >= 0:
            self._wake_in(wait_ms)

    def _begin_alarm(self):
        """At the begin of a turn in which something may be due: are heartbeats?"""
        suppressor, now_ms = self._suppressor, self._now_ms
        is_time = (now_ms - self._kept_ms) & TICKS_MASK_MS >= LOOK_AFTER_MS
        if is_time:
            self._kept_ms = now_ms
        for index in range(suppressor.count):
            if is_time:
                suppressor.look_after(index, now_ms)
                self.fuses.look_after(index, now_ms)
            if not suppressor.flags[index] & DUE and not suppressor.beat_wait_ms(index, now_ms):
                suppressor.flags[index] |= DUE
                self._look_closely(index)

    def _report(self, index, value, at_ms, is_passing, is_beat):
        """Append a sample of moment `at_ms` unless a rule holds it up. Result: as `_examine`."""
        suppressor, now_ms = self._suppressor, self._now_ms
        row = suppressor.rows[index]
        if not is_passing and suppressor.settle_wait_ms(index, now_ms):
            return SETTLING
        if self.fuses.wait_ms(index, row, now_ms):
            return FUSED
        observation_id = row[ID]
        if observation_id in CONTEXT:
            self._flush(self._places.get(CONTEXT[observation_id], -1))
        return self._record(index, row, value, at_ms, is_beat)

    def _record(self, index, row, value, at_ms, is_beat):
        suppressor, now_ms = self._suppressor, self._now_ms
        seq = self._append(row[LOG], row[KIND], row[ID], value, at_ms)
        if not seq:
            return FULL
        if row[ID] != SUPPRESSED_ID:
            self.fuses.draw(index, row, now_ms)
        suppressor.recorded(index, seq, value, now_ms, at_ms, is_beat)
        self._counters.recorded += 1
        wait_ms = suppressor.beat_wait_ms(index, now_ms)
        if wait_ms >= 0:
            self._wake_in(wait_ms)
        return RECORDED

    def _let_go(self, index, is_passing):
        """Report what a trend holds; the newest sample, if it had to wait, is held from now on."""
        suppressor = self._suppressor
        trend, newest = suppressor.trends[index], suppressor.newest[index]
        newest_ms = self._seen_ms[index]
        reason = self._report(index, trend.held, trend.held_ms, is_passing, False)
        if reason == RECORDED and newest is not None:
            trend.take(newest, newest_ms)
            self._look_again(index)
        return reason

    def _flush(self, index):
        """Report what a trend holds, and the newest sample, where the receiver lacks them."""
        suppressor = self._suppressor
        trend = suppressor.trends[index] if index >= 0 else None
        for _ in range(2):
            if trend is None or trend.held is None or trend.held == suppressor.last[index] \
                    and not suppressor.flags[index] & PENDING:
                return
            if self._let_go(index, True) != RECORDED:
                return

    def _wait(self, index, value):
        """A report is wanted and must wait: the newest sample is kept for it."""
        suppressor = self._suppressor
        suppressor.newest[index] = value
        suppressor.flags[index] |= PENDING
        self._look_closely(index)
        self._wake_in(self._report_wait_ms(index))

    def _report_wait_ms(self, index):
        suppressor, now_ms = self._suppressor, self._now_ms
        row, newest = suppressor.rows[index], suppressor.newest[index]
        wait_ms = self.fuses.wait_ms(index, row, now_ms)
        if newest is None or suppressor.trends[index] is not None \
                or not suppressor.passes(index, row, newest):
            wait_ms = max(wait_ms, suppressor.settle_wait_ms(index, now_ms))
        return wait_ms

    def _hold_wait_ms(self, index):
        suppressor = self._suppressor
        age_ms = (self._now_ms - suppressor.trends[index].away_ms) & TICKS_MASK_MS
        return max(0, suppressor.rows[index][MAX_HOLD_S] * 1_000 - age_ms)

    def _look_closely(self, index):
        """Leave nothing of a row to the first look."""
        if self._suppressor.trends[index] is not None:
            self._catch_up(index)
        self._suppressor.close_window(index)

    def _catch_up(self, index):
        """What the first look took for unchanged lies on the line: its last sample is held."""
        suppressor, seen_ms = self._suppressor, self._seen_ms[index]
        trend = suppressor.trends[index]
        if suppressor.flat[index] is not suppressor and seen_ms >= 0 \
                and seen_ms != trend.anchor_ms:
            trend.take(suppressor.last[index], seen_ms)

    def _attend(self, index):
        """At the end of a turn: what of this row is due, and when is the next?"""
        suppressor = self._suppressor
        trend = suppressor.trends[index]
        if suppressor.flags[index] & PENDING:
            if trend is not None:
                self._let_go(index, False)
            else:
                newest = suppressor.newest[index]
                self._report(index, newest, self._seen_ms[index],
                             suppressor.passes(index, suppressor.rows[index], newest), False)
        elif trend is not None and trend.away_ms >= 0 and not self._hold_wait_ms(index):
            self._let_go(index, False)
        if suppressor.flags[index] & PENDING:
            self._wake_in(self._report_wait_ms(index))
        elif trend is not None and trend.away_ms >= 0:
            self._wake_in(self._hold_wait_ms(index) or self._report_wait_ms(index))
        if not suppressor.flags[index] & DUE:
            wait_ms = suppressor.beat_wait_ms(index, self._now_ms)
            if wait_ms >= 0:
                self._wake_in(wait_ms)

    def _wake_in(self, wait_ms):
        if not wait_ms:
            self._is_alarm = True
        alarm_ms = (self._now_ms + wait_ms) & TICKS_MASK_MS
        if (self._alarm_ms - alarm_ms) & TICKS_MASK_MS < TICKS_HALF_MS:
            self._alarm_ms = alarm_ms

    def _warn(self, observation_id, count):
        """Report that a fuse held an observation up, and how many samples."""
        index = self._places.get(SUPPRESSED_ID, -1)
        if index >= 0:
            self._record(index, self._suppressor.rows[index], "%d %d" % (observation_id, count),
                         self._now_ms, False)
