"""From a track to one payload: what goes together, and how it is dated."""

from tidegate.clock.anchor import QUALITY_NAMES
from tidegate.limits import BATCH_COUNT_MAX
from tidegate.observe.catalogue import LOG_NAMES


class Batch:
    """Builds batches and says which seqs the last one covers: first..last, both inside.

    A batch never spans two boots, a hole or a confirmed range. A hole before its first
    observation is covered by it and named in it; where that observation is not to be sent, the
    batch holds none.
    Arguments: codec; identity, (device id, store id as hex, boot of this start); anchor, of this
    boot.
    """

    def __init__(self, codec, identity, anchor):
        self._codec = codec
        self._device_id, self._store_id, self._boot = identity
        self._anchor = anchor
        self.first = self.last = self.count = 0

    def build(self, track, lag):
        """Argument: lag, the member of that name. Result: a view of the payload, or None."""
        cursor = track.cursor
        self.last = self.count = 0
        if not track.prepare() or not track.next():
            if cursor.hole is None:
                return None
            self._codec.begin(self._envelope(track, cursor.hole[1] + 1, cursor.mono_base_ms, lag))
            return self._codec.finish()
        boot, first_seq = cursor.boot, cursor.seq
        base_ms = cursor.mono_base_ms + cursor.frame.delta_ms
        self._codec.begin(self._envelope(track, first_seq, base_ms, lag))
        while True:
            is_other = self.count and (cursor.boot != boot or cursor.hole)
            if is_other or not self._codec.add(
                    cursor.seq - first_seq, cursor.mono_base_ms + cursor.frame.delta_ms - base_ms,
                    cursor.frame.observation_id, cursor.frame.value):
                assert self.count, "one observation always fits a payload"
                cursor.unread()
                break
            self.last = cursor.seq
            self.count += 1
            if self.count == BATCH_COUNT_MAX or not track.next():
                break
        return self._codec.finish()

    def _envelope(self, track, seq, base_ms, lag):
        cursor = track.cursor
        hole = cursor.take_hole()
        self.first = seq
        if hole:
            self.first, self.last = hole[0], hole[1]
        utc_zero_ms, quality = cursor.utc_zero_ms, cursor.quality
        if cursor.boot == self._boot:
            utc_zero_ms, quality = self._anchor.utc_zero_ms, self._anchor.quality
        return {
            "v": 1, "dev": self._device_id, "store": self._store_id,
            "log": LOG_NAMES[track.log_index], "seq": seq, "boot": cursor.boot,
            "mono": base_ms, "utc": None if utc_zero_ms is None else utc_zero_ms + base_ms,
            "q": QUALITY_NAMES[quality], "historical": track.is_backlog, "lag": lag,
            "gaps": [hole] if hole else [],
        }
