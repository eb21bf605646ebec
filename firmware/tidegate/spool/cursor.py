"""Reading a log in order of seq. Reading never changes anything."""

from tidegate.limits import BLOCK_BYTES
from tidegate.spool import frame, sector

END, NOTE, OBSERVATION = 0, 1, 2


class Cursor:
    """A place in a log, and the context of what stands there.

    After `next` gave True: `seq` is the observation's, `frame` holds its fields, `boot`,
    `mono_base_ms` (to which frame.delta_ms is added), `utc_zero_ms` and `quality` its time.
    `hole` is (first, last, reason) of seqs that lay before it and cannot be had, or None; it
    stays until `take_hole`.

    Arguments: log, the Log; reader, a Frame, which other cursors may share.
    """

    def __init__(self, log, reader):
        self.log = log
        self.frame = reader
        self.hole = None
        self.seq = 0
        self.next_seq = 1
        self.number = -1
        self.offset = 0
        self.boot = 0
        self.mono_base_ms = 0
        self.utc_zero_ms = None
        self.quality = 0
        self.is_damaged = False
        self._before = 0
        self._header = sector.Header()
        self._seed = 0

    def seek(self, seq):
        """Stand before the observation `seq`, or the first held one above it."""
        log = self.log
        low, high = log.oldest, log.number
        while low < high:
            middle = (low + high + 1) >> 1
            if self._first_seq(middle) <= seq:
                low = middle
            else:
                high = middle - 1
        self.hole = None
        self.next_seq = seq
        self._enter(low)
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
        self.offset = self._before
        self.next_seq = self.seq

    def take_hole(self):
        """The hole before the present observation, or None; only once."""
        hole = self.hole
        self.hole = None
        return hole

    def step(self, values):
        """Go to the next frame of any kind. Result: OBSERVATION, NOTE or END."""
        log = self.log
        while True:
            if self.number < log.oldest:
                self._enter(log.oldest)
            if self.number == log.number and self.offset >= log.offset:
                return END
            size = self.frame.read(
                log.geometry.flash, log.geometry.offset(self.number) + self.offset,
                BLOCK_BYTES - self.offset, self._seed ^ (self.next_seq & 0xFFFFFF), values)
            if size > 0:
                break
            self.is_damaged = size < 0
            if self.number >= log.number:
                return END
            self._enter(self.number + 1)
        unit = log.geometry.flash.program_unit_bytes
        self._before = self.offset
        self.offset += -(-size // unit) * unit
        if self.frame.kind == frame.CONTROL:
            self._note()
            return NOTE
        self.seq = self.next_seq
        self.next_seq += 1
        return OBSERVATION

    def _first_seq(self, number):
        """First seq of a sector; of the nearest readable one above it where it is damaged."""
        geometry = self.log.geometry
        while number < self.log.number:
            if geometry.read_header(number % geometry.block_count, self._header):
                break
            number += 1
        else:
            geometry.read_header(number % geometry.block_count, self._header)
        return self._header.first_seq

    def _enter(self, number):
        """Stand at the first frame of a sector, noting seqs that were passed over."""
        first_seq = self._first_seq(number)
        header = self._header
        if first_seq > self.next_seq:
            first = self.hole[0] if self.hole else self.next_seq
            reason = "evicted" if number == self.log.oldest else "lost"
            self.hole = (first, first_seq - 1, reason)
        self.next_seq = first_seq
        self.number = header.number
        self.offset = self.log.geometry.header_bytes
        self.boot = header.boot
        self.mono_base_ms = header.mono_ms
        self.utc_zero_ms = header.utc_zero_ms
        self.quality = header.quality
        self._seed = frame.sector_seed(header.number)

    def _note(self):
        numbers = self.frame.numbers
        if self.frame.control == frame.BOOT:
            self.boot, self.mono_base_ms = numbers[0], numbers[1]
            self.utc_zero_ms, self.quality = None, 0
        elif self.frame.control == frame.ANCHOR:
            self.utc_zero_ms, self.quality = numbers[0], numbers[1]
