"""Report by exception: is a sample worth recording? The rules are SPEC section 2."""

import hashlib

from tidegate.limits import TICKS_MASK_MS
from tidegate.observe.catalogue import (
    BOUND, EXACT, HEARTBEAT_S, KIND, OPAQUE, POLICY, is_valid,
)

RECORD, UNCHANGED, WITHIN_BOUND = 0, 1, 2


class Suppressor:
    """Compares each sample with the last value durably appended for its id.

    The comparator moves only in `recorded`, so a failed append leaves it as it was, and a slow
    drift cannot hide. Argument: catalogue.
    """

    def __init__(self, catalogue):
        self._catalogue = catalogue
        count = len(catalogue.rows)
        self._last = [None] * count
        self._recorded_ms = [0] * count
        self._looked_after = 0

    def restore(self, observation_id, value):
        """Take a durable value of an earlier boot.

        Passed are ids no longer in the catalogue, and values that it would refuse today: their
        kind may have changed, and then nothing compares with them.
        """
        index = self._catalogue.index(observation_id)
        if index >= 0 and is_valid(self._catalogue.rows[index], value):
            self._last[index] = self._comparator(index, value)

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
        if row[KIND] == OPAQUE:
            value = self._comparator(index, value)
        is_equal = value == last
        if not is_equal:
            if row[POLICY] == EXACT or value - last > row[BOUND] or last - value > row[BOUND]:
                return RECORD
        heartbeat_ms = row[HEARTBEAT_S] * 1_000
        if heartbeat_ms and (now_ms - self._recorded_ms[index]) & TICKS_MASK_MS >= heartbeat_ms:
            return RECORD
        return UNCHANGED if is_equal else WITHIN_BOUND

    def recorded(self, index, value, now_ms):
        """The value was appended durably: it is the comparator from now on."""
        self._last[index] = self._comparator(index, value)
        self._recorded_ms[index] = now_ms

    def _comparator(self, index, value):
        """The value itself; of opaque ones, which are large, the SHA-256."""
        if self._catalogue.rows[index][KIND] == OPAQUE:
            return hashlib.sha256(value).digest()
        return value
