"""One log: an ordered run of sectors in a ring, appended to at its head. SPEC section 7."""

from tidegate.limits import (
    BLOCK_BYTES, CONFIRM_NOTE_COUNT, CONFIRM_NOTE_MS, SECTOR_AGE_MS_MAX, TICKS_MASK_MS,
)
from tidegate.spool import frame, sector
from tidegate.spool.ranges import Ranges

# Kept free at the end of each sector for notes, so that what frees a full log can be written.
NOTE_ROOM_BYTES = 48


class Log:
    """Appends observations durably and remembers which of them are confirmed.

    Arguments: geometry, its part of the flash; writer, a FrameWriter; monotonic, the time;
    evicts, whether the oldest sector gives way when the log is full (else appends are refused).
    `oldest` and `number` are the first and the newest sector, `offset` the first free byte of
    the newest, `next_seq` the seq of the next observation.
    """

    def __init__(self, geometry, writer, monotonic, evicts):
        self.geometry = geometry
        self.evicts = evicts
        self.ranges = Ranges()
        self.oldest = 0
        self.number = -1
        self.offset = BLOCK_BYTES
        self.next_seq = 1
        self.evicted_count = 0
        self.discarded_count = 0
        self.refused_count = 0
        self._writer = writer
        self._monotonic = monotonic
        self._header = sector.Header()
        self._header.log = geometry.log
        self._base_ms = 0
        self._seed = 0
        self._next_is_blank = False
        self._unnoted_count = 0
        self._noted_ms = 0

    def start(self, store_id, boot, cause, now_ms):
        """Begin a boot: from here on frames count their time from now.

        Goes on in the newest sector when there is room, else opens one.
        """
        header = self._header
        header.store_id = store_id
        header.boot = boot
        header.utc_zero_ms, header.quality = None, 0
        self._noted_ms = now_ms
        if self.number >= 0 and self._note(
                frame.BOOT, (boot, self._monotonic.total_ms(now_ms), cause), NOTE_ROOM_BYTES):
            self._base_ms = now_ms
        else:
            self._open_next(now_ms)

    def anchor(self, utc_zero_ms, quality):
        """Note the UTC of this boot's monotonic moment 0; later sectors carry it as well."""
        self._header.utc_zero_ms, self._header.quality = utc_zero_ms, quality
        self._note(frame.ANCHOR, (utc_zero_ms, quality), 0)

    def append(self, kind, observation_id, value, now_ms):
        """Make one observation durable. Arguments: kind, a frame type; value as it demands.

        Result: its seq, or 0 where the log is full and does not evict.
        """
        delta_ms = (now_ms - self._base_ms) & TICKS_MASK_MS
        if delta_ms <= SECTOR_AGE_MS_MAX:
            count = self._build(kind, delta_ms, observation_id, value)
        if delta_ms > SECTOR_AGE_MS_MAX or not self._fits(count, NOTE_ROOM_BYTES):
            if not self._open_next(now_ms):
                self.refused_count += 1
                return 0
            count = self._build(kind, 0, observation_id, value)
        seq = self.next_seq
        self._program(count)
        self.next_seq = seq + 1
        return seq

    def confirm(self, first, last):
        """The receiver has `first`..`last`. Result: how many of them were news.

        Noted on flash every CONFIRM_NOTE_COUNT observations, in `idle`, and by `note_confirmed`.
        """
        news_count = self.ranges.add(first, min(last, self.next_seq - 1))
        self._unnoted_count += news_count
        if self._unnoted_count >= CONFIRM_NOTE_COUNT:
            self.note_confirmed()
        return news_count

    def note_confirmed(self):
        """Write the confirmed ranges to flash, unless nothing changed."""
        if self._unnoted_count and self._note(frame.CONFIRMED, self._confirmed_numbers(), 0):
            self._unnoted_count = 0
            self._noted_ms = self._monotonic.now_ms

    def idle(self, now_ms):
        """Work that can wait: erase ahead of need, note what is confirmed."""
        self._prepare_next()
        if (now_ms - self._noted_ms) & TICKS_MASK_MS >= CONFIRM_NOTE_MS:
            self._noted_ms = now_ms
            self.note_confirmed()

    def _build(self, kind, delta_ms, observation_id, value):
        if kind == frame.NUMBER:
            return self._writer.number(delta_ms, observation_id, value)
        return self._writer.data(kind, delta_ms, observation_id, value)

    def _fits(self, count, kept_bytes):
        unit = self.geometry.flash.program_unit_bytes
        room = BLOCK_BYTES - kept_bytes - self.offset
        return frame.padded_bytes(count, unit) <= room

    def _program(self, count):
        view = self._writer.finish(count, self._seed ^ (self.next_seq & 0xFFFFFF))
        self.geometry.flash.program(self.geometry.offset(self.number) + self.offset, view)
        self.offset += len(view)

    def _note(self, kind, numbers, kept_bytes):
        if self.offset >= BLOCK_BYTES:
            return False
        count = self._writer.control(kind, numbers)
        if not self._fits(count, kept_bytes):
            return False
        self._program(count)
        return True

    def _confirmed_numbers(self):
        """Watermark, then for each range its distance from what went before and its size."""
        numbers = [self.ranges.watermark]
        end = self.ranges.watermark
        for first, last in self.ranges.ranges:
            numbers += (first - end, last - first + 1)
            end = last
        return numbers

    def _open_next(self, now_ms):
        """Open the next sector. Result: False where the log is full and does not evict."""
        if not self._prepare_next():
            return False
        header = self._header
        header.number = self.number + 1
        header.first_seq = self.next_seq
        header.mono_ms = self._monotonic.total_ms(now_ms)
        self.geometry.write_header(header)
        self._base_ms = now_ms
        self.adopt(header.number, self.geometry.header_bytes)
        self._note(frame.CONFIRMED, self._confirmed_numbers(), 0)
        self._unnoted_count = 0
        return True

    def adopt(self, number, offset):
        """Make a sector the one that is appended to, from byte `offset` on."""
        self.number = number
        self.offset = offset
        self._seed = frame.sector_seed(number)
        self._next_is_blank = False

    def _prepare_next(self):
        """Have the block after the newest erased. Result: False where it cannot give way."""
        if self._next_is_blank:
            return True
        number = self.number + 1
        victim = number - self.geometry.block_count
        if victim >= self.oldest:
            if not self._give_way(victim):
                return False
            self.oldest = victim + 1
        if not self.geometry.is_blank(number):
            self.geometry.flash.erase(self.geometry.block(number))
        self._next_is_blank = True
        return True

    def _give_way(self, victim):
        header = sector.Header()
        geometry = self.geometry
        if not geometry.read_header(victim % geometry.block_count, header):
            return True
        first = header.first_seq
        if not geometry.read_header((victim + 1) % geometry.block_count, header):
            header.first_seq = first
        last = header.first_seq - 1
        unconfirmed_count = self.ranges.missing_count(first, last)
        if unconfirmed_count and not self.evicts:
            return False
        self.evicted_count += unconfirmed_count
        self.discarded_count += last - first + 1 - unconfirmed_count
        return True
