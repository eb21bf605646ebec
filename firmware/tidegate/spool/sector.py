"""The header of a sector, and where sectors lie: a strict ring. SPEC section 7.1."""

import struct

from tidegate.errors import SpoolError
from tidegate.limits import CHECKPOINT_DISTANCE_NONE, TICKS_PERIOD_MS
from tidegate.spool.crc import CRC_BYTES, FIRST, crc24, has_crc, put_crc

MAGIC = b"TG"
VERSION = 2
COPY_BYTES = 48
SHORT_BYTES = 16
_SHORT = "<2sBBIIB"
_LONG = "<8sIIH6sBHH"
_FACT_SHIFT = 6
_LOG_MASK, _CONTINUES, _COPY, _FRAME, _PART = 1, 2, 4, 8, 16
_UNKNOWN_UTC = b"\xff" * 6
assert struct.calcsize(_SHORT) == SHORT_BYTES - CRC_BYTES
assert struct.calcsize(_LONG) == COPY_BYTES - SHORT_BYTES - CRC_BYTES


def utc_bytes(utc_zero_ms):
    """The UTC of a boot's moment 0, ms since 1970, as a header holds it; None while unknown."""
    if utc_zero_ms is None:
        return _UNKNOWN_UTC
    return struct.pack("<IH", utc_zero_ms & 0xFFFFFFFF, utc_zero_ms >> 32)


class Header:
    """The fields of a sector's header, and its bytes.

    log, number, first_seq: of the next observation when it was opened; continues: it begins
    inside that one; has_copy: its first frame repeats the observation before; has_part: only the
    last part of it; has_frame: it was opened together with the frame that its first repeats;
    previous_end: the offset where the frames of the sector before end; checkpoint_distance;
    store_id; boot, base_ms and wrap_count: what its frames' times count from; utc and quality:
    the anchor of that boot; fact_bytes, in steps of 64.
    Argument: flash, the port. The second copy follows at once where a unit may be programmed
    again, else in a unit of its own.
    """

    def __init__(self, flash):
        unit = 1 if flash.reprogram else flash.program_unit_bytes
        self.copy_bytes = -(-COPY_BYTES // unit) * unit
        self.log = 0
        self.number = 0
        self.first_seq = 1
        self.continues = False
        self.has_copy = self.has_part = self.has_frame = False
        self.checkpoint_distance = CHECKPOINT_DISTANCE_NONE
        self.store_id = bytes(8)
        self.boot = 0
        self.base_ms = 0
        self.wrap_count = 0
        self.utc = _UNKNOWN_UTC
        self.quality = 0
        self.fact_bytes = 0
        self.previous_end = 0

    def set_time(self, boot, base_ms, wrap_count):
        """What frames count their time from."""
        self.boot = boot
        self.base_ms = base_ms
        self.wrap_count = wrap_count

    def mono_base_ms(self):
        """The base as one number, ms since that boot's moment 0."""
        return self.wrap_count * TICKS_PERIOD_MS + self.base_ms

    def utc_zero_ms(self):
        """The UTC of that boot's moment 0, or None."""
        if self.utc == _UNKNOWN_UTC:
            return None
        low, high = struct.unpack("<IH", self.utc)
        return high << 32 | low

    def first_begun(self):
        """The first seq whose observation begins in the sector."""
        return self.first_seq + 1 if self.continues else self.first_seq

    def put_twice(self, buffer):
        """Write both copies to the start of `buffer`. Result: the bytes they take."""
        self._put(buffer, 0)
        size = self.copy_bytes
        for at in range(size):
            buffer[size + at] = buffer[at]
        return 2 * size

    def _put(self, buffer, at):
        flags = (self.log | (_CONTINUES if self.continues else 0)
                 | (_COPY if self.has_copy else 0) | (_FRAME if self.has_frame else 0)
                 | (_PART if self.has_part else 0))
        struct.pack_into(_SHORT, buffer, at, MAGIC, VERSION, flags, self.number, self.first_seq,
                         self.checkpoint_distance)
        end = at + SHORT_BYTES - CRC_BYTES
        put_crc(buffer, end, crc24(FIRST, buffer, at, end))
        struct.pack_into(_LONG, buffer, at + SHORT_BYTES, self.store_id, self.boot, self.base_ms,
                         self.wrap_count, self.utc, self.quality,
                         self.fact_bytes >> _FACT_SHIFT, self.previous_end)
        end = at + COPY_BYTES - CRC_BYTES
        put_crc(buffer, end, crc24(FIRST, buffer, at, end))
        for padding in range(at + COPY_BYTES, at + self.copy_bytes):
            buffer[padding] = 0xFF

    def take_short(self, buffer):
        """Take the first fields from the start of `buffer`. Result: whether they are whole.

        Errors: SpoolError for another format version.
        """
        end = SHORT_BYTES - CRC_BYTES
        if buffer[0] != MAGIC[0] or buffer[1] != MAGIC[1]:
            return False
        if not has_crc(buffer, end, crc24(FIRST, buffer, 0, end)):
            return False
        (_, version, flags, self.number, self.first_seq,
         self.checkpoint_distance) = struct.unpack_from(_SHORT, buffer, 0)
        if version != VERSION:
            raise SpoolError("the spool has format version %d, this agent knows %d; install the "
                             "agent that wrote it, or format the spool" % (version, VERSION))
        self.log = flags & _LOG_MASK
        self.continues = bool(flags & _CONTINUES)
        self.has_copy = bool(flags & _COPY)
        self.has_frame = bool(flags & _FRAME)
        self.has_part = bool(flags & _PART)
        return True

    def take(self, buffer):
        """Take all fields from the start of `buffer`. Result: whether they are whole."""
        end = COPY_BYTES - CRC_BYTES
        if not (self.take_short(buffer)
                and has_crc(buffer, end, crc24(FIRST, buffer, 0, end))):
            return False
        (self.store_id, self.boot, self.base_ms, self.wrap_count, self.utc, self.quality,
         fact_steps, self.previous_end) = struct.unpack_from(_LONG, buffer, SHORT_BYTES)
        self.fact_bytes = fact_steps << _FACT_SHIFT
        return True

    def could_be_torn(self, buffer, number):
        """Whether `buffer` could hold a part of the first opening of sector 0 or 1 of a log.

        A program only clears bits, so each of those that are to stay set must still be. Sector 1
        may have been opened with a copy of the first frame.
        """
        whole = bytearray(2 * self.copy_bytes)
        self.number, self.continues, self.has_part = number, False, False
        self.checkpoint_distance = CHECKPOINT_DISTANCE_NONE
        for self.first_seq, self.has_copy, self.has_frame in (
                (1, False, False), (1, False, True), (2, True, True)):
            self.put_twice(whole)
            is_torn = True
            for at in range(self.copy_bytes + SHORT_BYTES):
                if at % self.copy_bytes < SHORT_BYTES and ~buffer[at] & whole[at]:
                    is_torn = False
            if is_torn:
                return True
        return False


class Geometry:
    """One log's part of the flash: `block_count` blocks from `first_block` on.

    Arguments: flash, the port; first_block; block_count; log, its number; scratch, a Header to
    look with, shared between logs.
    """

    def __init__(self, flash, first_block, block_count, log, scratch):
        self.flash = flash
        self.first_block = first_block
        self.block_count = block_count
        self.block_bytes = flash.block_bytes
        self.log = log
        self._scratch = scratch
        self.copy_bytes = scratch.copy_bytes
        self.header_bytes = 2 * self.copy_bytes
        self._buffer = bytearray(COPY_BYTES)
        self._short = memoryview(self._buffer)[:SHORT_BYTES]

    def offset(self, number):
        """The first byte of a sector."""
        return (self.first_block + number % self.block_count) * self.block_bytes

    def erase(self, number):
        """Erase the block of a sector."""
        self.flash.erase(self.first_block + number % self.block_count)

    def read_block(self, index, header):
        """Read the first fields of what stands in a block. Result: whether they are whole and
        belong there. Errors: SpoolError for another format version."""
        for copy in range(2):
            self.flash.read(self.offset(index) + copy * self.copy_bytes, self._short)
            if header.take_short(self._buffer):
                return header.log == self.log and header.number % self.block_count == index
        return False

    def read_header(self, number, header):
        """Read the whole header of sector `number`. Result: whether it stands in its block."""
        for copy in range(2):
            self.flash.read(self.offset(number) + copy * self.copy_bytes, self._buffer)
            if header.take(self._buffer) and header.log == self.log and header.number == number:
                return True
        return False

    def first_begun(self, number, last, with_part=False):
        """The first seq that begins in the nearest readable sector of number..last.

        What that sector repeats counts as begun there, where it stood in one that cannot be read;
        the last part of a value only `with_part`. Result: that, or -1 where none can be read.
        """
        header = self._scratch
        first, wanted = -1, number
        while number <= last:
            if (self.read_block(number % self.block_count, header)
                    and header.number == number):
                if first < 0 or header.first_seq < first:
                    first = header.first_begun()
                    if (header.has_copy and number > wanted
                            and (with_part or not header.has_part)):
                        first -= 1
                # A value that goes on here may have been given up: then the next one says so.
                if not header.continues:
                    break
            number += 1
        return first

    def find(self, seq, oldest, newest):
        """The sector of oldest..newest in which observation `seq` begins, if it is held."""
        low, high = oldest, newest
        while low < high:
            middle = (low + high + 1) >> 1
            first = self.first_begun(middle, newest)
            if 0 <= first <= seq:
                low = middle
            else:
                high = middle - 1
        return low
