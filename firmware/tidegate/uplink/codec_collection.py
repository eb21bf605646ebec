"""Payloads in the form of the charger family's present messages. SPEC section 4c."""

import binascii
import json

from tidegate.clock.civil import iso_text
from tidegate.observe.catalogue import DECIMALS, KIND, NUMBER
from tidegate.uplink.payload import Payload

_COLLECTION, _OBSERVATION = 6, 1
# What stands around a part, and the rounding of base64.
_PART_BYTES = 128


class CollectionCodec:
    """Builds one payload at a time: `begin`, `add` while it fits, `finish`.

    Arguments: catalogue, which gives each value its decimals; room, as of `Payload`.
    """

    name = "collection"

    def __init__(self, catalogue, room=None):
        self._catalogue = catalogue
        self._payload = Payload(room)
        self._utc_ms = None
        self._is_snapshot = False
        self._count = 0

    def begin(self, envelope):
        """Start a payload. Argument: envelope, a dict of all members of SPEC 4 but `obs`."""
        self._payload.at = self._count = 0
        self._utc_ms = envelope["utc"]
        self._is_snapshot = "snapshot" in envelope
        key = json.dumps(envelope, separators=(",", ":"))
        self._payload.data(('{"Type":%d,"_key":%s,"Observations":[' % (_COLLECTION, key)).encode())

    def add(self, seq_delta, delta_ms, observation_id, value):
        """Add an observation. Result: False where it does not fit; nothing was added then."""
        if not isinstance(value, int) and not self._payload.has_room(len(value)):
            return False
        at = "null"
        if self._utc_ms is not None:
            at = '"%s"' % iso_text(self._utc_ms + delta_ms)
        data = ('%s{"ObservedAt":%s,"Value":%s,"ObservationId":%d,"Type":%d,"_at":%d%s}' % (
            "," if self._count else "", at, self._text(observation_id, value), observation_id,
            _OBSERVATION, delta_ms,
            ',"_seq":%d' % seq_delta if self._is_snapshot else "")).encode()
        if not self._payload.has_room(len(data) + 2):
            return False
        self._payload.data(data)
        self._count += 1
        return True

    def add_part(self, observation_id, value, offset):
        """Add, as the only observation, what fits of an opaque value from `offset` on.

        Result: number of its bytes.
        """
        data = value[offset:offset + self._payload.room_bytes() * 3 // 4 - _PART_BYTES]
        text = '%s","_b64":1,"_offset":%d,"_of":%d' % (
            binascii.b2a_base64(data)[:-1].decode(), offset, len(value))
        at = "null" if self._utc_ms is None else '"%s"' % iso_text(self._utc_ms)
        self._payload.data((
            '{"ObservedAt":%s,"Value":"%s,"ObservationId":%d,"Type":%d,"_at":0}' % (
                at, text, observation_id, _OBSERVATION)).encode())
        self._count += 1
        return len(data)

    def finish(self):
        """Result: a view of the whole payload, valid until the next `begin`."""
        self._payload.data(b"]}")
        return self._payload.view()

    def _text(self, observation_id, value):
        if isinstance(value, int):
            index = self._catalogue.index(observation_id)
            row = self._catalogue.rows[index] if index >= 0 else None
            decimals = row[DECIMALS] if row and row[KIND] == NUMBER else 0
            return '"%s"' % decimal_text(value, decimals)
        if isinstance(value, str):
            return json.dumps(value)
        encoded = '"%s","_b64":1' % binascii.b2a_base64(value)[:-1].decode()
        try:
            text = json.dumps(value.decode())
        except ValueError:
            return encoded
        return text if len(text.encode()) <= len(encoded) else encoded


def decimal_text(value, decimals):
    """A scaled integer as decimal text: (230125, 3) is "230.125"; exact, without floats."""
    digits = str(abs(value))
    if decimals:
        digits = "0" * (decimals + 1 - len(digits)) + digits
        digits = digits[:-decimals] + "." + digits[-decimals:]
    return "-" + digits if value < 0 else digits
