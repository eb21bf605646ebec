"""Reading a log in order of seq. Reading never changes anything. SPEC section 7.5."""

from tidegate.limits import RESYNC_SEQ_COUNT, SEQ_MAX
from tidegate.spool import frame
from tidegate.spool.crc import frame_seed, seq_seed
from tidegate.spool.parts import Parts
from tidegate.spool.reader import BURNT, NOTHING
from tidegate.spool.sector import Header

END, OTHER, OBSERVATION, PASSED = 0, 1, 2, 3
LOST, EVICTED = "lost", "evicted"


class Cursor:
    """A place in a log, and the context of what stands there.

    After `next` gave True: `seq` is the observation's, `frame` holds its fields, `boot`,
    `mono_base_ms` (to which frame.delta_ms is added), `utc_zero_ms` and `quality` its time.
    `hole` is (first, last, reason) of seqs that lay before it and cannot be had, or None; it
    stays until `take_hole`. `number` and `offset` are the place. Of the frame read last in this
    sector, `before` is the offset, 0 where there was none, `size` the bytes, `note` which note it
    was or 0, `is_observation` whether it completed one, `is_part` with its last part;
    `program_from` is the offset of the frame before it, where they touch; `opaque_bytes` is what
    opaque values took of the sector so far; `is_damaged` says whether bytes that are no frame
    stand at the end of what was read.
    Arguments: log, the Log; reader, a FrameReader, which other cursors may share.
    """

    def __init__(self, log, reader):
        self.log = log
        self.frame = reader
        self.hole = None
        self.seq = 0
        self.next_seq = 1
        self._floor = 1
        self._copied = 0
        self.number = -1
        self.offset = 0
        self.before = 0
        self.program_from = 0
        self.boot = 0
        self.mono_base_ms = 0
        self.utc_zero_ms = None
        self.quality = 0
        self.size = 0
        self.note = 0
        self.opaque_bytes = 0
        self.is_damaged = False
        self.is_observation = self.is_part = False
        self.header = Header(log.geometry.flash)
        self._parts = Parts(reader)
        self._end = 0
        self._limit = self._part_limit = SEQ_MAX
        self._seed = 0
        self._neutral = 0

    def seek(self, seq):
        """Stand before the observation `seq`, or the first held one above it."""
        self.hole = None
        self.next_seq = self._floor = seq
        self.enter(self.log.geometry.find(seq, self.log.oldest, self.log.number))
        while self.next_seq < seq and self.step(False) != END:
            pass

    def next(self):
        """Go to the next observation. Result: False at the head of the log."""
        while True:
            found = self.step(True)
            if found == OBSERVATION:
                return True
            if found == END:
                return False

    def unread(self):
        """Stand before the observation that `next` gave: it will come again."""
        if self.is_part:
            hole = self.hole
            self.seek(self.seq)
            self.hole = hole
        else:
            self.offset = self.before
            self.next_seq = self._floor = self.seq

    def take_hole(self):
        """The hole before the present observation, or None; only once."""
        hole = self.hole
        self.hole = None
        return hole

    def enter(self, number):
        """Stand at the first frame of a sector, or of the next one that can be read."""
        log = self.log
        header = self.header
        wanted = number
        while not log.geometry.read_header(number, header):
            number += 1
            if number > log.number:
                self.number, self.offset = log.number, log.offset
                return
        seq = header.first_seq - (1 if header.has_copy else 0)
        if not ((header.continues or header.has_copy) and self._parts.is_inside(seq)):
            self._parts.begin_inside(seq if header.continues else 0)
            gap, last = log.gap, seq if header.continues else seq - 1
            is_evicted = number == wanted == log.oldest
            if gap is not None and gap.last >= last:
                # Where the gap reaches it, what a sector repeats gave way with the one before.
                is_evicted, last = True, max(last, min(gap.last, header.first_begun() - 1))
            self._lose(self.next_seq, last, EVICTED if is_evicted else LOST)
        self.next_seq = seq
        self._copied = seq if header.has_copy else 0
        self.number = number
        self.offset = log.geometry.header_bytes
        self.before = self.program_from = self.opaque_bytes = self.size = self.note = 0
        self.is_observation = False
        self.boot = header.boot
        self.mono_base_ms = header.mono_base_ms()
        self._date(header.utc_zero_ms(), header.quality)
        self._bound()
        self._seed = frame_seed(number, self.boot)
        self._neutral = frame_seed(number, 0)

    def _bound(self):
        """Where the frames of the sector end: that is told by the one opened behind it."""
        log, following = self.log, self.number + 1
        self._end = log.block_bytes
        self._limit = self._part_limit = SEQ_MAX
        while following <= log.number:
            if log.geometry.read_header(following, log.scratch):
                self._end = log.scratch.previous_end
                return
            # A block that was retired before it was opened left no sector.
            if following % log.geometry.block_count not in log.retired:
                self._limit = log.geometry.first_begun(following, log.number, True)
                self._part_limit = log.geometry.first_begun(following, log.number)
                return
            following += 1

    def step(self, values):
        """Go to the next frame of any kind.

        Result: OBSERVATION, OTHER, END, or PASSED where something was passed over instead.
        """
        log = self.log
        while True:
            if self.number < log.oldest:
                self.enter(log.oldest)
            if self.number == log.number and self.offset >= log.offset:
                return END
            size = self._read(self.offset, self.next_seq)
            if size > 0:
                return self._take_frame(size, values)
            if size == BURNT:
                start = log.geometry.offset(self.number)
                zero_count = self.frame.zeros(start + self.offset, start + self._end)
                # A flipped bit can make a frame look burnt; the next one is at a unit again.
                self.offset = log.padded(self.offset + zero_count)
                self.program_from = self.before
            elif size < 0 and self._resync():
                return PASSED
            else:
                self.is_damaged = size < 0
                if self.number >= log.number:
                    return END
                self.enter(self.number + 1)
                return PASSED

    def _take_frame(self, size, values):
        """The reader has a whole frame. Result: as of `step`."""
        kind = self.frame.kind
        bytes_taken = self.log.padded(size)
        self.program_from, self.before = self.before or self.offset, self.offset
        self.size = size
        self.is_observation = False
        self.note = self.frame.note if kind == frame.NOTE else 0
        self.offset += bytes_taken
        if kind == frame.OPAQUE or kind == frame.PART:
            self.opaque_bytes += bytes_taken
        if kind == frame.NOTE:
            self._take_note()
        elif kind == frame.BOOT:
            self._take_boot()
        elif self.next_seq >= (self._part_limit if kind == frame.PART else self._limit):
            # Void: it was written again in a later sector. What stands behind it counts, and so
            # do the parts of a value of which only the last was repeated.
            self.next_seq += 0 if kind == frame.PART else 1
            return PASSED
        elif self._take(values):
            return OBSERVATION
        elif kind == frame.PART:
            return PASSED
        return OTHER

    def _read(self, offset, seq):
        start = self.log.geometry.offset(self.number)
        return self.frame.read(start + offset, start + self._end,
                               self._seed ^ seq_seed(seq), self._neutral ^ seq_seed(seq))

    def _resync(self):
        """Find the next whole frame of a sector with damage. Result: whether there is one."""
        log = self.log
        erased_bytes = 0
        step = log.padded(1)
        for offset in range(self.offset, self._end, step):
            for passed in range(RESYNC_SEQ_COUNT):
                seq = self.next_seq + passed
                size = self._read(offset, seq)
                # Right behind a whole frame one seq is often passed over: a value given up.
                is_likely = offset == self.offset and passed < 2
                if size > 0 and (is_likely or self._goes_on(offset + log.padded(size), seq)):
                    if passed:
                        self._lose(self.next_seq, seq - 1, LOST)
                        self._parts.begin_inside(0)
                        self._copied = 0
                    self.offset, self.next_seq = offset, seq
                    return True
                if size == NOTHING or size == BURNT:
                    break
            erased_bytes = erased_bytes + step if size == NOTHING else 0
            if erased_bytes > self.frame.frame_bytes_max:
                return False
        return False

    def _goes_on(self, offset, seq):
        """Whether what follows a frame just read is right, so that it is no chance find."""
        kind = self.frame.kind
        if kind == frame.BOOT:
            return True
        if offset >= self._end:
            return True
        for follower in (seq, seq + 1):
            size = self._read(offset, follower)
            if size > 0 or size == NOTHING or size == BURNT:
                return True
        return False

    def _take(self, values):
        """An observation or a part. Result: whether one is complete and was not told before."""
        copied, self._copied = self._copied, 0
        is_whole = True
        self.is_part = self.frame.kind == frame.PART
        if self.is_part:
            is_whole = self._parts.take(self.next_seq, self.mono_base_ms, values)
        else:
            self._parts.begin_inside(0)
            if values:
                self.frame.read_value()
        if not is_whole and not copied:
            return False
        self.is_observation = True
        self.seq = self.next_seq
        self.next_seq += 1
        if not is_whole:
            self._lose(self.seq, self.seq, LOST)
        if not is_whole or copied and copied < self._floor:
            return False
        self._floor = max(self._floor, self.next_seq)
        return True

    def head_seq(self):
        """The seq of the next observation, where reading has ended."""
        return self.next_seq + 1 if self._copied else self.next_seq

    def is_inside_value(self):
        """Whether reading has ended behind the first parts of a value."""
        return self._parts.is_inside(self.next_seq)

    def _take_note(self):
        if self.frame.note == frame.ANCHOR:
            self._date(self.frame.varint(), self.frame.varint())

    def _take_boot(self):
        header, reader = self.header, self.frame
        header.set_time(reader.varint(), reader.varint(), reader.varint())
        if header.boot != self.boot:
            self.boot = header.boot
            self._parts.begin_inside(0)
            self._date(None, 0)
            self._seed = frame_seed(self.number, self.boot)
        self.mono_base_ms = header.mono_base_ms()

    def _date(self, utc_zero_ms, quality):
        if utc_zero_ms is None:
            utc_zero_ms, quality = self.log.anchors.get(self.boot)
        self.utc_zero_ms, self.quality = utc_zero_ms, quality

    def _lose(self, first, last, reason):
        """Seqs were passed over; those below `_floor` were delivered or told before."""
        first = max(first, self._floor)
        if first > last:
            return
        self._floor = last + 1
        if self.hole is not None:
            first = self.hole[0]
            reason = reason if reason == self.hole[2] else LOST
        self.hole = (first, last, reason)
