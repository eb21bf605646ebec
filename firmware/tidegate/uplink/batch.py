"""From a track to one payload: what goes together, and how it is dated."""

from tidegate.clock.anchor import QUALITY_NAMES
from tidegate.limits import BATCH_COUNT_MAX
from tidegate.observe.catalogue import LOG_NAMES


class Batch:
    """Builds batches and says which seqs the last one covers: first..last, both inside.

    A batch never spans two boots, a hole or a confirmed range, nor goes back in time. A hole
    before its first observation is covered by it, and named in it but for what of it is
    confirmed. Where that observation is not to be sent, or the hole is in pieces, the batch
    holds none.
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
        has_next = track.prepare() and track.next()
        gaps = self._take_gaps(cursor) if cursor.hole else []
        if not has_next or len(gaps) > 1:
            if has_next:
                cursor.unread()
            if not gaps:
                return None
            self._codec.begin(self._envelope(track, self.last + 1, cursor.mono_base_ms, gaps, lag))
            return self._codec.finish()
        boot, first_seq = cursor.boot, cursor.seq
        self.first = self.first if gaps else first_seq
        base_ms = cursor.mono_base_ms + cursor.frame.delta_ms
        self._codec.begin(self._envelope(track, first_seq, base_ms, gaps, lag))
        last_ms = 0
        while True:
            delta_ms = cursor.mono_base_ms + cursor.frame.delta_ms - base_ms
            # What was held back is older than what was recorded before it.
            is_other = self.count and (cursor.boot != boot or cursor.hole or delta_ms < last_ms)
            if is_other or not self._codec.add(
                    cursor.seq - first_seq, delta_ms, cursor.frame.observation_id,
                    cursor.frame.value):
                assert self.count, "one observation always fits a payload"
                cursor.unread()
                break
            self.last, last_ms = cursor.seq, delta_ms
            self.count += 1
            if self.count == BATCH_COUNT_MAX or not track.next():
                break
        return self._codec.finish()

    def _take_gaps(self, cursor):
        """The pieces of the hole that nobody has confirmed; first..last becomes the hole."""
        self.first, self.last, reason = cursor.take_hole()
        ranges = cursor.log.ranges
        gaps = []
        seq = ranges.skip(self.first)
        while seq <= self.last:
            end = ranges.end_before(seq)
            last = self.last if end is None else min(self.last, end - 1)
            gaps.append((seq, last, reason))
            seq = ranges.skip(last + 1)
        return gaps

    def _envelope(self, track, seq, base_ms, gaps, lag):
        cursor = track.cursor
        utc_zero_ms, quality = cursor.utc_zero_ms, cursor.quality
        if cursor.boot == self._boot:
            utc_zero_ms, quality = self._anchor.utc_zero_ms, self._anchor.quality
        return {
            "v": 1, "dev": self._device_id, "store": self._store_id,
            "log": LOG_NAMES[track.log_index], "seq": seq, "boot": cursor.boot,
            "mono": base_ms, "utc": None if utc_zero_ms is None else utc_zero_ms + base_ms,
            "q": QUALITY_NAMES[quality], "historical": track.is_backlog, "lag": lag,
            "gaps": gaps,
        }
