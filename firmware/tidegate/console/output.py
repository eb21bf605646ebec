"""What goes to the terminal, as fast as that takes it: nothing waits, no reply loses its middle.

A reply is drawn line by line as room comes; what is said meanwhile waits for its end.
"""

from tidegate.limits import CONSOLE_RING_BYTES, CONSOLE_STEP_BYTES


class Output:
    """A ring of bytes before a terminal, and behind it the reply that is under way.

    Argument: terminal, the port. Members: terminal; moved, whether the last step passed any byte;
    stopped, whether the terminal then took no more.
    """

    def __init__(self, terminal):
        self.terminal = terminal
        self._newline = terminal.newline.decode()
        self._ring = memoryview(bytearray(CONSOLE_RING_BYTES))
        self._at = self._count = 0
        self._reply = None
        self._piece = b""
        self._piece_at = 0
        self.moved = self.stopped = False

    def is_busy(self):
        """Whether a reply is under way."""
        return self._reply is not None

    def is_empty(self):
        """Whether all has gone."""
        return not self._count and self._reply is None

    def put(self, text):
        """Show a text now. Result: False where there is no room for all of it: none is shown."""
        data = self._encoded(text)
        if self._reply is not None or len(data) > len(self._ring) - self._count:
            return False
        self._store(data, 0)
        return True

    def begin(self, reply):
        """Show a reply. Argument: an iterator of texts; an empty one says: not yet."""
        assert self._reply is None
        self._reply = reply

    def cancel(self):
        """The rest of a reply is not wanted. Result: whether there was one."""
        was_busy, self._reply, self._piece = self._reply is not None, None, b""
        return was_busy

    def step(self):
        """Draw from the reply, hand over to the terminal CONSOLE_STEP_BYTES at most.

        Errors: whatever the reply raises; it is over then.
        """
        self.moved = self.stopped = False
        self._draw()
        left = CONSOLE_STEP_BYTES
        while self._count and left and not self.stopped:
            end = min(self._at + min(self._count, left), len(self._ring))
            taken = self.terminal.write(self._ring[self._at:end])
            self.moved = self.moved or taken > 0
            self.stopped = taken < end - self._at
            left -= taken
            self._count -= taken
            self._at = (self._at + taken) % len(self._ring) if self._count else 0

    def _draw(self):
        while self._reply is not None and self._count < len(self._ring):
            if self._piece_at >= len(self._piece):
                reply, self._reply = self._reply, None
                try:
                    piece = next(reply)
                except StopIteration:
                    return
                self._reply = reply
                if not piece:
                    return
                self._piece, self._piece_at = self._encoded(piece), 0
            self._piece_at += self._store(self._piece, self._piece_at)

    def _store(self, data, start):
        """Put what fits of `data` from `start` on. Result: number of bytes."""
        size = len(self._ring)
        count = min(len(data) - start, size - self._count)
        end = (self._at + self._count) % size
        first = min(count, size - end)
        self._ring[end:end + first] = data[start:start + first]
        self._ring[:count - first] = data[start + first:start + count]
        self._count += count
        return count

    def _encoded(self, text):
        return text.replace("\n", self._newline).encode()
