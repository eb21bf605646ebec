"""Durable appends on the real MicroPython: the spool's, and a file's on VfsLfs2.

Prints one JSON object: microseconds per append, by turns in one process: ours on the NOR model;
a file's with a program size of 128 bytes, with VfsLfs2's default of 32, and with 128 on the same
NOR model. Arguments: how many appends of ours in a turn, how many of a file's, how many turns.
"""

import gc
import json
import sys
import time

from tidegate.clock.monotonic import Monotonic
from tidegate.hal.nor import RamFlash
from tidegate.limits import TICKS_MASK_MS
from tidegate.spool.spool import TELEMETRY, Spool

try:
    from vfs import VfsLfs2
except ImportError:
    from os import VfsLfs2

BLOCK_BYTES = 4_096
BLOCK_COUNT = 64
FILE_BYTES_MAX = 16_384
RECORD_BYTES = 32
NUMBER = 0
IDS = (501, 502, 503, 507, 508, 509, 513, 820)
# Turns of the agent come once a second, an observation more often.
APPENDS_PER_TURN = 8


class RamBlocks:
    """A block device in RAM, as MicroPython's documentation gives it."""

    def __init__(self, block_count):
        self.data = bytearray(block_count * BLOCK_BYTES)
        self.count = block_count

    def readblocks(self, block, buffer, offset=0):
        """Fill `buffer`."""
        start = block * BLOCK_BYTES + offset
        buffer[:] = memoryview(self.data)[start:start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        """Take `buffer`."""
        start = block * BLOCK_BYTES + offset
        self.data[start:start + len(buffer)] = buffer

    def erase(self, block):
        """RAM need not be erased."""

    def ioctl(self, operation, argument):
        """Count, size, erase."""
        if operation == 4:
            return self.count
        if operation == 5:
            return BLOCK_BYTES
        if operation == 6:
            self.erase(argument)
        return 0


class NorBlocks(RamBlocks):
    """The same over the NOR model that ours is measured on."""

    def __init__(self, block_count):
        self.flash = RamFlash(block_count)
        self.count = block_count

    def readblocks(self, block, buffer, offset=0):
        """Fill `buffer`."""
        self.flash.read(block * BLOCK_BYTES + offset, buffer)

    def writeblocks(self, block, buffer, offset=0):
        """Take `buffer`."""
        self.flash.program(block * BLOCK_BYTES + offset, buffer)

    def erase(self, block):
        """Erase a block."""
        self.flash.erase(block)


class Ours:
    """A spool that is started and lives in a session."""

    def __init__(self):
        self.monotonic = Monotonic(TICKS_MASK_MS)
        self.monotonic.update(0)
        self.spool = Spool(RamFlash(BLOCK_COUNT), self.monotonic)
        self.spool.recover()
        self.spool.start(b"12345678", 1, 0)
        self.now_ms = 0

    def append(self, count):
        """Append `count` numbers."""
        spool, log = self.spool, self.spool.logs[TELEMETRY]
        for number in range(count):
            if number % APPENDS_PER_TURN == 0:
                self.now_ms = self.monotonic.update(self.now_ms + 1_000 & TICKS_MASK_MS)
                log.confirm(log.ranges.watermark + 1, log.next_seq - 1)
                spool.idle(self.now_ms)
            assert spool.append(TELEMETRY, NUMBER, IDS[number & 7], 229_000 + number, self.now_ms)


class Theirs:
    """A file that each record is appended to and flushed; there are two, of four blocks."""

    def __init__(self, blocks, unit_bytes):
        VfsLfs2.mkfs(blocks, progsize=unit_bytes)
        self.files = VfsLfs2(blocks, progsize=unit_bytes)
        self.record = bytes(RECORD_BYTES)
        self.file = self.files.open("log", "wb")
        self.size = 0

    def append(self, count):
        """Append and flush `count` records."""
        for _ in range(count):
            if self.size + RECORD_BYTES > FILE_BYTES_MAX:
                self.file.close()
                self.files.rename("log", "log.old")
                self.file = self.files.open("log", "wb")
                self.size = 0
            self.file.write(self.record)
            self.file.flush()
            self.size += RECORD_BYTES


def duration_us(side, count):
    """Microseconds per append, a float."""
    gc.collect()
    begin_us = time.ticks_us()
    side.append(count)
    return time.ticks_diff(time.ticks_us(), begin_us) / count


def main(own_count, file_count, turn_count):
    """Warm up once, then take turns."""
    sides = [(Ours(), own_count)] + [
        (Theirs(blocks, unit_bytes), file_count) for blocks, unit_bytes in (
            (RamBlocks(BLOCK_COUNT), 128), (RamBlocks(BLOCK_COUNT), 32),
            (NorBlocks(BLOCK_COUNT), 128))]
    for side, count in sides:
        side.append(count)
    print(json.dumps({"turns": [
        [duration_us(side, count) for side, count in sides] for _ in range(turn_count)]}))


main(*(int(argument) for argument in sys.argv[1:]))
