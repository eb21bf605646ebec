"""Frames as bytes: one observation, or one note of the log itself. SPEC section 7.2.

    tag, [length: 2 bytes], body, CRC-24: 3 bytes, [0xFF up to the program unit]
"""

from tidegate.limits import FRAME_BLOCK_SHARE, FRAME_BYTES_MIN
from tidegate.spool.crc import CRC_BYTES, crc24, put_crc

NUMBER, TEXT, OPAQUE, PART, NOTE, THINNED, BOOT = range(7)
(ANCHOR, CONFIRMED, GAP, CHECKPOINT, LATEST, ANCHORS, RETIRED, CHECKPOINT_END,
 SEALED) = range(1, 10)
ERASED, BURNT = 0xFF, 0x00
SHORT_BODY_BYTES_MAX = 30
LONG = 31
LONG_HEAD_BYTES = 3
# The most that stands around the bytes of a value: head, offset, type, length, stamp, CRC.
PART_OVERHEAD_BYTES = LONG_HEAD_BYTES + 2 + 1 + 2 + 6 + CRC_BYTES
# The same of a part that is not the first.
LATER_OVERHEAD_BYTES = LONG_HEAD_BYTES + 2 + CRC_BYTES
_VIEW_UNIT_COUNT = 24


def frame_bytes_max(flash):
    """The most bytes a frame may have on this medium, padding included."""
    size = max(FRAME_BYTES_MIN, flash.block_bytes // FRAME_BLOCK_SHARE)
    if not flash.reprogram:
        size = -(-size // flash.program_unit_bytes) * flash.program_unit_bytes
    return size


def _put_varint(buffer, at, value):
    """Result: the place behind it."""
    while value > 0x7F:
        buffer[at] = value & 0x7F | 0x80
        value >>= 7
        at += 1
    buffer[at] = value
    return at + 1


def _put_stamp(buffer, at, delta_ms, observation_id):
    """Result: the place behind it."""
    buffer[at] = observation_id & 0xFF
    buffer[at + 1] = observation_id >> 8 | (delta_ms & 0xF) << 4
    return _put_varint(buffer, at + 2, delta_ms >> 4)


class FrameWriter:
    """Builds what one program puts on flash: frames one behind the other, or a whole opening.

    `begin` or `begin_sector`, then for each frame what builds it and `finish`, then `view`.
    Arguments: flash, the port; header_bytes, of a sector's two headers.
    """

    def __init__(self, flash, header_bytes):
        self._unit = flash.program_unit_bytes
        self._pad_mask = 0 if flash.reprogram else self._unit - 1
        self.frame_bytes_max = frame_bytes_max(flash)
        size = header_bytes + self.frame_bytes_max + 2 * self._unit
        self.buffer = bytearray(b"\xff" * (size // self._unit * self._unit))
        self._view = memoryview(self.buffer)
        # Views by their size, made when first needed: appending numbers allocates nothing.
        self._views = [None] * _VIEW_UNIT_COUNT
        self._opening_views = [None] * _VIEW_UNIT_COUNT
        self._header_units = header_bytes // self._unit
        self._is_opening = False
        self.start = self._shift = 0
        self.end = 0
        self._head = 0
        self._at = 0

    def begin(self, offset):
        """The first frame is to stand at `offset` of its sector."""
        self.start = self.end = start = offset & self._unit - 1
        self._shift = offset - start
        self._is_opening = False

    def begin_sector(self, header):
        """A sector is to be opened: both copies of its header, then frames."""
        self.start = self._shift = 0
        self.end = header.put_twice(self.buffer)
        self._is_opening = True

    def number(self, delta_ms, observation_id, value):
        """Build the frame of a number. Result: where it ends, an offset in its sector."""
        # The whole of it by hand: nothing else is done as often.
        head, buffer = self.end, self.buffer
        buffer[head + 1] = observation_id & 0xFF
        buffer[head + 2] = observation_id >> 8 | (delta_ms & 0xF) << 4
        delta_ms >>= 4
        at = head + 3
        while delta_ms > 0x7F:
            buffer[at] = delta_ms & 0x7F | 0x80
            delta_ms >>= 7
            at += 1
        buffer[at] = delta_ms
        at += 1
        value = value << 1 if value >= 0 else -(value << 1) - 1
        while value > 0x7F:
            buffer[at] = value & 0x7F | 0x80
            value >>= 7
            at += 1
        buffer[at] = value
        buffer[head] = NUMBER << 5 | at - head
        self._at = at = at + 1
        return self._shift + (at + CRC_BYTES + self._pad_mask & ~self._pad_mask)

    def data(self, frame_type, delta_ms, observation_id, data):
        """Build the frame of a text or an opaque value, given as bytes. Result: as of `number`."""
        self._begin_long(frame_type)
        self._at = _put_stamp(self.buffer, self._at, delta_ms, observation_id)
        self._end_long(data, 0, len(data))
        return self._shift + (self._at + CRC_BYTES + self._pad_mask & ~self._pad_mask)

    def part(self, offset, whole, stamp, count):
        """Build a part. Arguments: whole, (frame type, bytes); stamp, (delta, id); count."""
        frame_type, data = whole
        self._begin_long(PART)
        self.put_varint(offset)
        if offset == 0:
            self.put_varint(frame_type)
            self.put_varint(len(data))
            self._at = _put_stamp(self.buffer, self._at, *stamp)
        self._end_long(data, offset, offset + count)

    def begin_note(self, kind):
        """Build a note: `put_varint`, `put_zigzag`, `put_bytes` as its body has it, `end_note`."""
        self._begin_long(NOTE)
        self.put_varint(kind)

    def end_note(self):
        """The note's body is complete."""
        self._end_long(b"", 0, 0)

    def boot(self, boot, base_ms, wrap_count, cause):
        """Build a boot frame."""
        self._head = self.end
        self._at = self.end + 1
        for value in (boot, base_ms, wrap_count, cause):
            self.put_varint(value)
        self.buffer[self._head] = BOOT << 5 | self._at - self._head - 1

    def copy(self, count):
        """A frame of `count` bytes up to its CRC was put at `end` by the caller."""
        self._at = self.end + count

    def zeros(self, count):
        """Burn `count` bytes."""
        for at in range(self.end, self.end + count):
            self.buffer[at] = BURNT
        self.end += count

    def room_bytes(self):
        """How many bytes the note being built may still take."""
        return self.frame_bytes_max - CRC_BYTES - (self._at - self.end)

    def finish(self, seed):
        """Add CRC and padding to the frame being built."""
        buffer = self.buffer
        put_crc(buffer, self._at, crc24(seed, buffer, self.end, self._at))
        end = self._at + CRC_BYTES
        while end & self._pad_mask:
            buffer[end] = ERASED
            end += 1
        self.end = end

    def view(self):
        """What is to be programmed, in whole units; valid until the next `begin`."""
        units = self.end
        if self._unit > 1:
            units = -(-self.end // self._unit)
            for at in range(self.end, units * self._unit):
                self.buffer[at] = ERASED
            for at in range(self.start):
                self.buffer[at] = ERASED
        views, index = self._views, units
        if self._is_opening:
            views, index = self._opening_views, units - self._header_units
        if index >= _VIEW_UNIT_COUNT:
            return self._view[:units * self._unit]
        if views[index] is None:
            views[index] = self._view[:units * self._unit]
        return views[index]

    def put_varint(self, value):
        """Unsigned, 7 bits a byte, lowest first."""
        self._at = _put_varint(self.buffer, self._at, value)

    def put_zigzag(self, value):
        """Signed: the varint of 2 v, or of -2 v - 1 below zero."""
        self.put_varint(value << 1 if value >= 0 else -(value << 1) - 1)

    def put_bytes(self, data):
        """Their number, then they."""
        self.put_varint(len(data))
        self.buffer[self._at:self._at + len(data)] = data
        self._at += len(data)

    def _begin_long(self, frame_type):
        self._head = self.end
        self._at = self.end + LONG_HEAD_BYTES
        self.buffer[self._head] = frame_type << 5 | LONG

    def _end_long(self, data, start, end):
        """The body goes on with `data[start:end]`; its length is known now."""
        at = self._at
        self.buffer[at:at + end - start] = memoryview(data)[start:end]
        self._at = at + end - start
        body_bytes = self._at - self._head - LONG_HEAD_BYTES
        self.buffer[self._head + 1] = body_bytes & 0xFF
        self.buffer[self._head + 2] = body_bytes >> 8
