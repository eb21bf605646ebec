"""A frame: one observation, or one note of the log itself, as bytes. SPEC section 7.

    tag, [length: 2 bytes], body, CRC-24: 3 bytes, 0xFF up to the program unit

The tag holds the type in its upper 3 bits and the length of the body in the lower 5; 31 there
says that the length follows as two bytes. 0xFF is no tag: it is erased flash.
"""

from tidegate.limits import FRAME_BYTES_MAX

NUMBER, TEXT, OPAQUE, PART, CONTROL, THINNED = range(6)
BOOT, ANCHOR, CONFIRMED = 1, 2, 3
ERASED = 0xFF
TAIL_BYTES = 3
SHORT_BODY_BYTES_MAX = 30

# CRC-24 of RFC 4880 (OpenPGP), section 6.1: this polynomial and this first value.
CRC_POLYNOMIAL = 0x864CFB
CRC_FIRST = 0xB704CE


def crc24_table():
    """The table of `crc24`: 256 small integers, made once for each spool."""
    table = []
    for value in range(256):
        crc = value << 16
        for _ in range(8):
            crc = ((crc << 1) ^ CRC_POLYNOMIAL if crc & 0x800000 else crc << 1) & 0xFFFFFF
        table.append(crc)
    return tuple(table)


def crc24(table, crc, data, count):
    """CRC-24 of the first `count` bytes of `data`, going on from `crc`."""
    for i in range(count):
        crc = ((crc << 8) & 0xFFFF00) ^ table[(crc >> 16) ^ data[i]]
    return crc


def sector_seed(sector_number):
    """Where the CRCs of one sector start; a frame XORs the lower 24 bits of its seq into it."""
    return (CRC_FIRST ^ (sector_number * 40_503)) & 0xFFFFFF


def put_varint(buffer, at, value):
    """Write an unsigned integer, 7 bits a byte, lowest first. Result: the offset after it."""
    while value > 0x7F:
        buffer[at] = value & 0x7F | 0x80
        value >>= 7
        at += 1
    buffer[at] = value
    return at + 1


def put_zigzag(buffer, at, value):
    """Write a signed integer as the varint of 2 v, or of -2 v - 1 below zero."""
    return put_varint(buffer, at, value << 1 if value >= 0 else -(value << 1) - 1)


class FrameWriter:
    """Builds frames in one buffer.

    Arguments: table, from `crc24_table`; program_unit_bytes, to which frames are padded.
    """

    def __init__(self, table, program_unit_bytes):
        self.buffer = bytearray(-(-FRAME_BYTES_MAX // program_unit_bytes) * program_unit_bytes)
        self._table = table
        self._unit_mask = program_unit_bytes - 1
        view = memoryview(self.buffer)
        self._views = [view[:count * program_unit_bytes]
                       for count in range(33 if program_unit_bytes == 1 else 4)]
        self._view_unit_bytes = program_unit_bytes

    def number(self, delta_ms, observation_id, value):
        """Build the frame of a number up to its CRC. Result: bytes so far."""
        at = put_varint(self.buffer, 1, delta_ms)
        at = put_varint(self.buffer, at, observation_id)
        at = put_zigzag(self.buffer, at, value)
        self.buffer[0] = NUMBER << 5 | at - 1
        return at

    def data(self, frame_type, delta_ms, observation_id, data):
        """Build the frame of a text or an opaque value up to its CRC. Result: bytes so far."""
        at = put_varint(self.buffer, 3, delta_ms)
        at = put_varint(self.buffer, at, observation_id)
        if frame_type == TEXT:
            data = data.encode()
        self.buffer[at:at + len(data)] = data
        return self._long(frame_type, at + len(data))

    def control(self, kind, numbers):
        """Build a note of the log up to its CRC: its kind, then varints."""
        self.buffer[3] = kind
        at = 4
        for number in numbers:
            at = put_varint(self.buffer, at, number)
        return self._long(CONTROL, at)

    def _long(self, frame_type, end):
        body_bytes = end - 3
        self.buffer[0] = frame_type << 5 | 31
        self.buffer[1] = body_bytes & 0xFF
        self.buffer[2] = body_bytes >> 8
        return end

    def finish(self, count, seed):
        """Add CRC and padding. Result: a view of the whole frame, valid until the next one."""
        buffer = self.buffer
        crc = crc24(self._table, seed, buffer, count)
        buffer[count] = crc >> 16
        buffer[count + 1] = crc >> 8 & 0xFF
        buffer[count + 2] = crc & 0xFF
        count += TAIL_BYTES
        while count & self._unit_mask:
            buffer[count] = ERASED
            count += 1
        units = count // self._view_unit_bytes
        return self._views[units] if units < len(self._views) else memoryview(buffer)[:count]


def padded_bytes(count, program_unit_bytes):
    """Room that a frame of `count` bytes up to its CRC takes."""
    return -(-(count + TAIL_BYTES) // program_unit_bytes) * program_unit_bytes


class Frame:
    """A frame read back: the fields of the last good one.

    `kind` is its type; for observations `delta_ms`, `observation_id`, `value` (integer, text or
    bytes); for notes `control` and `numbers`. Argument: table, from `crc24_table`.
    """

    def __init__(self, table):
        self._table = table
        self.buffer = bytearray(FRAME_BYTES_MAX + TAIL_BYTES)
        self._view = memoryview(self.buffer)
        self._short = self._view[:SHORT_BODY_BYTES_MAX + 1 + TAIL_BYTES]
        self._at = 0
        self._end = 0
        self.kind = -1
        self.delta_ms = 0
        self.observation_id = 0
        self.value = 0
        self.control = 0
        self.numbers = ()

    def read(self, flash, offset, room_bytes, seed, values=True):
        """Read one frame at `offset`, with `room_bytes` left in its sector.

        Result: its bytes without padding; 0 where the flash is erased; -1 where it is damaged.
        `values` False leaves `value` alone.
        """
        if room_bytes < 1 + TAIL_BYTES:
            return 0
        short = self._short
        flash.read(offset, short if room_bytes >= len(short) else self._view[:room_bytes])
        tag = self.buffer[0]
        if tag == ERASED:
            return 0
        head, body_bytes = 1, tag & 31
        if body_bytes == 31:
            head, body_bytes = 3, self.buffer[1] | self.buffer[2] << 8
        self._end = head + body_bytes
        total = self._end + TAIL_BYTES
        if total > room_bytes or total > len(self.buffer):
            return -1
        if total > len(short):
            flash.read(offset, self._view[:total])
        buffer = self.buffer
        crc = crc24(self._table, seed, buffer, self._end)
        stored = buffer[self._end] << 16 | buffer[self._end + 1] << 8 | buffer[self._end + 2]
        if crc != stored:
            return -1
        self.kind = tag >> 5
        self._at = head
        self._parse(values)
        return total

    def _parse(self, values):
        if self.kind == CONTROL:
            self.control = self.buffer[self._at]
            self._at += 1
            numbers = []
            while self._at < self._end:
                numbers.append(self._varint())
            self.numbers = numbers
            return
        self.delta_ms = self._varint()
        self.observation_id = self._varint()
        if not values:
            return
        if self.kind == NUMBER:
            raw = self._varint()
            self.value = -(raw >> 1) - 1 if raw & 1 else raw >> 1
        else:
            data = bytes(self._view[self._at:self._end])
            self.value = data.decode() if self.kind == TEXT else data

    def _varint(self):
        value = 0
        shift = 0
        while True:
            byte = self.buffer[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
