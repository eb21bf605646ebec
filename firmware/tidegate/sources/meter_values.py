"""Values out of the frames of a serial meter. SPEC sections 9.2 and 9.4."""

import hashlib

from tidegate.limits import OBSERVATION_ID_MAX, OPAQUE_BYTES_MAX, TEXT_BYTES_MAX
from tidegate.sources.meter_frames import (
    ENTRIES, INCOMPLETE, MALFORMED, STAMP, STAMP_REPEATED,
)

# Number of packets that came broken, as the device itself counts them.
PACKET_ERRORS_ID = 813

_NUMBER, _TEXT, _OPAQUE, _PART = range(4)
_KIND_SHIFT = 12
_VARINT_SHIFT_MAX = 63
_STAMP_HIGH_MAX = 0x1F


class ValueReader:
    """Hands on the entries of a frame, but for repeats of a stamp.

    Arguments: catalogue; counts, as of `FrameReader`.
    """

    def __init__(self, catalogue, counts):
        self._catalogue = catalogue
        self._counts = counts
        # Stamp and value last taken of each row; of texts and opaque values the SHA-256.
        self._stamps = [-1] * len(catalogue.rows)
        self._values = [None] * len(catalogue.rows)
        self._frame = None
        self._at = self._end = self._stamp = 0
        # The opaque value that comes in parts, None once one of them is missing.
        self._parts = None
        self._is_in_parts = False
        self._parts_id = self._parts_stamp = self._parts_bytes = 0

    def give(self, frame, end, emit):
        """Read the entries of a frame. Arguments: frame; end, where they do; emit(id, value)."""
        if frame[STAMP + 3] > _STAMP_HIGH_MAX:
            self._counts[MALFORMED] += 1
            return
        self._stamp = (frame[STAMP] | frame[STAMP + 1] << 8 | frame[STAMP + 2] << 16
                       | frame[STAMP + 3] << 24)
        self._frame, self._at, self._end = frame, ENTRIES, end
        while self._at < end:
            if not self._give_entry(emit):
                self._counts[MALFORMED] += 1
                return

    def _give_entry(self, emit):
        """Result: whether it was one."""
        frame, at = self._frame, self._at
        if at + 2 > self._end:
            return False
        head = frame[at] | frame[at + 1] << 8
        self._at = at + 2
        kind, observation_id = head >> _KIND_SHIFT, head & OBSERVATION_ID_MAX
        if observation_id == PACKET_ERRORS_ID:
            return False
        if kind == _NUMBER:
            raw = self._varint()
            if raw < 0:
                return False
            value = -(raw >> 1) - 1 if raw & 1 else raw >> 1
            if self._is_new(observation_id, value):
                emit(observation_id, value)
            return True
        if kind == _PART:
            return self._give_part(observation_id, emit)
        size = self._varint()
        if not 0 <= size <= self._end - self._at or kind > _OPAQUE:
            return False
        return self._give_bytes(observation_id, kind, size, emit)

    def _give_bytes(self, observation_id, kind, size, emit):
        value = data = bytes(self._frame[self._at:self._at + size])
        self._at += size
        if kind == _TEXT:
            if size > TEXT_BYTES_MAX:
                return False
            try:
                value = data.decode()
            except ValueError:
                return False
        if self._is_new(observation_id, hashlib.sha256(data).digest()):
            emit(observation_id, value)
        return True

    def _give_part(self, observation_id, emit):
        whole, offset, size = self._varint(), self._varint(), self._varint()
        if not (0 < whole <= OPAQUE_BYTES_MAX and 0 < size <= self._end - self._at
                and 0 <= offset <= whole - size):
            return False
        at = self._at
        self._at += size
        if not offset:
            self._begin_parts(observation_id, whole)
        parts = self._parts
        if parts is not None:
            if (observation_id != self._parts_id or self._stamp != self._parts_stamp
                    or whole != len(parts) or offset != self._parts_bytes):
                self._parts = parts = None
            else:
                parts[offset:offset + size] = self._frame[at:at + size]
                self._parts_bytes = offset + size
        if offset + size == whole:
            self._is_in_parts = False
            self._parts = None
            if parts is None:
                self._counts[INCOMPLETE] += 1
            elif self._is_new(observation_id, hashlib.sha256(parts).digest()):
                emit(observation_id, parts)
        return True

    def miss(self):
        """Frames are missing before the next one: what came in parts so far is of no use."""
        self._parts = None

    def _begin_parts(self, observation_id, whole):
        if self._is_in_parts:
            self._counts[INCOMPLETE] += 1
        self._is_in_parts = True
        self._parts_id, self._parts_stamp, self._parts_bytes = observation_id, self._stamp, 0
        self._parts = None
        try:
            self._parts = bytearray(whole)
        except MemoryError:
            # Counted as incomplete, like one of which a part got lost.
            pass

    def _is_new(self, observation_id, value):
        """Whether stamp and value are not those of the last entry of this id."""
        index = self._catalogue.index(observation_id)
        if index < 0:
            return True
        if self._stamps[index] == self._stamp and self._values[index] == value:
            self._counts[STAMP_REPEATED] += 1
            return False
        self._stamps[index], self._values[index] = self._stamp, value
        return True

    def _varint(self):
        """The next varint, or -1 where none stands."""
        frame, at, end = self._frame, self._at, self._end
        value = shift = 0
        while at < end and shift <= _VARINT_SHIFT_MAX:
            byte = frame[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self._at = at
                return value
            shift += 7
        return -1
