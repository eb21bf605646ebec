"""The line discipline of a raw serial stream: echo, editing, history. Pure.

A line is taken whole or not at all: one that is too long, or holds a byte that no keyboard of a
technician sends, is refused at its end.
"""

from tidegate.limits import CONSOLE_HISTORY_COUNT, CONSOLE_LINE_BYTES

# What a byte brought about.
NOTHING, LINE, DAMAGED, TOO_LONG, CANCELLED = range(5)

_CTRL_C, _BACKSPACE, _LF, _CR, _CTRL_U, _ESC, _DELETE = 0x03, 0x08, 0x0A, 0x0D, 0x15, 0x1B, 0x7F
_UP, _DOWN = 0x41, 0x42
_ERASED = "\b \b"
# Where the parser is in an escape sequence.
_PLAIN, _ESCAPED, _SEQUENCE = range(3)
_SEQUENCE_BYTES_MAX = 8


class Line:
    """One line as it is typed.

    Argument: echo(text), which shows it. Members: is_hidden, whether what is typed is a secret:
    neither shown nor remembered.
    """

    def __init__(self, echo):
        self._echo = echo
        self._buffer = bytearray(CONSOLE_LINE_BYTES)
        self._count = 0
        self._refusal = NOTHING
        self._state = _PLAIN
        self._sequence_bytes = 0
        self._was_cr = False
        self._history = []
        self._place = 0
        self.is_hidden = False

    def text(self):
        """What was typed so far, or the whole line after LINE."""
        return bytes(self._buffer[:self._count]).decode()

    def shown(self):
        """What of it stands on the screen."""
        return "" if self.is_hidden or self._refusal else self.text()

    def clear(self):
        """Begin anew."""
        self._count = 0
        self._refusal = NOTHING
        self._state = _PLAIN
        self._place = len(self._history)

    def remember(self, text):
        """Keep a line for the arrow keys."""
        if text and not self.is_hidden and text not in self._history[-1:]:
            self._history.append(text)
            if len(self._history) > CONSOLE_HISTORY_COUNT:
                self._history.pop(0)

    def take(self, byte):
        """Take the next byte. Result: NOTHING, or what has come to its end.

        After LINE read `text()`; after any end call `clear()`.
        """
        if self._state != _PLAIN and 0x20 <= byte <= 0x7E:
            self._escape(byte)
            return NOTHING
        if self._state != _PLAIN:
            # Cut short by what is no part of it.
            self._state = _PLAIN
            self._refusal = self._refusal or DAMAGED
        was_cr, self._was_cr = self._was_cr, byte == _CR
        if byte == _LF and was_cr:
            return NOTHING
        if byte == _CR or byte == _LF:
            return self._refusal or LINE
        if byte == _CTRL_C:
            return CANCELLED
        if byte == _CTRL_U:
            self._replace("")
            self._refusal = NOTHING
        elif byte == _BACKSPACE or byte == _DELETE:
            if self._count and not self._refusal:
                self._count -= 1
                self._show(_ERASED)
        elif byte == _ESC:
            self._state, self._sequence_bytes = _ESCAPED, 0
        elif 0x20 <= byte <= 0x7E:
            self._put(byte)
        else:
            self._refusal = self._refusal or DAMAGED
        return NOTHING

    def _put(self, byte):
        if self._count == CONSOLE_LINE_BYTES:
            self._refusal = self._refusal or TOO_LONG
        if not self._refusal:
            self._buffer[self._count] = byte
            self._count += 1
            self._show(chr(byte))

    def _show(self, text):
        if not self.is_hidden:
            self._echo(text)

    def _escape(self, byte):
        """Arrow keys and other keys of a terminal, as `ESC [ .. final byte`."""
        if self._state == _ESCAPED:
            self._state = _SEQUENCE if byte in b"[O" else _PLAIN
            if self._state == _PLAIN:
                self._refusal = self._refusal or DAMAGED
            return
        self._sequence_bytes += 1
        if byte < 0x40 and self._sequence_bytes < _SEQUENCE_BYTES_MAX:
            return
        self._state = _PLAIN
        if byte < 0x40:
            self._refusal = self._refusal or DAMAGED
        elif (byte == _UP or byte == _DOWN) and self._sequence_bytes == 1:
            self._recall(-1 if byte == _UP else 1)

    def _recall(self, step):
        place = self._place + step
        if self.is_hidden or self._refusal or not 0 <= place <= len(self._history):
            return
        self._place = place
        self._replace(self._history[place] if place < len(self._history) else "")

    def _replace(self, text):
        if not self._refusal:
            self._show(_ERASED * self._count)
        data = text.encode()
        self._buffer[:len(data)] = data
        self._count = len(data)
        self._show(text)
