"""Payloads as JSON. SPEC section 4."""

import binascii
import json

from tidegate.uplink.payload import Payload

# Four numbers of at most 20 digits, with sign, brackets and commas, and the closing "]}".
_NUMBERS_BYTES_MAX = 4 * 21 + 6 + 2
# What stands around a part, and the rounding of base64.
_PART_BYTES = 64
_COMMA, _OPEN, _CLOSE = 0x2C, 0x5B, 0x5D


class JsonCodec:
    """Builds one payload at a time: `begin`, `add` while it fits, `finish`."""

    name = "json"

    def __init__(self):
        self._payload = Payload()
        self._count = 0

    def begin(self, envelope):
        """Start a payload. Argument: envelope, a dict of all members but `obs`."""
        self._payload.at = self._count = 0
        self._payload.data(json.dumps(envelope, separators=(",", ":"))[:-1].encode())
        self._payload.data(b',"obs":[')

    def add(self, seq_delta, delta_ms, observation_id, value):
        """Add an observation. Result: False where it does not fit; nothing was added then."""
        payload = self._payload
        if not isinstance(value, int) and not payload.has_room(len(value)):
            return False
        tail = None if isinstance(value, int) else self._encode(value)
        if not payload.has_room(_NUMBERS_BYTES_MAX + (len(tail) if tail else 0)):
            return False
        if self._count:
            payload.byte(_COMMA)
        payload.byte(_OPEN)
        for number in (seq_delta, delta_ms, observation_id):
            payload.decimal(number)
            payload.byte(_COMMA)
        if tail is None:
            payload.decimal(value)
        else:
            payload.data(tail)
        payload.byte(_CLOSE)
        self._count += 1
        return True

    def add_part(self, observation_id, value, offset):
        """Add, as the only observation, what fits of an opaque value from `offset` on.

        Result: number of its bytes.
        """
        payload = self._payload
        data = value[offset:offset + payload.room_bytes() * 3 // 4 - _PART_BYTES]
        payload.data(b'[0,0,%d,{"b64":"%s","at":%d,"of":%d}]' % (
            observation_id, binascii.b2a_base64(data)[:-1], offset, len(value)))
        self._count += 1
        return len(data)

    def finish(self):
        """Result: a view of the whole payload, valid until the next `begin`."""
        self._payload.data(b"]}")
        return self._payload.view()

    @staticmethod
    def _encode(value):
        if isinstance(value, str):
            return json.dumps(value).encode()
        return b'{"b64":"' + binascii.b2a_base64(value)[:-1] + b'"}'
