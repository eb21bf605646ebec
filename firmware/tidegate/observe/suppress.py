"""Report by exception: what each sample is compared with. The rules are SPEC section 2."""

import hashlib

from tidegate.limits import (
    HEARTBEAT_S_MAX, PHASE_COUNT, SHORT_TEXT_BYTES_MAX, TICKS_HALF_MS, TICKS_MASK_MS,
)
from tidegate.observe.catalogue import (
    BOUND, DEADBAND, EXACT, HEARTBEAT_S, ID, KIND, LOG, MAX, MIN, NUMBER, POLICY, SETTLE_S, TEXT,
    ZERO_BAND, bound_of, is_valid,
)
from tidegate.observe.swings import Swings
from tidegate.observe.trend import trend_of

# Flags of a row: it reported in this boot, not long ago; its last report was zero; its heartbeat
# is due; its last report was one; its newest sample waits to be reported.
REPORTED, ZERO, DUE, BEAT, PENDING = 1, 2, 4, 8, 16


class Suppressor:
    """The comparators: for each row the last value durably appended, and what follows from it.

    They move only in `recorded`, so a failed append leaves them as they were, and a slow drift
    cannot hide. It is also the port `latest` of the spool, whose checkpoints hold these values.

    For the first look at a sample there are lists, one longer than the rows, for ids that are not
    among them: one that is the very object in `quick` or `flat` is unchanged, an integer in
    `low`..`high` is within its bound, if it also fits the trend; where more is to be thought of,
    they hold this object, and the window is empty. `flat` is of trends that have stood still:
    `seen_ms` is then the moment of the last sample, -1 before it.
    Arguments: catalogue; phase, of this device, 0..PHASE_COUNT - 1.
    """

    def __init__(self, catalogue, phase=0):
        self.catalogue = catalogue
        self._phase = phase
        self.rows = list(catalogue.rows)
        self.count = count = len(self.rows)
        self.low = [1] * (count + 1)
        self.high = [0] * (count + 1)
        self.last = [None] * count
        self._swings = Swings(self.low, self.high)
        self._seq = [0] * count
        self._reported_ms = [0] * count
        self.seen_ms = [0] * count
        self.quick = [self] * (count + 1)
        self.flat = [self] * (count + 1)
        self.newest = [None] * count
        self.trends = [trend_of(row) for row in self.rows]
        self.flags = bytearray(count)

    def restore(self, observation_id, seq, value, is_digest):
        """Take a durable value of an earlier boot, or what a checkpoint kept of it.

        Passed are ids no longer in the catalogue, and values that it would refuse today: their
        kind may have changed, and then nothing compares with them.
        """
        index = self.catalogue.index(observation_id)
        if index < 0:
            return
        row = self.rows[index]
        if is_digest and row[KIND] != NUMBER:
            self.last[index], self._seq[index] = value, seq
        elif not is_digest and is_valid(row, value):
            self.last[index], self._seq[index] = comparator(row, value), seq

    def index(self, observation_id):
        """Row number of an id, or -1."""
        return self.catalogue.index(observation_id)

    def log(self, index):
        """The log of row `index`."""
        return self.rows[index][LOG]

    def kind(self, index):
        """The kind of row `index`."""
        return self.catalogue.rows[index][KIND]

    def id(self, index):
        """The observation id of row `index`."""
        return self.rows[index][ID]

    def seq(self, index):
        """The seq under which its last value is durable, 0 where there is none."""
        return self._seq[index]

    def value(self, index):
        """That value: an integer, a short text, or the SHA-256 of what is longer."""
        return self.last[index]

    def begin(self, now_ms):
        """The first turn of this boot: heartbeats of restored values count from here."""
        for index in range(self.count):
            self._begin_row(index, now_ms)

    def _begin_row(self, index, now_ms):
        """Only the last report is known of a row: a line from it has no time to begin at."""
        self.seen_ms[index] = -1
        self.newest[index] = None
        self.flags[index] = 0
        if self.trends[index] is not None and self.last[index] is not None:
            self.trends[index].restart(self.last[index], -1)
        self._count_anew(index, now_ms)

    def _count_anew(self, index, now_ms):
        """Nothing settles, and the heartbeat counts from now."""
        self._reported_ms[index] = now_ms
        self.flags[index] &= PENDING
        last, band = self.last[index], self.rows[index][ZERO_BAND]
        if isinstance(last, int):
            self._swings.restart(index, last)
            if -band <= last <= band:
                self.flags[index] |= ZERO
        self.open_window(index)

    def change(self, index, row, now_ms):
        """Row `index` gets another policy, from its next sample on. No heartbeat becomes due."""
        is_other = row[POLICY] != self.rows[index][POLICY]
        self.rows[index] = row
        if is_other:
            self.trends[index] = trend_of(row)
            self._begin_row(index, now_ms)
            return
        if self.trends[index] is not None:
            self.trends[index].set_bound(row[BOUND])
        self._count_anew(index, now_ms)

    def look_after(self, index, now_ms):
        """Keep what is long past from looking fresh again when the ticks come round.

        Matters where no sample of a row comes for days.
        """
        if (now_ms - self._reported_ms[index]) & TICKS_MASK_MS > HEARTBEAT_S_MAX * 1_000:
            self._reported_ms[index] = (now_ms - HEARTBEAT_S_MAX * 1_000) & TICKS_MASK_MS
            self.flags[index] &= ~REPORTED
        trend = self.trends[index]
        if trend is not None and trend.anchor_ms >= 0:
            if (now_ms - trend.anchor_ms) & TICKS_MASK_MS > TICKS_HALF_MS:
                trend.restart(trend.anchor, -1)

    def differs(self, index, row, value):
        """Whether a valid value of a row without a trend is beyond what its last report stands
        for. None where it equals it."""
        last = self.last[index]
        if row[KIND] != NUMBER:
            value = comparator(row, value)
            # A short text and a digest are of different types, and MicroPython warns.
            return None if isinstance(value, str) == isinstance(last, str) and value == last \
                else True
        if value == last:
            return None
        if row[POLICY] == EXACT:
            return True
        self._set_window(index, row)
        is_within = self.low[index] <= value <= self.high[index]
        self._swings.extend(index, value)
        if is_within and not self._is_zero(index, row):
            is_within = not self._swings.is_wanted(index, bound_of(row, last), value)
        if self.flags[index] & (DUE | PENDING):
            self.close_window(index)
        else:
            self._narrow_window(index, row)
        return not is_within

    def _is_zero(self, index, row):
        """Whether the zero band says what the last report stands for."""
        return row[ZERO_BAND] and self.flags[index] & ZERO

    def passes(self, index, row, value):
        """Whether a report of this value waits for no settle time: states, zero and signs."""
        if not row[SETTLE_S] or self.last[index] is None:
            return True
        band = row[ZERO_BAND]
        if not band:
            return False
        was_zero = self.flags[index] & ZERO
        is_zero = -band <= value <= band
        return is_zero != bool(was_zero) or not is_zero and (value < 0) != (self.last[index] < 0)

    def settle_wait_ms(self, index, now_ms):
        """Ms until a report of this row may follow the last one."""
        if not self.flags[index] & REPORTED:
            return 0
        age_ms = (now_ms - self._reported_ms[index]) & TICKS_MASK_MS
        return max(0, self.rows[index][SETTLE_S] * 1_000 - age_ms)

    def beat_wait_ms(self, index, now_ms):
        """Ms until the heartbeat is due, -1 for never.

        It comes early, by the device's share of half the time, unless it follows another.
        """
        heartbeat_s = self.rows[index][HEARTBEAT_S]
        if not heartbeat_s and self.trends[index] is not None:
            heartbeat_s = HEARTBEAT_S_MAX
        if not heartbeat_s or self.last[index] is None:
            return -1
        wait_ms = heartbeat_s * 1_000
        if not self.flags[index] & BEAT:
            wait_ms -= wait_ms // (2 * PHASE_COUNT) * self._phase
        return max(0, wait_ms - ((now_ms - self._reported_ms[index]) & TICKS_MASK_MS))

    def recorded(self, index, seq, value, now_ms, at_ms=None, is_beat=False):
        """The value was appended durably: it is the comparator from now on.

        Arguments: at_ms, the moment of its sample where that is past; is_beat, whether only the
        heartbeat wanted it.
        """
        row = self.rows[index]
        flags = REPORTED | (BEAT if is_beat else 0)
        if isinstance(value, int):
            band = row[ZERO_BAND]
            was_zero = self.flags[index] & ZERO
            if -band <= value <= band or was_zero and _is_about_zero(value, band):
                flags |= ZERO
            if row[POLICY] == DEADBAND:
                last = self.last[index]
                if isinstance(last, int):
                    self._swings.report(index, last, bound_of(row, last), value)
                else:
                    self._swings.restart(index, value)
        self.last[index] = comparator(row, value)
        self._seq[index] = seq
        self._reported_ms[index] = now_ms
        self.flags[index] = flags
        self.newest[index] = None
        if self.trends[index] is not None:
            self.seen_ms[index] = now_ms if at_ms is None else at_ms
            self.trends[index].restart(value, self.seen_ms[index])
        self.open_window(index)

    def open_window(self, index):
        """Let the first look decide on samples of a row, as far as it can."""
        row, last, trend = self.rows[index], self.last[index], self.trends[index]
        self.close_window(index)
        if self.flags[index] & (DUE | PENDING) or last is None or isinstance(last, bytes):
            return
        if trend is None:
            self.quick[index] = last
        elif trend.is_flat:
            self.flat[index] = last
            return
        if row[POLICY] != EXACT and isinstance(last, int):
            self._set_window(index, row)
            if trend is None:
                self._narrow_window(index, row)

    def close_window(self, index):
        """Have every sample of a row looked at closely."""
        self.quick[index] = self.flat[index] = self
        self.low[index], self.high[index] = 1, 0

    def _set_window(self, index, row):
        """The lowest and the highest value that the last report stands for, of a trend alone."""
        last, band = self.last[index], row[ZERO_BAND]
        if band and self.flags[index] & ZERO:
            high = band + (band >> 2)
            low = -high
        else:
            bound = bound_of(row, last)
            low, high = last - bound, last + bound
            if band and last > 0:
                low = max(low, band + 1)
            elif band:
                high = min(high, -band - 1)
        self.low[index] = max(low, row[MIN])
        self.high[index] = min(high, row[MAX])

    def _narrow_window(self, index, row):
        bound = -1 if self._is_zero(index, row) else bound_of(row, self.last[index])
        self._swings.narrow(index, self.last[index], bound)


def _is_about_zero(value, band):
    reach = band + (band >> 2)
    return band > 0 and -reach <= value <= reach


def comparator(row, value):
    """The value itself; of opaque ones and long texts the SHA-256."""
    if row[KIND] == NUMBER:
        return value
    data = value.encode() if row[KIND] == TEXT else value
    if row[KIND] == TEXT and len(data) <= SHORT_TEXT_BYTES_MAX:
        return value
    return hashlib.sha256(data).digest()
