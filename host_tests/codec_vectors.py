"""Batches for the codecs, the same on both interpreters, and what each codec makes of them.

On MicroPython this file is a script: it prints each payload as hexadecimal digits.
"""

import binascii

from tidegate.observe.catalogue import KIND, MAX, MIN, NUMBER, ROWS, TEXT, Catalogue
from tidegate.uplink.codec_collection import CollectionCodec
from tidegate.uplink.codec_json import JsonCodec
from tidegate.uplink.codec_packed import PackedCodec

TEXTS = ("", "abc", 'q"\\\n\x01', "ü€", "x" * 64)
OPAQUES = (b"OCMF|{}|{}", bytes(range(256)), b"\xff\x00", bytes(1_024), b'"' * 1_024)
LARGE = bytes(number * number & 0xFF for number in range(8_192))
ENVELOPES = (
    {"utc": 1_768_509_661_000, "q": "synced", "log": "telemetry", "historical": True,
     "lag": {"age_s": 214, "count": 180, "bytes": 12, "rate": 3, "drain_s": 7}, "gaps": [
         (5, 9, "evicted", 5, (1, 1 << 30, 1_768_500_000_000), (2, 0, None)),
         (20, 20, "lost", 1, None, None), (21, 21, "cut", 1, None, None)]},
    {"utc": None, "q": "unknown", "log": "records", "historical": False,
     "lag": {"age_s": None, "count": 0, "bytes": 12, "rate": 3, "drain_s": 7}, "gaps": []},
    {"utc": 1_768_509_661_000, "q": "estimated", "late_ms": 3_456_789_012, "log": "records",
     "historical": True, "gaps": [],
     "lag": {"age_s": None, "count": 0, "bytes": 12, "rate": 3, "drain_s": None}},
)


def envelope(number):
    """One of the envelopes, with all members of SPEC section 4 but `obs`."""
    members = {"v": 1, "dev": "d" * 64, "store": "9f0c5a7e11d2b346", "seq": 1 << 40,
               "boot": 70_000, "mono": 1 << 41}
    members.update(ENVELOPES[number % len(ENVELOPES)])
    return members


def batches(seed):
    """[(envelope, [(seq delta, delta ms, id, value)])]: each kind, with values at its limits."""
    state = seed
    made = []
    for number in range(40):
        observations, delta_ms = [], 0
        for position in range(1 + number % 12):
            state = (state * 1_103_515_245 + 12_345) & 0x3FFFFFFF
            row = ROWS[(state >> 8) % len(ROWS)]
            delta_ms += (0, 0, 1_000, 5)[state >> 3 & 3]
            if row[KIND] == NUMBER:
                value = (row[MIN], row[MAX], (row[MIN] + row[MAX]) // 2)[(state >> 5) % 3]
            elif row[KIND] == TEXT:
                value = TEXTS[(state >> 5) % len(TEXTS)]
            else:
                value = OPAQUES[(state >> 5) % len(OPAQUES)]
            observations.append((position, delta_ms, row[0], value))
        made.append((envelope(number), observations))
    return made


def payloads(seed):
    """For each batch and codec: (codec's name, how many observations fitted, payload)."""
    codecs = (JsonCodec(), PackedCodec(), CollectionCodec(Catalogue()))
    for members, observations in batches(seed):
        for codec in codecs:
            codec.begin(members)
            count = 0
            while count < len(observations) and codec.add(*observations[count]):
                count += 1
            yield codec.name, count, bytes(codec.finish())


def part_payloads():
    """For each codec, a value in parts: (codec's name, number of bytes taken, payload)."""
    for codec in (JsonCodec(), PackedCodec(), CollectionCodec(Catalogue())):
        offset = 0
        while offset < len(LARGE):
            codec.begin(envelope(0))
            assert not codec.add(0, 0, 554, LARGE)
            count = codec.add_part(554, LARGE, offset)
            offset += count
            yield codec.name, count, bytes(codec.finish())


SNAPSHOT = ((0, 0, 501, 230_125), (7, 0, 553, 12), (500, 1_000, 721, "a"), (501, 9_000, 809, -70))


def snapshot_payloads():
    """For each codec, a snapshot: its seqs have holes."""
    for codec in (JsonCodec(), PackedCodec(), CollectionCodec(Catalogue())):
        codec.begin(dict(envelope(0), snapshot=True, gaps=[]))
        for each in SNAPSHOT:
            assert codec.add(*each)
        yield codec.name, len(SNAPSHOT), bytes(codec.finish())


if __name__ == "__main__":
    for name, count, payload in (list(payloads(7)) + list(part_payloads())
                                 + list(snapshot_payloads())):
        # The members of a JSON object have no order on MicroPython.
        print(name, count, binascii.hexlify(payload).decode())
