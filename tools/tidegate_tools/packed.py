"""Payloads of codec `packed` into the members that codec `json` has (SPEC section 4b).

Kept to what MicroPython knows too, so that the shared vectors are decoded on both interpreters.
"""

import binascii

VERSION = 1
LOGS = ("telemetry", "records")
QUALITIES = ("unknown", "estimated", "rtc", "synced")
REASONS = ("evicted", "lost", "cut")
TIMED = 4
RECORDS, HISTORICAL, DATED, AGED, SNAPSHOT, LATE = 1, 2, 16, 32, 64, 128
NUMBER, TEXT, OPAQUE, PART = 0, 1, 2, 3
SAME_TIME = 4


def members(payload):
    """Argument: payload, bytes that begin with VERSION. Result: a dict as of SPEC section 4.

    Errors: ValueError where the bytes end too early or a field is out of its range.
    """
    reader = _Reader(payload)
    if reader.byte() != VERSION:
        raise ValueError("the version is not %d" % VERSION)
    flags = reader.byte()
    found = {
        "v": 1, "log": LOGS[flags & RECORDS], "historical": bool(flags & HISTORICAL),
        "q": QUALITIES[flags >> 2 & 3], "store": binascii.hexlify(reader.data(8)).decode(),
    }
    found["dev"] = reader.data(reader.varint()).decode()
    for name in ("seq", "boot", "mono"):
        found[name] = reader.varint()
    found["utc"] = reader.varint() if flags & DATED else None
    if flags & LATE:
        found["late_ms"] = reader.varint()
    age_s = reader.varint() if flags & AGED else None
    found["lag"] = {"age_s": age_s}
    for name in ("count", "bytes", "rate"):
        found["lag"][name] = reader.varint()
    drain_s = reader.varint()
    found["lag"]["drain_s"] = drain_s - 1 if drain_s else None
    found["gaps"] = [_gap(reader) for _ in range(reader.varint())]
    if flags & SNAPSHOT:
        found["snapshot"] = True
    found["obs"] = _observations(reader, flags & SNAPSHOT)
    return found


def _gap(reader):
    first = reader.varint()
    last = first + reader.varint()
    reason = reader.byte()
    if reason & ~TIMED >= len(REASONS):
        raise ValueError("a gap's reason is unknown")
    count = reader.varint()
    span = [_moment(reader), _moment(reader)] if reason & TIMED else [None, None]
    return [first, last, REASONS[reason & ~TIMED], count] + span


def _moment(reader):
    boot, mono_ms, utc = reader.varint(), reader.varint(), reader.varint()
    return [boot, mono_ms, utc - 1 if utc else None]


def _observations(reader, is_snapshot):
    rows = []
    last = {}
    observation_id = delta_ms = 0
    seq_delta = -1
    while not reader.is_at_end():
        key = reader.varint()
        kind = key & 3
        observation_id += _signed(key >> 3)
        if not key & SAME_TIME:
            delta_ms += reader.varint()
        if not is_snapshot:
            seq_delta += 1
        else:
            seq_delta = max(0, seq_delta) + reader.varint()
        if kind == NUMBER:
            value = last.get(observation_id, 0) + _signed(reader.varint())
            last[observation_id] = value
        elif kind == TEXT:
            value = reader.data(reader.varint()).decode()
        elif kind == OPAQUE:
            data = reader.data(reader.varint())
            value = {"b64": binascii.b2a_base64(data)[:-1].decode()}
        else:
            total, offset = reader.varint(), reader.varint()
            data = reader.data(reader.varint())
            value = {"b64": binascii.b2a_base64(data)[:-1].decode(), "at": offset, "of": total}
        rows.append([seq_delta, delta_ms, observation_id, value])
    return rows


def _signed(raw):
    return -(raw >> 1) - 1 if raw & 1 else raw >> 1


class _Reader:
    def __init__(self, payload):
        self._payload = payload
        self._at = 0

    def is_at_end(self):
        return self._at == len(self._payload)

    def byte(self):
        if self._at >= len(self._payload):
            raise ValueError("the payload ends too early")
        byte = self._payload[self._at]
        self._at += 1
        return byte

    def data(self, count):
        end = self._at + count
        if end > len(self._payload):
            raise ValueError("the payload ends too early")
        data = bytes(self._payload[self._at:end])
        self._at = end
        return data

    def varint(self):
        value = shift = 0
        while shift < 70:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
        raise ValueError("an integer is longer than 10 bytes")
