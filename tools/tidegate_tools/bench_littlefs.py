"""The other way to keep records: appended to a file of littlefs and flushed, one by one."""

import struct

from littlefs import LittleFS, UserContext

BLOCK_BYTES = 4_096
BLOCK_COUNT = 64
# What the issue names; the cache is MicroPython's rule, four times the larger of both sizes.
UNIT_BYTES = 128
CACHE_BYTES = 4 * UNIT_BYTES
LOOKAHEAD_BYTES = 32
BLOCK_CYCLES = 100
# One file of four blocks, and the one before it.
FILE_BYTES_MAX = 16_384
RECORD = struct.Struct("<IIHq")


class CountingDevice(UserContext):
    """A block device in RAM that counts what littlefs programs and erases."""

    def __init__(self, block_count):
        super().__init__(block_count * BLOCK_BYTES)
        self.programmed_bytes_count = 0
        self.erase_count = 0

    def read(self, cfg, block, off, size):
        """Bytes of a block."""
        start = block * BLOCK_BYTES + off
        return self.buffer[start:start + size]

    def prog(self, cfg, block, off, data):
        """Take bytes, and count them. Result: 0, no error."""
        start = block * BLOCK_BYTES + off
        self.buffer[start:start + len(data)] = data
        self.programmed_bytes_count += len(data)
        return 0

    def erase(self, cfg, block):
        """Erase a block, and count it. Result: 0, no error."""
        start = block * BLOCK_BYTES
        self.buffer[start:start + BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
        self.erase_count += 1
        return 0


def record(seq, mono_ms, observation_id, value):
    """A numeric observation as a program without a spool would write it: 18 bytes, no CRC."""
    return RECORD.pack(seq & 0xFFFFFFFF, mono_ms & 0xFFFFFFFF, observation_id, value)


def append_all(records):
    """Appends records, each flushed before the next. Arguments: records, bytes of each.

    Result: (bytes programmed, blocks erased) per record.
    """
    device = CountingDevice(BLOCK_COUNT)
    files = LittleFS(device, block_size=BLOCK_BYTES, block_count=BLOCK_COUNT,
                     read_size=UNIT_BYTES, prog_size=UNIT_BYTES, cache_size=CACHE_BYTES,
                     lookahead_size=LOOKAHEAD_BYTES, block_cycles=BLOCK_CYCLES)
    device.programmed_bytes_count = device.erase_count = 0
    file, size = files.open("log", "wb", buffering=0), 0
    for data in records:
        if size + len(data) > FILE_BYTES_MAX:
            file.close()
            files.rename("log", "log.old")
            file, size = files.open("log", "wb", buffering=0), 0
        file.write(data)
        file.flush()
        size += len(data)
    programmed, erased = device.programmed_bytes_count, device.erase_count
    file.close()
    return programmed / len(records), erased / len(records)
