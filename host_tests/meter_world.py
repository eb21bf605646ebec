"""A serial line out of bytes, and what a meter's source makes of it. Portable."""

from tidegate.observe.catalogue import Catalogue
from tidegate.sources.meter_frames import NAMES
from tidegate.sources.meter_values import PACKET_ERRORS_ID
from tidegate.sources.serial_meter import SerialMeter


class Line:
    """What `waiting` holds arrives, at most `chunk_bytes` at a time; None when nothing waits.

    With `is_broken` the line fails.
    """

    def __init__(self, waiting=b"", chunk_bytes=1 << 20):
        self.waiting = bytearray(waiting)
        self.chunk_bytes = chunk_bytes
        self.is_broken = False

    def readinto(self, buffer):
        if self.is_broken:
            raise OSError(5)
        count = min(len(buffer), len(self.waiting), self.chunk_bytes)
        buffer[:count] = self.waiting[:count]
        self.waiting = self.waiting[count:]
        return count or None


class Listener:
    """A source on such a line; `heard` are the (id, value) it handed on, but for its own 813."""

    def __init__(self, chunk_bytes=1 << 20):
        self.line = Line(b"", chunk_bytes)
        self.source = SerialMeter(self.line, Catalogue())
        self.heard = []
        self.packet_errors = 0

    def turn(self, data=b""):
        """One turn in which that arrives."""
        self.line.waiting += data
        self.source.step(0, self._emit)

    def hear(self, data):
        """As many turns as it takes."""
        self.turn(data)
        while self.line.waiting:
            self.turn()
        return self

    def _emit(self, observation_id, value):
        if observation_id == PACKET_ERRORS_ID:
            self.packet_errors = value
        else:
            self.heard.append((observation_id, value))

    def counts(self):
        """{name: count} of what was counted, but for what is 0."""
        return {name: count for name, count in zip(NAMES, self.source.counts) if count}
