"""The buffer that codecs write their payloads into, byte by byte and without garbage."""

from tidegate.limits import PAYLOAD_BYTES_MAX

_SMALL, _SMALL_DIGITS = 1_000_000_000, 9
_LOW_BITS, _LOW_MASK = 28, (1 << 28) - 1


class Payload:
    """One payload at a time. `at` is the number of bytes in it.

    Argument: room, a memoryview of PAYLOAD_BYTES_MAX bytes or more to write it in, None for its
    own.
    """

    def __init__(self, room=None):
        self._buffer = self._view = room or memoryview(bytearray(PAYLOAD_BYTES_MAX))
        self.at = 0
        # Of large integers the part that seldom changes: each step with it leaves garbage.
        self._base = self._high = 0

    def has_room(self, count):
        """Whether `count` more bytes fit."""
        return self.at + count <= PAYLOAD_BYTES_MAX

    def room_bytes(self):
        """How many more bytes fit."""
        return PAYLOAD_BYTES_MAX - self.at

    def view(self):
        """What was written, valid until the next write."""
        return self._view[:self.at]

    def byte(self, byte):
        """Add one byte."""
        self._buffer[self.at] = byte
        self.at += 1

    def data(self, data):
        """Add bytes."""
        end = self.at + len(data)
        self._buffer[self.at:end] = data
        self.at = end

    def varint(self, value):
        """Add an unsigned integer, 7 bits a byte, lowest first."""
        while value > _LOW_MASK:
            low, value = value & _LOW_MASK, value >> _LOW_BITS
            for _ in range(_LOW_BITS // 7):
                self._buffer[self.at] = low & 0x7F | 0x80
                self.at += 1
                low >>= 7
        while value > 0x7F:
            self._buffer[self.at] = value & 0x7F | 0x80
            self.at += 1
            value >>= 7
        self._buffer[self.at] = value
        self.at += 1

    def decimal(self, value):
        """Add a signed integer as decimal digits."""
        if value < 0:
            self.byte(0x2D)
            value = -value
        if value < _SMALL:
            self._digits(value, 1)
        else:
            low = value - self._base
            if not 0 <= low < _SMALL:
                self._high = value // _SMALL
                self._base = self._high * _SMALL
                low = value - self._base
            self.decimal(self._high)
            self._digits(low, _SMALL_DIGITS)

    def _digits(self, value, digits):
        """Add a small integer, not negative, as at least so many digits."""
        bound = 10
        for _ in range(digits - 1):
            bound *= 10
        while value >= bound and digits < _SMALL_DIGITS:
            digits += 1
            bound *= 10
        at = self.at + digits
        self.at = at
        for _ in range(digits):
            at -= 1
            self._buffer[at] = 0x30 + value % 10
            value //= 10
