"""The header of a sector, and where sectors lie: a strict ring. SPEC section 7."""

import struct

from tidegate.errors import SpoolError
from tidegate.limits import BLOCK_BYTES
from tidegate.spool import frame

MAGIC = b"TG"
VERSION = 1
COPY_BYTES = 40
_LAYOUT = "<2sBB8sIIIIHIHB"
_UNKNOWN_UTC = (1 << 48) - 1
assert struct.calcsize(_LAYOUT) == COPY_BYTES - frame.TAIL_BYTES


class Header:
    """The fields of a sector's header.

    number: of the sector, +1 with each one opened; first_seq: of the first observation in it;
    boot; mono_ms: monotonic ms that its frames' times count from; utc_zero_ms and quality: the
    anchor of that boot when the sector was opened (None and 0 where it had none).
    """

    def __init__(self):
        self.log = 0
        self.store_id = b""
        self.number = 0
        self.first_seq = 1
        self.boot = 0
        self.mono_ms = 0
        self.utc_zero_ms = None
        self.quality = 0


class Geometry:
    """One log's part of the flash: `block_count` blocks from `first_block` on.

    Arguments: flash, the port; first_block; block_count; log, its number; table for the CRC.
    """

    def __init__(self, flash, first_block, block_count, log, table):
        self.flash = flash
        self.first_block = first_block
        self.block_count = block_count
        self.log = log
        self.table = table
        unit = flash.program_unit_bytes
        self.copy_bytes = -(-COPY_BYTES // unit) * unit
        self.header_bytes = 2 * self.copy_bytes
        self._buffer = bytearray(b"\xff" * self.copy_bytes)

    def block(self, number):
        """The block of a sector."""
        return self.first_block + number % self.block_count

    def offset(self, number):
        """The first byte of a sector."""
        return self.block(number) * BLOCK_BYTES

    def write_header(self, header):
        """Program both copies."""
        utc = _UNKNOWN_UTC if header.utc_zero_ms is None else header.utc_zero_ms
        struct.pack_into(
            _LAYOUT, self._buffer, 0, MAGIC, VERSION, header.log, header.store_id, header.number,
            header.first_seq, header.boot, header.mono_ms & 0xFFFFFFFF, header.mono_ms >> 32,
            utc & 0xFFFFFFFF, utc >> 32, header.quality)
        end = COPY_BYTES - frame.TAIL_BYTES
        crc = frame.crc24(self.table, frame.CRC_FIRST, self._buffer, end)
        self._buffer[end:COPY_BYTES] = bytes((crc >> 16, crc >> 8 & 0xFF, crc & 0xFF))
        offset = self.offset(header.number)
        self.flash.program(offset, self._buffer)
        self.flash.program(offset + self.copy_bytes, self._buffer)

    def read_header(self, block_index, header):
        """Read the header of one block of this log into `header`.

        Result: whether one of its copies is whole and belongs there. Errors: SpoolError where it
        is whole but of another format version: nothing here may touch such a spool.
        """
        offset = (self.first_block + block_index) * BLOCK_BYTES
        for copy in range(2):
            self.flash.read(offset + copy * self.copy_bytes, self._buffer)
            if self._unpack(header) and header.number % self.block_count == block_index:
                return True
        return False

    def _unpack(self, header):
        buffer = self._buffer
        end = COPY_BYTES - frame.TAIL_BYTES
        crc = frame.crc24(self.table, frame.CRC_FIRST, buffer, end)
        if buffer[end] << 16 | buffer[end + 1] << 8 | buffer[end + 2] != crc:
            return False
        (magic, version, header.log, header.store_id, header.number, header.first_seq,
         header.boot, mono_low, mono_high, utc_low, utc_high,
         header.quality) = struct.unpack_from(_LAYOUT, buffer, 0)
        if magic != MAGIC or header.log != self.log:
            return False
        if version != VERSION:
            raise SpoolError("the spool has format version %d, this agent knows %d; install the "
                             "agent that wrote it, or format the spool" % (version, VERSION))
        header.mono_ms = mono_high << 32 | mono_low
        utc = utc_high << 32 | utc_low
        header.utc_zero_ms = None if utc == _UNKNOWN_UTC else utc
        return True

    def is_blank(self, number):
        """Whether the block of a sector is erased throughout."""
        offset = self.offset(number)
        blank = b"\xff" * len(self._buffer)
        for at in range(0, BLOCK_BYTES, len(self._buffer)):
            count = min(len(self._buffer), BLOCK_BYTES - at)
            self.flash.read(offset + at, memoryview(self._buffer)[:count])
            if self._buffer[:count] != blank[:count]:
                return False
        return True
