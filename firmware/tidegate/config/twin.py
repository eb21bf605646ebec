"""A small table on flash that outlives damage: two copies, numbered, each with its CRC. SPEC 10.

The port replaces a record whole or not at all. Two copies on top of that outlive what the port
does not promise: a bit that flips later, and a port or file system that breaks its word. At any
moment one of them is whole: the copy that is worse is written first, the other only when that is
durable. Read, the newest whole copy wins, and the other is made like it.
"""

import binascii
import json
import struct

from tidegate.limits import COUNT32_MAX, TWIN_BYTES_MAX

CONFIGURATION, SECRETS = 0, 1
_MAGIC, _VERSION = b"TC", 1
_HEAD, _HEAD_BYTES, _CRC_BYTES = "<2sBBIH", 10, 4
WRITTEN, TOO_LARGE, FAILED = range(3)


class Twin:
    """A dict, kept under `name`.0 and `name`.1.

    Arguments: keep, the port; name; kind, CONFIGURATION or SECRETS, so that no record is taken
    for another.
    Members to read: body, what the newest whole copy holds, None where there is none; damage,
    [(name of a copy, what is wrong with it)] as found at the start or by the last write.
    """

    def __init__(self, keep, name, kind):
        self._keep = keep
        self._kind = kind
        self._names = (name + ".0", name + ".1")
        self._serials = [-1, -1]
        self.body = None
        self.damage = []
        records = [keep.load(each) for each in self._names]
        for copy, record in enumerate(records):
            serial, body, wrong = _parse(record, kind)
            if wrong:
                self.damage.append((self._names[copy], wrong))
            elif body is not None:
                self._serials[copy] = serial
                if serial >= max(self._serials):
                    self.body = body
        if self._serials[0] != self._serials[1]:
            newest = 0 if self._serials[0] > self._serials[1] else 1
            if self._put(1 - newest, records[newest]):
                self._serials[1 - newest] = self._serials[newest]

    def write(self, body):
        """Put another dict in the place of what is kept.

        Result: WRITTEN, once one copy is durable; TOO_LARGE or FAILED, and the one before holds.
        """
        serial = (max(self._serials) + 1) & COUNT32_MAX
        record = _build(body, self._kind, serial)
        if len(record) > TWIN_BYTES_MAX:
            return TOO_LARGE
        worse = 0 if self._serials[0] <= self._serials[1] else 1
        self.damage = []
        if not self._put(worse, record):
            self._serials[worse] = -1
            return FAILED
        self._serials[worse] = serial
        self.body = body
        if self._put(1 - worse, record):
            self._serials[1 - worse] = serial
        return WRITTEN

    def _put(self, copy, record):
        """Write one copy and read it back: only what reads back counts."""
        name = self._names[copy]
        is_durable = self._keep.save(name, record) and self._keep.load(name) == record
        if not is_durable:
            self.damage.append((name, "cannot be written"))
        return is_durable


def _build(body, kind, serial):
    text = json.dumps(body).encode()
    if len(text) > TWIN_BYTES_MAX:
        return text
    record = struct.pack(_HEAD, _MAGIC, _VERSION, kind, serial, len(text)) + text
    return record + struct.pack("<I", binascii.crc32(record))


def _parse(record, kind):
    """Result: (serial, body, ""); (-1, None, what is wrong), where "": there is no record."""
    if not record:
        return -1, None, ""
    if len(record) < _HEAD_BYTES + _CRC_BYTES:
        return -1, None, "cut short"
    magic, version, found, serial, size = struct.unpack(_HEAD, record[:_HEAD_BYTES])
    if magic != _MAGIC:
        return -1, None, "no configuration"
    end = len(record) - _CRC_BYTES
    if struct.unpack("<I", record[end:])[0] != binascii.crc32(record[:end]):
        return -1, None, "damaged"
    if version != _VERSION:
        return -1, None, "of format %d" % version
    if found != kind or size != end - _HEAD_BYTES:
        return -1, None, "damaged"
    try:
        body = json.loads(record[_HEAD_BYTES:end])
    except (ValueError, RuntimeError):
        body = None
    if not isinstance(body, dict):
        return -1, None, "damaged"
    return serial, body, ""
