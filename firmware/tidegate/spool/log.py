"""One log: an ordered run of sectors in a ring, appended to at its head. SPEC section 7.4."""

from tidegate.limits import (
    CONFIRM_NOTE_COUNT, CONFIRM_NOTE_MS, DELTA_MS_MAX, ERASE_AHEAD_SHARE, NOTE_ROOM_BYTES,
    TICKS_MASK_MS,
)
from tidegate.spool import frame, room
from tidegate.spool.crc import seq_seed
from tidegate.spool.head import Head
from tidegate.spool.ranges import Ranges
from tidegate.spool.sector import utc_bytes

FRESH_BASE = 255


class Log(Head):
    """Appends observations durably and remembers which of them are confirmed.

    Arguments: geometry, tools, monotonic, evicts, see `Head`; anchors, of the boots.
    `gap` is what gave way and is not yet confirmed as such, or None.
    """

    def __init__(self, geometry, tools, monotonic, anchors, evicts):
        super().__init__(geometry, tools, monotonic, evicts)
        self.ranges = Ranges()
        self.anchors = anchors
        self.gap = None
        self.is_gap_unnoted = False
        self.evicted_count = 0
        self.lost_count = 0
        self.refused_count = 0
        self.noted_watermark = 0
        self._unnoted_count = 0
        self._noted_ms = 0

    def start(self, store_id, boot, cause, now_ms):
        """A boot begins; nothing is written before the first `wake` or append."""
        header = self.header
        header.store_id = store_id
        header.set_time(boot, now_ms, self.monotonic.wraps_at(now_ms))
        header.utc, header.quality = utc_bytes(None), 0
        self.base_ms = self._noted_ms = now_ms
        self.cause = cause
        if self.number >= 0:
            self.take_seeds()

    def anchor(self, utc_zero_ms, quality):
        """Note the UTC of this boot's monotonic moment 0; later sectors carry it as well."""
        self.header.utc, self.header.quality = utc_bytes(utc_zero_ms), quality
        while self.is_awake and self.begin_note(frame.ANCHOR, self.monotonic.now_ms):
            self.writer.put_varint(utc_zero_ms)
            self.writer.put_varint(quality)
            if self.end_note():
                break

    def append(self, kind, observation_id, value, now_ms):
        """Make one observation durable. Arguments: kind, a frame type; value as it demands.

        Result: its seq, or 0 where the log has no room and does not evict.
        Errors: FlashError where no block of the log can be programmed any more.
        """
        if not self.evicts:
            return self._append_record(kind, observation_id, value, now_ms)
        if not self.is_awake:
            self.wake(now_ms)
        return self._append(kind, observation_id, value, now_ms)

    def _append_record(self, kind, observation_id, value, now_ms):
        is_fact = kind != frame.OPAQUE
        if not room.is_open_to_data(self) or is_fact and room.is_full_of_facts(self):
            return self._refuse()
        if not self.is_awake:
            self.wake(now_ms)
        number, offset = self.number, self.offset
        seq = self._append(kind, observation_id, value, now_ms)
        if seq and is_fact:
            self.count_facts(number, offset)
        return seq

    def _append(self, kind, observation_id, value, now_ms):
        """Result: as of `append`. On the way of a number, no call may need more than eleven words
        for its frame: MicroPython takes longer ones from the heap."""
        if (now_ms - self.base_ms) & TICKS_MASK_MS > DELTA_MS_MAX:
            self.rebase(now_ms, FRESH_BASE)
        if kind != frame.NUMBER:
            value = value.encode() if kind == frame.TEXT else value
            if len(value) + frame.PART_OVERHEAD_BYTES > self.writer.frame_bytes_max:
                if not self._append_parts(kind, observation_id, value, now_ms):
                    return self._refuse()
                self.next_seq += 1
                return self.next_seq - 1
        while True:
            self.writer.begin(self.offset)
            while (self.writer.number((now_ms - self.base_ms) & TICKS_MASK_MS, observation_id,
                                      value) if kind == frame.NUMBER
                   else self._data(kind, observation_id, value, now_ms)) > self.data_end:
                if not self.begin_sector(now_ms, self.data_reserve_count):
                    return self._refuse()
            self.writer.finish(self.seed ^ seq_seed(self.next_seq))
            if self.program():
                self.next_seq += 1
                return self.next_seq - 1

    def _data(self, kind, observation_id, value, now_ms):
        delta_ms = (now_ms - self.base_ms) & TICKS_MASK_MS
        return self.writer.data(kind, delta_ms, observation_id, value)

    def _refuse(self):
        self.refused_count += 1
        return 0

    def _append_parts(self, kind, observation_id, data, now_ms):
        """A value larger than a frame. One that is refused half-way takes its seq with it."""
        writer, header = self.writer, self.header
        self.checkpoint.step(now_ms)
        if not room.has_for(self, len(data)):
            return False
        offset = 0
        while offset < len(data):
            left = self.data_end - self.offset
            left = min(left, writer.frame_bytes_max) & ~self.pad_mask
            overhead = frame.LATER_OVERHEAD_BYTES if offset else frame.PART_OVERHEAD_BYTES
            count = min(left - overhead, len(data) - offset)
            if count > 0:
                writer.begin(self.offset)
                stamp = ((now_ms - self.base_ms) & TICKS_MASK_MS, observation_id)
                writer.part(offset, (kind, data), stamp, count)
                writer.finish(self.seed ^ seq_seed(self.next_seq))
                if self.program():
                    offset += count
                    continue
            header.continues = offset > 0
            is_open = self.open_sector(now_ms, self.data_reserve_count)
            header.continues = False
            if not is_open:
                self.next_seq += 1 if offset else 0
                return False
        return True

    def confirm(self, first, last):
        """The receiver has `first`..`last`. Result: how many of them were news.

        Noted on flash every CONFIRM_NOTE_COUNT observations, in `idle`, and by `note_confirmed`.
        """
        news_count = self.ranges.add(first, min(last, self.next_seq - 1))
        self._unnoted_count += news_count
        if self.gap is not None and self.gap.last <= self.ranges.watermark:
            self.gap = None
        if self._unnoted_count >= CONFIRM_NOTE_COUNT:
            self.note_confirmed()
        return news_count

    def note_confirmed(self, is_urgent=False):
        """Write the confirmed ranges to flash. Result: whether the watermark stands there.

        With `is_urgent` no sector is opened for it, and it may leave ranges out.
        """
        has_ranges = not is_urgent and self.ranges.ranges
        size = self.writer.frame_bytes_max if has_ranges else NOTE_ROOM_BYTES
        # Again in another sector, where the block failed.
        while self._unnoted_count and self.begin_note(
                frame.CONFIRMED, self.monotonic.now_ms, size, is_urgent):
            is_whole = self.put_confirmed(size)
            if self.end_note():
                self._unnoted_count = 0 if is_whole else 1
                self.noted_watermark = self.ranges.watermark
                self._noted_ms = self.monotonic.now_ms
                break
        return self.noted_watermark == self.ranges.watermark

    def put_confirmed(self, size=0):
        """Write watermark and ranges into the note that was begun, as far as it has room.

        Argument: size, of the note where it is less than a frame. Result: whether all fitted.
        """
        writer = self.writer
        kept_bytes = 10 + (writer.frame_bytes_max - size if size else 0)
        writer.put_varint(self.ranges.watermark)
        end = self.ranges.watermark
        for first, last in self.ranges.ranges:
            if writer.room_bytes() < kept_bytes:
                return False
            writer.put_varint(first - end)
            writer.put_varint(last - first + 1)
            end = last
        return True

    def put_gap(self):
        """Write the gap into the note that was begun."""
        gap = self.gap
        numbers = (gap.first, gap.last, gap.count, self.evicted_count, self.ranges.watermark)
        for value in numbers + gap.begin + gap.end:
            self.writer.put_varint(value)

    def put_retired(self):
        """Write the retired blocks into the note that was begun."""
        for block in self.retired:
            self.writer.put_varint(block)

    def put_anchors(self):
        """Write the anchors of the boots into the note that was begun."""
        self.anchors.put_in(self.writer)

    def idle(self, now_ms):
        """Work that can wait: erase ahead of need, note what is confirmed, write a checkpoint."""
        if not self.is_awake or self.number < 0:
            return
        if (now_ms - self.base_ms) & TICKS_MASK_MS > DELTA_MS_MAX:
            self.rebase(now_ms, FRESH_BASE)
        if self.block_bytes - self.offset < self.block_bytes // ERASE_AHEAD_SHARE:
            room.prepare(self, self.data_reserve_count)
        if self.is_gap_unnoted and self.gap is not None:
            self.is_gap_unnoted = not room.note_gap(self, False)
        if (now_ms - self._noted_ms) & TICKS_MASK_MS >= CONFIRM_NOTE_MS:
            self._noted_ms = now_ms
            self.note_confirmed()
        self.checkpoint.step(now_ms)
