"""What is known of a spool from outside it: accepted, confirmed, given way. Plain Python.

States are copied at each call and then left alone, so that each flash operation of a run can
refer to the state in which it happened.
"""

import hashlib

TELEMETRY, RECORDS = 0, 1
LOGS = (TELEMETRY, RECORDS)
SEQ_END = 1 << 30
SHORT_TEXT_BYTES_MAX = 32
NOTE_DUE_COUNT = 64
NOTHING_GONE = (0, 0, 0, 0, 0)
NO, MAYBE, YES = 0, 1, 2


class LogState:
    """One log.

    `held` are the observations that were accepted or shown, {seq: (boot, mono, id, value)}, of
    seqs up to `base` in a dict that other states share, above that in `extra`; `last` is the
    highest of them. `pending` are (seq, fields) of an append under way, and of earlier ones that
    were cut: until the log has taken another, their slot may come to read as whole. `confirmed`
    are the intervals that the receiver has, `known` those that the log last showed, of which
    `unnoted` observations need not be on flash yet. `first` is the first seq that has not given
    way; `gone` (least count, most, first, last held, last) what gave way unconfirmed: seqs under
    which nothing was accepted, or that were damaged, may count or not; `settled` whether the
    receiver has been told of that: YES or NO, or MAYBE where such seqs are the last. `damaged`
    are seqs whose frame was damaged: these may be missing.
    `is_full` says that the log refused the last append: starts where a unit takes one program, or
    a block that was retired, may then have used up the room for notes.
    """

    def __init__(self):
        self.held = {}
        self.base = SEQ_END
        self.extra = {}
        self.last = 0
        self.next_seq = 1
        self.pending = ()
        self.confirmed = ()
        self.known = ()
        self.unnoted = 0
        self.first = 1
        self.gone = NOTHING_GONE
        self.settled = NO
        self.damaged = ()
        self.is_full = False

    def copy(self):
        """Another state, equal to this one."""
        other = LogState()
        other.held, other.base, other.extra = self.held, self.base, self.extra
        other.last, other.next_seq, other.pending = self.last, self.next_seq, self.pending
        other.confirmed, other.known, other.unnoted = self.confirmed, self.known, self.unnoted
        other.first, other.gone, other.settled = self.first, self.gone, self.settled
        other.damaged, other.is_full = self.damaged, self.is_full
        return other

    def branch(self):
        """A copy that may hold other observations from here on."""
        other = self.copy()
        other.base = min(self.base, self.last)
        other.extra = {seq: self.extra[seq] for seq in self.extra if seq <= self.last}
        return other

    def get(self, seq):
        """What was accepted under a seq, or None."""
        if seq > self.last:
            return None
        return self.held.get(seq) if seq <= self.base else self.extra.get(seq)

    def must_hold(self, seq):
        """Whether an observation was accepted under a seq and may not be missing."""
        return self.get(seq) is not None and seq not in self.damaged

    def accept(self, seq, fields):
        """An observation was accepted, or one under way was shown."""
        assert seq > self.last
        (self.held if self.base == SEQ_END else self.extra)[seq] = fields
        self.last = seq
        # Of a log that seemed empty, one under way may be shown after all.
        self.first = min(self.first, seq)

    def confirm(self, first, last):
        """The receiver has these."""
        self.confirmed = joined(self.confirmed, first, min(last, self.next_seq - 1))

    def give_way(self, first, shown=()):
        """All below `first` are no longer held. What of it was not confirmed joins `gone`; of
        what the log shows as confirmed only now, it may count or not."""
        low = high = begin = held = end = 0
        for seq in range(self.first, first):
            if covers(self.known, seq, seq):
                continue
            high += 1
            begin, end = begin or seq, seq
            if self.must_hold(seq) and not covers(shown, seq, seq):
                low, held = low + 1, seq
        self.first = max(self.first, first)
        if high:
            before = self.gone
            if self.settled == YES or not before[1]:
                self.gone = (low, high, begin, held, end)
            else:
                if self.settled == NO:
                    low, begin = before[0] + low, before[2]
                self.gone = (low, before[1] + high, begin, held or before[3], end)
            self.settled = NO


class State:
    """Both logs, the boot last started, the store id (None before that), {boot: (utc, quality)}
    of the anchors noted, the one under way, and {id: (log, seq, comparator)} of the last
    values."""

    def __init__(self):
        self.logs = (LogState(), LogState())
        self.boot = 0
        self.store_id = None
        self.anchors = {}
        self.pending_anchor = None
        self.latest = {}

    def copy(self):
        """Another state, equal to this one."""
        other = State()
        other.logs = (self.logs[0].copy(), self.logs[1].copy())
        other.boot, other.store_id = self.boot, self.store_id
        other.anchors, other.pending_anchor = self.anchors, self.pending_anchor
        other.latest = self.latest
        return other

    def branch(self):
        """A copy that may go another way from here on."""
        other = self.copy()
        other.logs = (self.logs[0].branch(), self.logs[1].branch())
        return other

    def accept(self, log, seq, fields):
        """An observation was accepted, or one under way was shown."""
        self.logs[log].accept(seq, fields)
        self.latest = dict(self.latest)
        self.latest[fields[2]] = (log, seq, comparator(fields[3]))


class Latest:
    """The spool's port to the last value of each id. Argument: ids, [(id, log)]."""

    def __init__(self, ids):
        self._ids = ids
        self._at = {ids[index][0]: index for index in range(len(ids))}
        self.count = len(ids)
        self._seqs = [0] * self.count
        self._values = [0] * self.count

    def restore(self, observation_id, seq, value, is_digest):
        """A value of an earlier boot; later ones override earlier ones."""
        index = self._at[observation_id]
        self._seqs[index] = seq
        self._values[index] = bytes(value) if is_digest else comparator(value)

    def note(self, observation_id, seq, value):
        """An append has succeeded."""
        self.restore(observation_id, seq, value, False)

    def id(self, index):
        """The id of a row."""
        return self._ids[index][0]

    def log(self, index):
        """The log of a row's observations."""
        return self._ids[index][1]

    def seq(self, index):
        """The seq of its last value; 0: there is none."""
        return self._seqs[index]

    def value(self, index):
        """Its last value, or the SHA-256 of that."""
        return self._values[index]

    def all(self):
        """{id: (log, seq, comparator)}, as a State has it."""
        return {
            self._ids[index][0]: (self._ids[index][1], self._seqs[index], self._values[index])
            for index in range(self.count)
            if self._seqs[index]
        }


def comparator(value):
    """What is kept of a last value: itself, or its SHA-256 where it is opaque or long."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        data = value.encode()
        return value if len(data) <= SHORT_TEXT_BYTES_MAX else hashlib.sha256(data).digest()
    return hashlib.sha256(value).digest()


def joined(intervals, first, last):
    """Ascending intervals, both ends inside, and one more; those that touch become one."""
    if first > last:
        return intervals
    result = []
    for low, high in intervals:
        if high + 1 < first or low > last + 1:
            result.append((low, high))
        else:
            first, last = min(first, low), max(last, high)
    result.append((first, last))
    result.sort()
    return tuple(result)


def covers(intervals, first, last):
    """Whether one of the intervals holds all of `first`..`last`."""
    for low, high in intervals:
        if low <= first and last <= high:
            return True
    return False


def shown(ranges):
    """The intervals that a log shows as confirmed."""
    prefix = ((1, ranges.watermark),) if ranges.watermark else ()
    return prefix + tuple((low, high) for low, high in ranges.ranges)
