"""Payloads as JSON, written straight into one buffer. SPEC section 4."""

import binascii
import json

from tidegate.limits import PAYLOAD_BYTES_MAX

_CLOSING_BYTES = 2


class JsonCodec:
    """Builds one payload at a time: `begin`, `add` while it fits, `finish`."""

    def __init__(self):
        self._buffer = bytearray(PAYLOAD_BYTES_MAX)
        self._view = memoryview(self._buffer)
        self._at = 0
        self._count = 0

    def begin(self, envelope):
        """Start a payload. Argument: envelope, a dict of all members but `obs`."""
        text = json.dumps(envelope, separators=(",", ":"))
        self._at = self._count = 0
        self._text(text[:-1])
        self._text(',"obs":[')

    def add(self, seq_delta, delta_ms, observation_id, value):
        """Add an observation. Result: False where it does not fit; nothing was added then."""
        start = self._at
        tail = None
        if not isinstance(value, int):
            tail = self._encode(value)
        if start + 64 + len(tail or b"") + _CLOSING_BYTES > PAYLOAD_BYTES_MAX:
            return False
        if self._count:
            self._byte(0x2C)
        self._byte(0x5B)
        for number in (seq_delta, delta_ms, observation_id):
            self._int(number)
            self._byte(0x2C)
        if tail is None:
            self._int(value)
        else:
            self._buffer[self._at:self._at + len(tail)] = tail
            self._at += len(tail)
        self._byte(0x5D)
        self._count += 1
        return True

    def finish(self):
        """Result: a view of the whole payload, valid until the next `begin`."""
        self._text("]}")
        return self._view[:self._at]

    @staticmethod
    def _encode(value):
        if isinstance(value, str):
            return json.dumps(value).encode()
        return b'{"b64":"' + binascii.b2a_base64(value)[:-1] + b'"}'

    def _text(self, text):
        data = text.encode()
        self._buffer[self._at:self._at + len(data)] = data
        self._at += len(data)

    def _byte(self, byte):
        self._buffer[self._at] = byte
        self._at += 1

    def _int(self, value):
        if value < 0:
            self._byte(0x2D)
            value = -value
        digits = 1
        rest = value // 10
        while rest:
            digits += 1
            rest //= 10
        at = self._at + digits
        self._at = at
        for _ in range(digits):
            at -= 1
            self._buffer[at] = 0x30 + value % 10
            value //= 10
