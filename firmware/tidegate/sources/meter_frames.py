"""Frames out of the bytes of a serial meter. SPEC sections 9.1, 9.2 and 9.5."""

from tidegate.limits import METER_FRAME_BYTES_MAX
from tidegate.spool.crc import CRC_BYTES, FIRST, crc24, has_crc

TYPE, BOOT, SEQ, STAMP, ENTRIES = 2, 3, 4, 6, 10
FRAME_BYTES_MIN = ENTRIES + CRC_BYTES

# What is counted, in the words of the trail.
NAMES = ("noise", "too long", "cut short", "damaged", "lost", "repeated", "restarted", "foreign",
         "malformed", "stamp repeated", "incomplete", "silent", "line failed")
(NOISE, TOO_LONG, CUT_SHORT, DAMAGED, LOST, REPEATED, RESTARTED, FOREIGN, MALFORMED,
 STAMP_REPEATED, INCOMPLETE, SILENT, LINE_FAILED) = range(len(NAMES))

_CODE_WITHOUT_ZERO = 0xFF


class FrameReader:
    """Decodes byte by byte, so that no byte is moved and nothing is allocated.

    Argument: counts, a list of len(NAMES) numbers, for what is no frame.
    Members: frame, which holds the last whole frame until the next call of `take`; size, its
    bytes, 0 where there is none.
    """

    def __init__(self, counts):
        # Whatever is too long ends in the places of one more piece, over and over: so only the
        # first byte of a piece asks for room.
        self.frame = bytearray(METER_FRAME_BYTES_MAX + 1 + _CODE_WITHOUT_ZERO)
        self.size = 0
        self._counts = counts
        self._is_between = False
        self._count = 0
        self._left = 0
        self._is_zero_due = False

    def take(self, data, at, end):
        """Read `data[at:end]` up to the end of a whole frame, or all of it where none ends.

        Result: the place behind what was read.
        """
        self.size = 0
        # Not all four at once: that would make a tuple.
        frame, count = self.frame, self._count
        left, is_zero_due = self._left, self._is_zero_due
        while at < end:
            byte = data[at]
            at += 1
            if byte and left:
                frame[count] = byte
                count += 1
                left -= 1
            elif byte:
                if is_zero_due:
                    frame[count] = 0
                    count += 1
                if count > METER_FRAME_BYTES_MAX:
                    count = METER_FRAME_BYTES_MAX + 1
                left = byte - 1
                is_zero_due = byte != _CODE_WITHOUT_ZERO
            else:
                size = self._judge(count, left, is_zero_due)
                count = left = 0
                is_zero_due = False
                if size:
                    self.size = size
                    break
        self._count, self._left, self._is_zero_due = count, left, is_zero_due
        return at

    def _judge(self, count, left, is_zero_due):
        """What stood between two 0x00. Result: bytes of the frame, 0 where it was none."""
        if not self._is_between:
            self._is_between = True
            return 0
        if not count and not left and not is_zero_due:
            return 0
        frame = self.frame
        size = frame[0] | frame[1] << 8
        if count > METER_FRAME_BYTES_MAX:
            flaw = TOO_LONG
        elif count < FRAME_BYTES_MIN:
            flaw = NOISE
        elif size > METER_FRAME_BYTES_MAX:
            flaw = TOO_LONG
        elif size > count:
            flaw = CUT_SHORT
        elif size < count or left:
            flaw = DAMAGED
        elif not has_crc(frame, size - CRC_BYTES, crc24(FIRST, frame, 0, size - CRC_BYTES)):
            flaw = DAMAGED
        else:
            return size
        self._counts[flaw] += 1
        return 0
