"""A value that was written as several frames, put together again. SPEC section 7.2."""

from tidegate.spool import frame


class Parts:
    """Takes the parts of one value after the other. One of which a part is missing is passed over.

    Argument: reader, the FrameReader that reads them.
    """

    def __init__(self, reader):
        self._reader = reader
        self._seq = 0
        self._filled = -1
        self._size = 0
        self._data = b""
        self._stamp = (0, 0, 0)

    def begin_inside(self, seq):
        """What follows begins inside the value of `seq`, its first part unseen; 0: in none."""
        self._seq = seq
        self._filled = -1
        self._data = b""

    def is_inside(self, seq):
        """Whether a value of `seq` has begun and is not complete."""
        return self._seq == seq and self._filled > 0

    def take(self, seq, base_ms, values):
        """Take the part that the reader has read.

        Arguments: seq, of its value; base_ms, which times here count from; values, whether the
        value is wanted. Result: whether it is complete.
        """
        reader = self._reader
        if reader.offset == 0:
            self._seq = seq
            self._filled = 0
            self._size = reader.whole_bytes
            self._stamp = (reader.whole_kind, base_ms + reader.delta_ms, reader.observation_id)
            self._data = bytearray(self._size if values else 0)
        if seq != self._seq or reader.offset > self._filled:
            self._filled = -1
            return False
        # A part may stand twice, cut otherwise, where a block failed.
        end = reader.offset + reader.copy_rest(self._data, reader.offset)
        self._filled = max(self._filled, end)
        if self._filled < self._size:
            return False
        self._finish(base_ms, values)
        return True

    def _finish(self, base_ms, values):
        reader = self._reader
        reader.kind, mono_ms, reader.observation_id = self._stamp
        reader.delta_ms = mono_ms - base_ms
        if values:
            data = bytes(self._data)
            reader.value = data.decode() if reader.kind == frame.TEXT else data
        self.begin_inside(0)
