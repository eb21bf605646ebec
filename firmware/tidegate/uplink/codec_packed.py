"""Payloads as bytes: the content of the JSON ones in a quarter of the room. SPEC section 4b."""

import binascii

from tidegate.uplink.payload import Payload

VERSION = 1
_NUMBER, _TEXT, _OPAQUE, _PART = 0, 1, 2, 3
_SAME_TIME = 4
_TIMED = 4
_RECORDS, _HISTORICAL, _DATED, _AGED, _SNAPSHOT, _LATE = 1, 2, 16, 32, 64, 128
# Key, time, seq and value of a number: four varints of at most 2, 9, 5 and 10 bytes.
_NUMBER_BYTES_MAX = 26


class PackedCodec:
    """Builds one payload at a time: `begin`, `add` while it fits, `finish`.

    Argument: room, as of `Payload`.
    """

    name = "packed"

    def __init__(self, room=None):
        self._payload = Payload(room)
        self._head = None
        self._last = {}
        self._is_snapshot = False
        self._last_delta = 0
        self._last_id = 0
        self._last_ms = 0

    def begin(self, envelope):
        """Start a payload. Argument: envelope, a dict of all members of SPEC 4 but `obs`."""
        payload = self._payload
        payload.at = self._last_id = self._last_ms = self._last_delta = 0
        self._is_snapshot = "snapshot" in envelope
        # To clear it would cost a new table for each batch.
        for observation_id in self._last:
            self._last[observation_id] = 0
        utc_ms, lag = envelope["utc"], envelope["lag"]
        qualities = ("unknown", "estimated", "rtc", "synced")
        flags = qualities.index(envelope["q"]) << 2
        flags |= _RECORDS if envelope["log"] == "records" else 0
        flags |= _HISTORICAL if envelope["historical"] else 0
        flags |= 0 if utc_ms is None else _DATED
        flags |= 0 if lag["age_s"] is None else _AGED
        flags |= _SNAPSHOT if self._is_snapshot else 0
        flags |= _LATE if "late_ms" in envelope else 0
        payload.byte(VERSION)
        payload.byte(flags)
        if self._head is None:
            # The same in each batch of a boot.
            device = envelope["dev"].encode()
            self._head = binascii.unhexlify(envelope["store"]) + bytes((len(device),)) + device
        payload.data(self._head)
        for name in ("seq", "boot", "mono"):
            payload.varint(envelope[name])
        if utc_ms is not None:
            payload.varint(utc_ms)
        if flags & _LATE:
            payload.varint(envelope["late_ms"])
        if lag["age_s"] is not None:
            payload.varint(lag["age_s"])
        payload.varint(lag["count"])
        payload.varint(lag["bytes"])
        payload.varint(lag["rate"])
        payload.varint(0 if lag["drain_s"] is None else lag["drain_s"] + 1)
        payload.varint(len(envelope["gaps"]))
        for first, last, reason, count, begin, end in envelope["gaps"]:
            payload.varint(first)
            payload.varint(last - first)
            code = ("evicted", "lost", "cut").index(reason)
            payload.byte(code if begin is None else code | _TIMED)
            payload.varint(count)
            for boot, mono_ms, utc_ms in () if begin is None else (begin, end):
                payload.varint(boot)
                payload.varint(mono_ms)
                payload.varint(0 if utc_ms is None else utc_ms + 1)

    def add(self, seq_delta, delta_ms, observation_id, value):
        """Add an observation; without a hole in the seqs, but in a snapshot.

        Result: False where it does not fit; nothing was added then.
        """
        payload = self._payload
        kind = _NUMBER
        size = _NUMBER_BYTES_MAX
        if not isinstance(value, int):
            kind = _TEXT if isinstance(value, str) else _OPAQUE
            value = value.encode() if kind == _TEXT else value
            size += len(value)
        if not payload.has_room(size):
            return False
        step_ms = delta_ms - self._last_ms
        key = _zigzag(observation_id - self._last_id) << 3 | kind
        payload.varint(key if step_ms else key | _SAME_TIME)
        if step_ms:
            payload.varint(step_ms)
        if self._is_snapshot:
            payload.varint(seq_delta - self._last_delta)
            self._last_delta = seq_delta
        if kind == _NUMBER:
            payload.varint(_zigzag(value - self._last.get(observation_id, 0)))
            self._last[observation_id] = value
        else:
            self._sized(value)
        self._last_id, self._last_ms = observation_id, delta_ms
        return True

    def add_part(self, observation_id, value, offset):
        """Add, as the only observation, what fits of an opaque value from `offset` on.

        Result: number of its bytes.
        """
        data = value[offset:offset + self._payload.room_bytes() - _NUMBER_BYTES_MAX]
        self._payload.varint(_zigzag(observation_id) << 3 | _SAME_TIME | _PART)
        self._payload.varint(len(value))
        self._payload.varint(offset)
        self._sized(data)
        return len(data)

    def finish(self):
        """Result: a view of the whole payload, valid until the next `begin`."""
        return self._payload.view()

    def _sized(self, data):
        self._payload.varint(len(data))
        self._payload.data(data)


def _zigzag(value):
    return value << 1 if value >= 0 else -(value << 1) - 1
