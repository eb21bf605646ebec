"""Frames read back. One reader serves all cursors of a spool, and allocates for no number."""

from tidegate.spool import frame
from tidegate.spool.crc import CRC_BYTES, crc24, has_crc

NOTHING, DAMAGED, BURNT = 0, -1, -2
_AHEAD_BYTES = 64
# So many erased bytes are no damaged frame.
_ERASED_BYTES = 8


class FrameReader:
    """Reads through a window of RAM, so that reading a sector reads its bytes once.

    After `read` gave a size: `kind` is the frame's type. For observations `delta_ms`,
    `observation_id`, and `value` (integer, text or bytes) after `read_value`; for parts `offset`,
    and where that is 0 `whole_kind`, `whole_bytes` and the stamp; for notes `note`, their kind.
    Argument: flash, the port.
    """

    def __init__(self, flash):
        self._flash = flash
        self.frame_bytes_max = frame.frame_bytes_max(flash)
        self.buffer = bytearray(self.frame_bytes_max + _AHEAD_BYTES)
        self._view = memoryview(self.buffer)
        self._from = 0
        self._to = 0
        self._at = 0
        self._end = 0
        self.kind = -1
        self.note = 0
        self.delta_ms = 0
        self.observation_id = 0
        self.value = 0
        self.offset = 0
        self.whole_kind = 0
        self.whole_bytes = 0

    def forget(self):
        """The flash was changed: what the window holds may be stale."""
        self._to = self._from

    def read(self, at, end, seed, neutral):
        """Read the frame at `at` of a sector that ends at `end`, both offsets in the region.

        Arguments: seed, where its CRC starts; neutral, the same for a boot frame.
        Result: its bytes without padding; NOTHING where the flash is erased, BURNT where it
        is zero, DAMAGED where anything else stands that is no whole frame.
        """
        if end - at <= 1 + CRC_BYTES:
            return NOTHING
        i = self._load(at, 1 + frame.LONG_HEAD_BYTES, end)
        buffer = self.buffer
        tag = buffer[i]
        if tag == frame.ERASED:
            return NOTHING if self.is_erased(at, min(end, at + _ERASED_BYTES)) else DAMAGED
        if tag == frame.BURNT:
            return BURNT
        head_bytes, body_bytes = 1, tag & 31
        if body_bytes == frame.LONG:
            head_bytes, body_bytes = frame.LONG_HEAD_BYTES, buffer[i + 1] | buffer[i + 2] << 8
        size = head_bytes + body_bytes + CRC_BYTES
        if size > self.frame_bytes_max or size > end - at or tag >> 5 > frame.BOOT:
            return DAMAGED
        i = self._load(at, size, end)
        self.kind = tag >> 5
        self._at = i + head_bytes
        self._end = i + head_bytes + body_bytes
        crc = crc24(neutral if self.kind == frame.BOOT else seed, buffer, i, self._end)
        if not has_crc(buffer, self._end, crc):
            return DAMAGED
        self._parse()
        return size

    def is_erased(self, at, end):
        """Whether all bytes from `at` up to `end` are 0xFF."""
        while at < end:
            i = self._load(at, 1, end)
            stop = min(end - at, self._to - at)
            for k in range(i, i + stop):
                if self.buffer[k] != frame.ERASED:
                    return False
            at += stop
        return True

    def zeros(self, at, end):
        """How many zeros stand from `at` on."""
        start = at
        while at < end and self.buffer[self._load(at, 1, end)] == frame.BURNT:
            at += 1
        return at - start

    def read_value(self):
        """Set `value` from the rest of the observation just read."""
        if self.kind == frame.NUMBER:
            self.value = self.zigzag()
        else:
            data = bytes(self._view[self._at:self._end])
            self.value = data.decode() if self.kind == frame.TEXT else data

    def copy_rest(self, target, at):
        """Copy the rest of a part to `target[at:]`, as far as it goes. Result: its bytes."""
        count = self._end - self._at
        if at + count <= len(target):
            target[at:at + count] = self._view[self._at:self._end]
        return count

    def is_left(self):
        """Whether the body just read goes on."""
        return self._at < self._end

    def varint(self):
        """The next number of the body."""
        value = 0
        shift = 0
        while self._at < self._end:
            byte = self.buffer[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
            shift += 7
        return value

    def zigzag(self):
        """The next signed number of the body."""
        raw = self.varint()
        return -(raw >> 1) - 1 if raw & 1 else raw >> 1

    def take(self, count):
        """The next `count` bytes of the body."""
        at = self._at
        self._at = min(self._end, at + count)
        return bytes(self._view[at:self._at])

    def _parse(self):
        if self.kind == frame.NOTE:
            self.note = self.varint()
        elif self.kind == frame.PART:
            self.offset = self.varint()
            if self.offset == 0:
                self.whole_kind = self.varint()
                self.whole_bytes = self.varint()
                self._stamp()
        elif self.kind != frame.BOOT:
            self._stamp()

    def _stamp(self):
        at = self._at
        self._at = at + 2
        high = self.buffer[at + 1]
        self.observation_id = self.buffer[at] | (high & 0xF) << 8
        self.delta_ms = self.varint() << 4 | high >> 4

    def _load(self, at, count, end):
        """Have `count` bytes from `at` on in the window, fewer at `end`. Result: their index."""
        count = min(count, end - at)
        if at < self._from or at + count > self._to:
            size = min(len(self.buffer), end - at)
            self._from = self._to = at
            self._flash.read(at, self._view if size == len(self.buffer) else self._view[:size])
            self._to = at + size
        return at - self._from
