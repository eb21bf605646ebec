"""From a track to one payload: what goes together, and how it is dated."""

from tidegate.clock.anchor import ESTIMATED, QUALITY_NAMES
from tidegate.limits import BATCH_COUNT_MAX, GAPS_PER_BATCH_MAX, TICKS_PERIOD_MS
from tidegate.observe.catalogue import LOG_NAMES

EVICTED, LOST, CUT = "evicted", "lost", "cut"


class Batch:
    """Builds batches and says which seqs the last one covers: first..last, both inside.

    A batch never spans two boots, two ties to UTC, a hole or a confirmed range, nor goes back in
    time. A hole before its first observation is covered by it, and named in it but for what of it
    is confirmed. Where that observation is not to be sent, or the hole is in pieces, the batch
    holds none. A value that does not fit a payload leaves in parts, each in a batch of its own;
    `part_seq` is its seq, else 0, and first..last then covers what was passed over before it.
    With its last part `count` is 1.
    Arguments: codec; identity, (device id, store id as hex, boot of this start); anchor, of this
    boot; cut_seqs, for each log the seq of an append that power cut before this start, or 0.
    """

    def __init__(self, codec, identity, anchor, cut_seqs=(0, 0)):
        self._cut_seqs = cut_seqs
        self._codec = codec
        # Fewer where memory is short.
        self.count_max = BATCH_COUNT_MAX
        self._device_id, self._store_id, self._boot = identity
        self._anchor = anchor
        # One dict for all batches, so that a batch leaves little for the collector.
        self._members = {"v": 1, "dev": self._device_id, "store": self._store_id}
        self.first = self.last = self.count = self.part_seq = 0
        self._latest_seq = self._latest_ms = self._latest_delta_ms = 0

    def build(self, track, lag):
        """Argument: lag, the member of that name. Result: a view of the payload, or None."""
        cursor = track.cursor
        self.last = self.count = self.part_seq = 0
        has_next = track.prepare() and track.next()
        gaps = self._take_gaps(track) if cursor.hole else ()
        if not has_next or len(gaps) > 1:
            if has_next:
                cursor.unread()
            if not gaps:
                return None
            self._codec.begin(self._envelope(track, self.last + 1, cursor.mono_base_ms, gaps, lag))
            return self._codec.finish()
        boot, first_seq, utc_zero_ms = cursor.boot, cursor.seq, cursor.utc_zero_ms
        self.first = self.first if gaps else first_seq
        base_ms = cursor.mono_base_ms + cursor.frame.delta_ms
        self._codec.begin(self._envelope(track, first_seq, base_ms, gaps, lag))
        last_ms = 0
        while True:
            delta_ms = cursor.mono_base_ms + cursor.frame.delta_ms - base_ms
            # What was held back is older than what was recorded before it.
            is_other = self.count and (cursor.boot != boot or cursor.hole or delta_ms < last_ms
                                       or cursor.utc_zero_ms != utc_zero_ms)
            if is_other or not self._codec.add(
                    cursor.seq - first_seq, delta_ms, cursor.frame.observation_id,
                    cursor.frame.value):
                if not self.count:
                    self._add_part(track)
                else:
                    cursor.unread()
                break
            self.last, last_ms = cursor.seq, delta_ms
            self.count += 1
            if self.count >= self.count_max or not track.next():
                break
        return self._codec.finish()

    def begin_latest(self, snapshot, lag):
        """Begin a payload of latest values, dated from the one the snapshot's cursor stands on."""
        cursor = snapshot.cursor
        self._latest_seq = cursor.seq
        self._latest_ms = cursor.mono_base_ms + cursor.frame.delta_ms
        self._latest_delta_ms = 0
        members = self._envelope(snapshot, self._latest_seq, self._latest_ms, (), lag)
        members["snapshot"] = True
        self._codec.begin(members)
        del members["snapshot"]

    def add_latest(self, cursor):
        """Add the value the cursor stands on. Result: False where it does not fit, or is older
        than the one before it."""
        delta_ms = cursor.mono_base_ms + cursor.frame.delta_ms - self._latest_ms
        if delta_ms < self._latest_delta_ms:
            return False
        self._latest_delta_ms = delta_ms
        return self._codec.add(
            cursor.seq - self._latest_seq, delta_ms, cursor.frame.observation_id,
            cursor.frame.value)

    def finish_latest(self):
        """Result: a view of the payload, which covers no seq."""
        self.first, self.last, self.count, self.part_seq = 1, 0, 0, 0
        return self._codec.finish()

    def _add_part(self, track):
        """The next part of a value that is larger than a payload."""
        cursor = track.cursor
        self.part_seq, self.last = cursor.seq, cursor.seq - 1
        offset = track.part_offset if track.part_seq == cursor.seq else 0
        value = cursor.frame.value
        size = self._codec.add_part(cursor.frame.observation_id, value, offset)
        assert size > 0, "a part always fits a payload"
        if offset + size < len(value):
            track.part_seq, track.part_offset = cursor.seq, offset + size
            cursor.unread()
        else:
            track.part_seq = track.part_offset = 0
            self.count = 1

    def _take_gaps(self, track):
        """The pieces of the hole that nobody has confirmed; first..last becomes the hole."""
        cursor = track.cursor
        self.first, self.last, reason = cursor.take_hole()
        ranges, gap = cursor.log.ranges, cursor.log.gap
        span = (None, None)
        if reason == EVICTED and gap is not None:
            span = (self._moment(cursor.log, gap.begin), self._moment(cursor.log, gap.end))
        gaps = []
        seq = ranges.skip(self.first)
        while seq <= self.last and len(gaps) < GAPS_PER_BATCH_MAX:
            end = ranges.end_before(seq)
            last = self.last if end is None else min(self.last, end - 1)
            if reason == LOST and last == self._cut_seqs[track.log_index]:
                # Never accepted: the end of what was lost, if anything was.
                if seq < last:
                    gaps.append((seq, last - 1, LOST, last - seq) + span)
                gaps.append((last, last, CUT, 1) + span)
            else:
                gaps.append((seq, last, reason, last - seq + 1) + span)
            seq = ranges.skip(last + 1)
        if seq <= self.last:
            # The rest of the pieces goes with the next batch.
            cursor.hole = (seq, self.last, reason)
            self.last = seq - 1
        return gaps

    def _moment(self, log, begin):
        """(boot, monotonic ms, UTC in ms or None) of a sector that began at `begin`."""
        boot, base_ms, wrap_count = begin
        mono_ms = wrap_count * TICKS_PERIOD_MS + base_ms
        utc_zero_ms = self._best(log, boot)[0]
        return boot, mono_ms, None if utc_zero_ms is None else utc_zero_ms + mono_ms

    def _best(self, log, boot):
        """(UTC of a boot's moment 0 or None, quality) as it is known best now."""
        if boot == self._boot:
            return self._anchor.utc_zero_ms, self._anchor.quality
        return log.anchors.get(boot)

    def _date(self, cursor, base_ms):
        """Put in by what tie the observation is dated on which the cursor stands.

        It is the one that was in force when that was written, unless a better one is known now:
        a clock that moves later re-dates nothing.
        """
        members, boot, anchors = self._members, cursor.boot, cursor.log.anchors
        utc_zero_ms, quality = cursor.utc_zero_ms, cursor.quality
        members.pop("late_ms", None)
        if boot == self._boot:
            if self._anchor.quality > quality:
                utc_zero_ms, quality = self._anchor.utc_zero_ms, self._anchor.quality
        elif anchors.get(boot)[1] > quality:
            utc_zero_ms, quality = anchors.get(boot)
        elif not quality:
            floor_ms, late_ms = anchors.bounds(boot)
            if late_ms is not None:
                utc_zero_ms, quality = floor_ms, ESTIMATED
                members["late_ms"] = late_ms
        members["utc"] = None if utc_zero_ms is None else utc_zero_ms + base_ms
        members["q"] = QUALITY_NAMES[quality]

    def _envelope(self, track, seq, base_ms, gaps, lag):
        members, cursor = self._members, track.cursor
        members["log"] = LOG_NAMES[track.log_index]
        members["seq"] = seq
        members["boot"] = cursor.boot
        members["mono"] = base_ms
        self._date(cursor, base_ms)
        members["historical"] = track.is_backlog
        members["lag"] = lag
        members["gaps"] = gaps
        return members
