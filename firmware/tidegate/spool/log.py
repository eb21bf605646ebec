"""One log: an ordered run of sectors in a ring, appended to at its head. SPEC section 7.4."""

from tidegate.errors import FlashError
from tidegate.limits import (
    CHECKPOINT_DISTANCE_NONE, CONFIRM_NOTE_COUNT, CONFIRM_NOTE_MS, DATA_RESERVE_COUNT,
    DELTA_MS_MAX, ERASE_AHEAD_SHARE, FACT_BYTES_MASK, NOTE_RESERVE_COUNT, NOTE_ROOM_BYTES,
    ONCE_RESERVE_COUNT,
    TICKS_MASK_MS,
)
from tidegate.spool import frame, room
from tidegate.spool.crc import SEQ_MASK, frame_seed
from tidegate.spool.ranges import Ranges
from tidegate.spool.sector import utc_bytes

FRESH_BASE = 255


class Log:
    """Appends observations durably and remembers which of them are confirmed.

    Arguments: geometry, its part of the flash; tools, (FrameWriter, FrameReader, Header, Header):
    its own header and, like the others shared between logs, one to read into; monotonic, the
    time; anchors, of the boots; evicts, whether the oldest sector gives way when the log is full
    (else appends are refused).
    `oldest` and `number` are the first and the newest sector, `offset` the first free byte of
    the newest, `end` where its frames end, `next_seq` the seq of the next observation, `gap` what gave way and is not yet
    confirmed as such, `checkpoint_number` the sector of the newest whole checkpoint or -1.
    """

    def __init__(self, geometry, tools, monotonic, anchors, evicts):
        self.geometry = geometry
        self.block_bytes = geometry.block_bytes
        self.evicts = evicts
        self.ranges = Ranges()
        self.anchors = anchors
        self.gap = None
        self.is_gap_unnoted = False
        self.retired = []
        self.oldest = 0
        self.number = -1
        self.prepared = -1
        self.offset = self.block_bytes
        self.end = 0
        self.next_seq = 1
        self.checkpoint = None
        self.checkpoint_number = -1
        self.evicted_count = 0
        self.lost_count = 0
        self.refused_count = 0
        self.writer, self.reader, self.header, self.scratch = tools
        self.header.log = geometry.log
        self._monotonic = monotonic
        self._pad_mask = 0 if geometry.flash.reprogram else geometry.flash.program_unit_bytes - 1
        self.data_reserve_count = DATA_RESERVE_COUNT
        if not geometry.flash.reprogram:
            self.data_reserve_count += ONCE_RESERVE_COUNT
        self.base_ms = 0
        self.is_awake = False
        self.is_tail_trusted = True
        self._failed_count = 0
        self._is_base_stale = False
        self._cause = 0
        self.seed = 0
        self._neutral = 0
        self._unnoted_count = 0
        self._noted_ms = 0
        self.noted_watermark = 0
        self.burn_from = 0

    def now_ms(self):
        """Agent ticks."""
        return self._monotonic.now_ms

    def padded(self, size):
        """Room that a frame of `size` bytes takes."""
        return (size + self._pad_mask) & ~self._pad_mask

    def next_number(self, number):
        """The number of the sector behind another; those of retired blocks are passed over."""
        number += 1
        while number % self.geometry.block_count in self.retired:
            number += 1
        return number

    def adopt(self, number, offset):
        """Make a sector the one that is appended to, from byte `offset` on."""
        self.number = number
        self.offset = self.end = offset
        self.seed = frame_seed(number, self.header.boot)
        self._neutral = frame_seed(number, 0)

    def start(self, store_id, boot, cause, now_ms):
        """A boot begins; nothing is written before the first `wake` or append."""
        header = self.header
        header.store_id = store_id
        header.set_time(boot, now_ms, self._monotonic.wraps_at(now_ms))
        header.utc, header.quality = utc_bytes(None), 0
        self.base_ms = self._noted_ms = now_ms
        self._cause = cause
        if self.number >= 0:
            end = self.end
            self.adopt(self.number, self.offset)
            self.end = end

    def wake(self, now_ms):
        """Have this boot on flash: behind a tail made safe, or in the header of a new sector."""
        self.is_awake = True
        number, offset = self.number, self.offset
        if number >= 0:
            room.distrust_next(self)
            if self.is_tail_trusted:
                pass
            elif self.geometry.flash.reprogram:
                self._burn()
            else:
                self.offset = self.block_bytes
            self.is_tail_trusted = True
            self._rebase(now_ms, self._cause)
            if self.offset < self.block_bytes:
                self._count_facts(number, offset)

    def anchor(self, utc_zero_ms, quality):
        """Note the UTC of this boot's monotonic moment 0; later sectors carry it as well."""
        self.header.utc, self.header.quality = utc_bytes(utc_zero_ms), quality
        if self.is_awake and self.begin_note(frame.ANCHOR, self._monotonic.now_ms):
            self.writer.put_varint(utc_zero_ms)
            self.writer.put_varint(quality)
            self.end_note()

    def append(self, kind, observation_id, value, now_ms):
        """Make one observation durable. Arguments: kind, a frame type; value as it demands.

        Result: its seq, or 0 where the log has no room and does not evict.
        Errors: FlashError where no block of the log can be programmed any more.
        """
        is_fact = not self.evicts and kind != frame.OPAQUE
        if not self.evicts and (not room.is_open_to_data(self)
                                or is_fact and room.is_full_of_facts(self)):
            self.refused_count += 1
            return 0
        if not self.is_awake:
            self.wake(now_ms)
        number, offset = self.number, self.offset
        if not self._append(kind, observation_id, value, now_ms):
            self.refused_count += 1
            return 0
        if is_fact:
            self._count_facts(number, offset)
        seq = self.next_seq
        self.next_seq = seq + 1
        return seq

    def _count_facts(self, number, offset):
        """What was written since the log stood there is no signed value."""
        start = offset if number == self.number else self.geometry.header_bytes
        header = self.header
        header.fact_bytes = (header.fact_bytes + self.offset - start) & FACT_BYTES_MASK

    def _append(self, kind, observation_id, value, now_ms):
        if self._is_base_stale or (now_ms - self.base_ms) & TICKS_MASK_MS > DELTA_MS_MAX:
            self._rebase(now_ms, FRESH_BASE)
        if kind != frame.NUMBER:
            value = value.encode() if kind == frame.TEXT else value
            if len(value) + frame.PART_OVERHEAD_BYTES > self.writer.frame_bytes_max:
                return self._append_parts(kind, observation_id, value, now_ms)
        writer = self.writer
        while True:
            writer.begin(self.offset)
            while not self._build(kind, observation_id, value, now_ms):
                if not self._begin_sector(now_ms, self.data_reserve_count):
                    return False
            writer.finish(self.seed ^ self.next_seq & SEQ_MASK)
            if self.program():
                return True

    def _build(self, kind, observation_id, value, now_ms):
        """Build a frame behind what the writer holds. Result: whether it fits the sector."""
        writer = self.writer
        delta_ms = (now_ms - self.base_ms) & TICKS_MASK_MS
        if kind == frame.NUMBER:
            writer.number(delta_ms, observation_id, value)
        else:
            writer.data(kind, delta_ms, observation_id, value)
        end = self.offset + writer.end - writer.start + writer.frame_bytes()
        return end <= self.block_bytes - NOTE_ROOM_BYTES

    def _append_parts(self, kind, observation_id, data, now_ms):
        """A value larger than a frame. What was written of one that is refused stays unread."""
        writer, header = self.writer, self.header
        if self.checkpoint is not None:
            self.checkpoint.step(now_ms)
        if not room.has_for(self, len(data)):
            return False
        offset = 0
        while offset < len(data):
            left = self.block_bytes - NOTE_ROOM_BYTES - self.offset
            left = min(left, writer.frame_bytes_max) & ~self._pad_mask
            count = min(left - frame.PART_OVERHEAD_BYTES, len(data) - offset)
            if count > 0:
                writer.begin(self.offset)
                stamp = ((now_ms - self.base_ms) & TICKS_MASK_MS, observation_id)
                writer.part(offset, (kind, data), stamp, count)
                writer.finish(self.seed ^ self.next_seq & SEQ_MASK)
                if self.program():
                    offset += count
                    continue
            header.continues = offset > 0
            is_open = self.open_sector(now_ms, self.data_reserve_count)
            header.continues = False
            if not is_open:
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
        if self._unnoted_count:
            has_ranges = not is_urgent and self.ranges.ranges
            size = self.writer.frame_bytes_max if has_ranges else NOTE_ROOM_BYTES
            if self.begin_note(frame.CONFIRMED, self._monotonic.now_ms, size, is_urgent):
                is_whole = self.put_confirmed(size)
                if self.end_note():
                    self._unnoted_count = 0 if is_whole else 1
                    self.noted_watermark = self.ranges.watermark
                    self._noted_ms = self._monotonic.now_ms
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
            self._is_base_stale = True
        if self.block_bytes - self.offset < self.block_bytes // ERASE_AHEAD_SHARE:
            room.prepare(self, self.data_reserve_count)
        if self.is_gap_unnoted and self.gap is not None:
            self.is_gap_unnoted = not room.note_gap(self, False)
        if (now_ms - self._noted_ms) & TICKS_MASK_MS >= CONFIRM_NOTE_MS:
            self._noted_ms = now_ms
            self.note_confirmed()
        if self.checkpoint is not None:
            self.checkpoint.step(now_ms)

    def begin_note(self, kind, now_ms, size=NOTE_ROOM_BYTES, is_urgent=False):
        """Begin a note of at most `size` bytes at the head, in a new sector where it might not fit.

        An urgent one takes the room kept for it, but opens no sector.
        Result: False where there is no room for it.
        """
        if not self.is_awake:
            self.wake(now_ms)
        if self.offset + size > self.block_bytes - (0 if is_urgent else NOTE_ROOM_BYTES):
            if is_urgent or not self.open_sector(now_ms, NOTE_RESERVE_COUNT):
                return False
        self.writer.begin(self.offset)
        self.writer.begin_note(kind)
        return True

    def end_note(self):
        """Write the note that was begun. Result: whether it is on flash."""
        self.writer.end_note()
        self.writer.finish(self.seed ^ self.next_seq & SEQ_MASK)
        return self.program()

    def open_sector(self, now_ms, reserve_count):
        """Open the next sector with nothing but its header. Result: whether there was room."""
        while self._begin_sector(now_ms, reserve_count):
            if self.program():
                return True
        return False

    def _begin_sector(self, now_ms, reserve_count):
        """Lay the header of the next sector ready, for the next `program` to open it."""
        # Not inside a value, of which start-up would then read the second half only.
        if (self.checkpoint is not None and not self.header.continues
                and self.checkpoint.is_last_moment()):
            self.checkpoint.step(now_ms)
        if not room.prepare(self, reserve_count):
            return False
        header = self.header
        header.set_time(header.boot, now_ms, self._monotonic.wraps_at(now_ms))
        self.begin_prepared(self.next_seq)
        self.base_ms = now_ms
        self._is_base_stale = False
        return True

    def begin_prepared(self, first_seq):
        """Begin the program that opens the prepared sector; its header's time is set."""
        header = self.header
        header.number = self.prepared
        header.first_seq = first_seq
        header.previous_end = self.end
        header.checkpoint_distance = CHECKPOINT_DISTANCE_NONE
        if self.checkpoint_number >= 0:
            header.checkpoint_distance = min(
                CHECKPOINT_DISTANCE_NONE, self.prepared - self.checkpoint_number)
        self.adopt(self.prepared, 0)
        self.writer.begin_sector(header)

    def _rebase(self, now_ms, cause):
        """Write a boot frame, from which on frames count their time from now."""
        header, writer = self.header, self.writer
        wrap_count = self._monotonic.wraps_at(now_ms)
        writer.begin(self.offset)
        for _ in range(2):
            writer.boot(header.boot, now_ms, wrap_count, cause)
            writer.finish(self._neutral ^ self.next_seq & SEQ_MASK)
        size = writer.end - writer.start
        if self.number < 0 or self.offset + size + NOTE_ROOM_BYTES > self.block_bytes:
            self.offset = self.block_bytes
        elif self.program():
            header.set_time(header.boot, now_ms, wrap_count)
            self.base_ms = now_ms
            self._is_base_stale = False

    def _burn(self):
        """Make sure that nothing behind the tail ever reads as a frame.

        Zeros that stand there already may be what a cut left of an earlier burn: once more.
        """
        end = min(self.offset + self.writer.frame_bytes_max, self.block_bytes)
        self.offset = self.burn_from
        while self.offset < end:
            self.writer.begin(self.offset)
            self.writer.zeros(min(self.writer.frame_bytes_max, end - self.offset))
            self.program()

    def program(self):
        """Put on flash what the writer holds. Result: False where the block failed.

        It is retired then, and the next program goes to another sector.
        """
        writer = self.writer
        self.prepared = -1 if self.prepared == self.number else self.prepared
        self.reader.forget()
        at = self.geometry.offset(self.number) + self.offset - writer.start
        try:
            self.geometry.flash.program(at, writer.view())
        except FlashError:
            self._failed_count += 1
            if self._failed_count > self.geometry.block_count:
                raise
            self.offset = self.block_bytes
            room.retire(self, self.number)
            return False
        self._failed_count = 0
        self.offset += writer.end - writer.start
        self.end = self.offset
        return True

