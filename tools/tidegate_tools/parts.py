"""Opaque values that came in parts, put together again (SPEC section 4)."""

from tidegate_tools.coverage import Coverage
from tidegate_tools.decode import Observation
from tidegate_tools.values import to_text

# Beyond that the value begun first is given up; its device sends it again.
HELD_BYTES_MAX = 64 << 20


class Assembly:
    """What is under way, in memory only: a value is not confirmed before all of it is stored, so
    a sink that starts anew is sent it again. Sent again it may be cut at other places."""

    def __init__(self):
        self._held = {}
        self._held_bytes = 0

    def take(self, stream, part):
        """Argument: stream, whose seq it is. Result: the Observation, or None while it lacks
        parts."""
        key = (stream, part.seq)
        fact = (part.boot, part.mono_ms, part.id, part.total_bytes)
        if key in self._held and self._held[key][0] != fact:
            self._drop(key)
        if key not in self._held:
            self._held[key] = (fact, bytearray(part.total_bytes), Coverage())
            self._held_bytes += part.total_bytes
        _, value, known = self._held[key]
        value[part.offset:part.offset + len(part.data)] = part.data
        known.add(part.offset + 1, part.offset + len(part.data))
        if known.upto < part.total_bytes:
            while self._held_bytes > HELD_BYTES_MAX:
                self._drop(next(iter(self._held)))
            return None
        self._drop(key)
        return Observation(part.seq, part.boot, part.mono_ms, part.id, to_text(value))

    def _drop(self, key):
        self._held_bytes -= len(self._held.pop(key)[1])
