"""Report by exception: is a sample worth recording? The rules are SPEC section 2."""

import hashlib

from tidegate.limits import SHORT_TEXT_BYTES_MAX, TICKS_MASK_MS
from tidegate.observe.catalogue import (
    BOUND, EXACT, HEARTBEAT_S, ID, KIND, LOG, NUMBER, POLICY, TEXT, is_valid,
)

RECORD, UNCHANGED, WITHIN_BOUND = 0, 1, 2


class Suppressor:
    """Compares each sample with the last value durably appended for its id.

    The comparator moves only in `recorded`, so a failed append leaves it as it was, and a slow
    drift cannot hide. It is also the port `latest` of the spool, whose checkpoints hold these
    values. Argument: catalogue.
    """

    def __init__(self, catalogue):
        self._catalogue = catalogue
        self.count = count = len(catalogue.rows)
        self._last = [None] * count
        self._seq = [0] * count
        self._recorded_ms = [0] * count
        self._looked_after = 0

    def restore(self, observation_id, seq, value, is_digest):
        """Take a durable value of an earlier boot, or what a checkpoint kept of it.

        Passed are ids no longer in the catalogue, and values that it would refuse today: their
        kind may have changed, and then nothing compares with them.
        """
        index = self._catalogue.index(observation_id)
        if index < 0:
            return
        row = self._catalogue.rows[index]
        if is_digest and row[KIND] != NUMBER:
            self._last[index], self._seq[index] = value, seq
        elif not is_digest and is_valid(row, value):
            self._last[index], self._seq[index] = _comparator(row, value), seq

    def index(self, observation_id):
        """Row number of an id, or -1."""
        return self._catalogue.index(observation_id)

    def log(self, index):
        """The log of row `index`."""
        return self._catalogue.rows[index][LOG]

    def kind(self, index):
        """The kind of row `index`."""
        return self._catalogue.rows[index][KIND]

    def id(self, index):
        """The observation id of row `index`."""
        return self._catalogue.rows[index][ID]

    def seq(self, index):
        """The seq under which its last value is durable, 0 where there is none."""
        return self._seq[index]

    def value(self, index):
        """That value: an integer, a short text, or the SHA-256 of what is longer."""
        return self._last[index]

    def begin(self, now_ms):
        """The first turn of this boot: heartbeats of restored values count from here."""
        for index in range(len(self._recorded_ms)):
            self._recorded_ms[index] = now_ms

    def look_after(self, now_ms):
        """Keep a heartbeat that is due from looking fresh again when the ticks come round.

        One row in each turn; matters where no sample of it comes for days.
        """
        index = self._looked_after
        self._looked_after = index + 1 if index + 1 < len(self._recorded_ms) else 0
        heartbeat_ms = self._catalogue.rows[index][HEARTBEAT_S] * 1_000
        if (now_ms - self._recorded_ms[index]) & TICKS_MASK_MS > heartbeat_ms:
            self._recorded_ms[index] = (now_ms - heartbeat_ms) & TICKS_MASK_MS

    def decide(self, index, value, now_ms):
        """What to do with a valid value of row `index`. Result: RECORD or why not."""
        last = self._last[index]
        if last is None:
            return RECORD
        row = self._catalogue.rows[index]
        if row[KIND] != NUMBER:
            value = _comparator(row, value)
        # A short text and the digest of a long one are of different types, and MicroPython warns.
        is_equal = isinstance(value, str) == isinstance(last, str) and value == last
        if not is_equal:
            if row[POLICY] == EXACT or value - last > row[BOUND] or last - value > row[BOUND]:
                return RECORD
        heartbeat_ms = row[HEARTBEAT_S] * 1_000
        if heartbeat_ms and (now_ms - self._recorded_ms[index]) & TICKS_MASK_MS >= heartbeat_ms:
            return RECORD
        return UNCHANGED if is_equal else WITHIN_BOUND

    def recorded(self, index, seq, value, now_ms):
        """The value was appended durably: it is the comparator from now on."""
        self._last[index] = _comparator(self._catalogue.rows[index], value)
        self._seq[index] = seq
        self._recorded_ms[index] = now_ms


def _comparator(row, value):
    """The value itself; of opaque ones and long texts the SHA-256."""
    if row[KIND] == NUMBER:
        return value
    data = value.encode() if row[KIND] == TEXT else value
    if row[KIND] == TEXT and len(data) <= SHORT_TEXT_BYTES_MAX:
        return value
    return hashlib.sha256(data).digest()
