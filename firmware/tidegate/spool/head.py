"""The head of a log: where it is written, how it goes on to the next sector. SPEC section 7."""

from tidegate.errors import FlashError
from tidegate.limits import (
    CHECKPOINT_DISTANCE_NONE, DATA_RESERVE_COUNT, FACT_BYTES_MASK, NOTE_RESERVE_COUNT,
    NOTE_ROOM_BYTES, ONCE_RESERVE_COUNT,
)
from tidegate.spool import room
from tidegate.spool.crc import frame_seed, seq_seed


class Head:
    """What a `Log` knows of its sectors, and the programs that it makes.

    Arguments: geometry, its part of the flash; tools, (FrameWriter, FrameReader, Header, Header):
    its own header and, like the others shared between logs, one to read into; monotonic, the
    time; evicts, whether the oldest sector gives way when the log is full.
    `oldest` and `number` are the first and the newest sector, `prepared` the one whose block is
    erased, or -1; `offset` is the first free byte of the newest, `end` where its frames end;
    `next_seq` is the seq of the next observation, `checkpoint_number` the sector of the newest
    whole checkpoint or -1; `header` is that of the next sector to be opened.
    """

    def __init__(self, geometry, tools, monotonic, evicts):
        self.geometry = geometry
        self.block_bytes = geometry.block_bytes
        self.data_end = geometry.block_bytes - NOTE_ROOM_BYTES
        self.evicts = evicts
        self.writer, self.reader, self.header, self.scratch = tools
        self.header.log = geometry.log
        self.monotonic = monotonic
        self.retired = []
        self.oldest = 0
        self.number = self.prepared = -1
        self.offset = self.block_bytes
        self.end = 0
        self.next_seq = 1
        self.checkpoint = None
        self.checkpoint_number = -1
        self.pad_mask = 0 if geometry.flash.reprogram else geometry.flash.program_unit_bytes - 1
        self.data_reserve_count = DATA_RESERVE_COUNT
        if not geometry.flash.reprogram:
            self.data_reserve_count += ONCE_RESERVE_COUNT
        self.base_ms = 0
        self.cause = 0
        self.is_awake = False
        self.is_tail_trusted = True
        self.burn_from = 0
        self.seed = self.neutral = 0
        self._flash = geometry.flash
        self._start = 0
        self._failed_count = 0

    def now_ms(self):
        """Agent ticks."""
        return self.monotonic.now_ms

    def padded(self, size):
        """Room that a frame of `size` bytes takes."""
        return (size + self.pad_mask) & ~self.pad_mask

    def next_number(self, number, count=1):
        """The number of the sector `count` behind another; retired blocks are passed over."""
        for _ in range(count):
            number += 1
            while number % self.geometry.block_count in self.retired:
                number += 1
        return number

    def adopt(self, number, offset):
        """Make a sector the one that is appended to, from byte `offset` on."""
        self.number = number
        self.offset = self.end = offset
        self._start = self.geometry.offset(number)
        self.take_seeds()

    def take_seeds(self):
        """Where the CRCs of frames start, in the newest sector and the header's boot."""
        self.seed = frame_seed(self.number, self.header.boot)
        self.neutral = frame_seed(self.number, 0)

    def wake(self, now_ms):
        """Have this boot on flash: behind a tail made safe, or in the header of a new sector."""
        self.is_awake = True
        number, offset = self.number, self.offset
        if number < 0:
            room.clear_second(self)
        else:
            if self.is_tail_trusted:
                pass
            elif self.geometry.flash.reprogram:
                self._burn()
            else:
                self.offset = self.block_bytes
            retired_count = len(self.retired)
            room.distrust_next(self)
            self.is_tail_trusted = True
            self.rebase(now_ms, self.cause)
            if len(self.retired) > retired_count:
                room.note_retired(self)
            if self.offset < self.block_bytes:
                self.count_facts(number, offset)

    def begin_note(self, kind, now_ms, size=NOTE_ROOM_BYTES, is_urgent=False):
        """Begin a note of at most `size` bytes, in a new sector where it might not fit.

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
        self.writer.finish(self.seed ^ seq_seed(self.next_seq))
        return self.program()

    def open_sector(self, now_ms, reserve_count):
        """Open the next sector with nothing but its header. Result: whether there was room."""
        while self.begin_sector(now_ms, reserve_count):
            if self.program():
                return True
        return False

    def begin_sector(self, now_ms, reserve_count):
        """Lay the header of the next sector ready, for the next `program` to open it."""
        # Not inside a value, of which start-up would then read the second half only.
        if not self.header.continues and self.checkpoint.is_last_moment():
            self.checkpoint.step(now_ms)
        if not room.prepare(self, reserve_count):
            return False
        header = self.header
        header.set_time(header.boot, now_ms, self.monotonic.wraps_at(now_ms))
        self.begin_prepared(self.next_seq)
        self.base_ms = now_ms
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

    def rebase(self, now_ms, cause):
        """Write a boot frame, from which on frames count their time from now."""
        header, writer = self.header, self.writer
        wrap_count = self.monotonic.wraps_at(now_ms)
        writer.begin(self.offset)
        for _ in range(2):
            writer.boot(header.boot, now_ms, wrap_count, cause)
            writer.finish(self.neutral ^ seq_seed(self.next_seq))
        size = writer.end - writer.start
        if self.number < 0 or self.offset + size + NOTE_ROOM_BYTES > self.block_bytes:
            self.offset = self.block_bytes
        elif self.program():
            header.set_time(header.boot, now_ms, wrap_count)
            self.base_ms = now_ms

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
        if self.prepared == self.number:
            self.prepared = -1
        self.reader.forget()
        try:
            self._flash.program(self._start + self.offset - writer.start, writer.view())
        except FlashError:
            if self._failed_count >= self.geometry.block_count:
                raise
            self._fail()
            return False
        self._failed_count = 0
        self.offset += writer.end - writer.start
        self.end = self.offset
        return True

    def _fail(self):
        """The block that was to be programmed is not used any more."""
        self._failed_count += 1
        self.offset = self.block_bytes
        if self.end == 0:
            # It was to be opened: what is opened next follows the sector before it.
            self.end = self.header.previous_end
        room.retire(self, self.number)

    def count_facts(self, number, offset):
        """What was written since the log stood there is no signed value."""
        start = offset if number == self.number else self.geometry.header_bytes
        header = self.header
        header.fact_bytes = (header.fact_bytes + self.offset - start) & FACT_BYTES_MASK
