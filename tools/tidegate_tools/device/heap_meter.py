"""What a serial meter keeps of the heap, and what 10,000 polls with a frame each allocate.

Run by on_webassembly.mjs, and by the Unix port. The meter on the other end makes its frames in
place, so that what is measured is the source alone, line included.
"""

import gc
import json
import sys

sys.path.append("/modules")

from tidegate.observe.catalogue import Catalogue  # noqa: E402
from tidegate.sources.serial_meter import SerialMeter  # noqa: E402
from tidegate.spool.crc import FIRST, crc24, put_crc  # noqa: E402

POLL_COUNT = 10_000
WARM_UP_COUNT = 100
# Seconds of the meter: its stamps come round within the polls.
FIRST_S = 530_000
IDS = (501, 502, 503, 507, 508, 509, 513, 201, 202, 553, 710, 515)


class Line:
    """A line on which each second a frame comes, with new values of all IDS."""

    def __init__(self):
        self.frame = bytearray(128)
        self.coded = bytearray(160)
        self.size = self.at = 0
        self.heard_count = 0

    def second(self, number):
        """Put the next frame on the line: seq and stamp move on, every value is another."""
        frame = self.frame
        frame[2] = 1
        self._put(4, 2, number)
        self._put(6, 4, number * 1_000 & (1 << 29) - 1)
        at = 10
        for index in range(len(IDS)):
            self._put(at, 2, IDS[index])
            at += 2
            raw = (number * 613 + index * 9_973) % 1_000_003
            while raw > 0x7F:
                frame[at] = raw & 0x7F | 0x80
                raw >>= 7
                at += 1
            frame[at] = raw
            at += 1
        self._put(0, 2, at + 3)
        put_crc(frame, at, crc24(FIRST, frame, 0, at))
        self._code(at + 3)

    def _put(self, at, size, number):
        for place in range(at, at + size):
            self.frame[place] = number & 0xFF
            number >>= 8

    def _code(self, size):
        coded, frame = self.coded, self.frame
        code_at, at = 1, 2
        coded[0] = 0
        for index in range(size):
            if frame[index]:
                coded[at] = frame[index]
            else:
                coded[code_at] = at - code_at
                code_at = at
            at += 1
        coded[code_at] = at - code_at
        coded[at] = 0
        self.size, self.at = at + 1, 0

    def readinto(self, buffer):
        """See `hal.ports.Line.readinto`."""
        count = 0
        while count < len(buffer) and self.at < self.size:
            buffer[count] = self.coded[self.at]
            count += 1
            self.at += 1
        return count or None

    def hear(self, observation_id, value):
        """What the source hands on."""
        self.heard_count += 1


def poll(source, line, hear, first, count):
    """Bytes that the polls allocated."""
    before = gc.mem_alloc()
    for number in range(first, first + count):
        line.second(number)
        source.step(0, hear)
    return gc.mem_alloc() - before


catalogue = Catalogue()
line = Line()
hear = line.hear
kept = allocated = 0
gc.collect()
# ---
gc.collect()
kept = -gc.mem_alloc()
source = SerialMeter(line, catalogue)
# ---
gc.collect()
kept += gc.mem_alloc()
poll(source, line, hear, FIRST_S - WARM_UP_COUNT, WARM_UP_COUNT)
# ---
gc.collect()
gc.disable()
# ---
allocated = poll(source, line, hear, FIRST_S, POLL_COUNT)
# ---
print(json.dumps({
    "kept": kept, "allocated": allocated, "taken": source.taken_count, "heard": line.heard_count,
    "flaws": sum(source.counts)}))
