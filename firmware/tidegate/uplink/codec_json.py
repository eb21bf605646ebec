"""Payloads as JSON. SPEC section 4."""

import binascii
import json

from tidegate.uplink.payload import Payload

# Four numbers of at most 20 digits, with sign, brackets and commas, and the closing "]}".
_NUMBERS_BYTES_MAX = 4 * 21 + 6 + 2
# What stands around a part, and the rounding of base64.
_PART_BYTES = 64
# ASCII, so that a batch makes no text only to encode it.
_LOGS = {"telemetry": b"telemetry", "records": b"records"}
_QUALITIES = {"unknown": b"unknown", "estimated": b"estimated", "rtc": b"rtc",
              "synced": b"synced"}
_COMMA, _OPEN, _CLOSE = 0x2C, 0x5B, 0x5D


class JsonCodec:
    """Builds one payload at a time: `begin`, `add` while it fits, `finish`.

    Argument: room, as of `Payload`.
    """

    name = "json"

    def __init__(self, room=None):
        self._payload = Payload(room)
        self._head = None
        self._count = 0

    def begin(self, envelope):
        """Start a payload. Argument: envelope, a dict of all members but `obs`."""
        payload = self._payload
        payload.at = self._count = 0
        if self._head is None:
            # The same in each batch of a boot.
            self._head = ('{"v":1,"dev":"%s","store":"%s","log":"' % (
                envelope["dev"], envelope["store"])).encode()
        payload.data(self._head)
        payload.data(_LOGS[envelope["log"]])
        self._number(b'","seq":', envelope["seq"])
        self._number(b',"boot":', envelope["boot"])
        self._number(b',"mono":', envelope["mono"])
        self._number(b',"utc":', envelope["utc"])
        payload.data(b',"q":"')
        payload.data(_QUALITIES[envelope["q"]])
        payload.data(b'"')
        if "late_ms" in envelope:
            self._number(b',"late_ms":', envelope["late_ms"])
        payload.data(b',"historical":true' if envelope["historical"]
                     else b',"historical":false')
        lag = envelope["lag"]
        self._number(b',"lag":{"age_s":', lag["age_s"])
        self._number(b',"count":', lag["count"])
        self._number(b',"bytes":', lag["bytes"])
        self._number(b',"rate":', lag["rate"])
        self._number(b',"drain_s":', lag["drain_s"])
        payload.data(b'},"gaps":')
        gaps = envelope["gaps"]
        payload.data(json.dumps(gaps, separators=(",", ":")).encode() if gaps else b"[]")
        if "snapshot" in envelope:
            payload.data(b',"snapshot":true')
        payload.data(b',"obs":[')

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
        payload.decimal(seq_delta)
        payload.byte(_COMMA)
        payload.decimal(delta_ms)
        payload.byte(_COMMA)
        payload.decimal(observation_id)
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

    def _number(self, key, value):
        self._payload.data(key)
        if value is None:
            self._payload.data(b"null")
        else:
            self._payload.decimal(value)

    @staticmethod
    def _encode(value):
        if isinstance(value, str):
            return json.dumps(value).encode()
        return b'{"b64":"' + binascii.b2a_base64(value)[:-1] + b'"}'
