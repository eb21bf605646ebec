"""Strict NOR semantics over any store of bytes: what the host's flash port refuses."""

import errno
import os

from tidegate.errors import FlashError
from tidegate.limits import BLOCK_BYTES


class NorFlash:
    """A flash port whose bytes come from `_load` and go to `_store`; see `hal.ports.Flash`.

    Arguments: block_count; program_unit_bytes; reprogram, False where a unit may be programmed
    only once between two erases (encrypted flash).
    """

    block_bytes = BLOCK_BYTES

    def __init__(self, block_count, program_unit_bytes=1, reprogram=True):
        self.block_count = block_count
        self.program_unit_bytes = program_unit_bytes
        self.reprogram = reprogram
        self.programmed_bytes_count = 0
        self.program_count = 0
        self.erase_count = 0
        self._old = bytearray(BLOCK_BYTES)
        self._blank = b"\xff" * BLOCK_BYTES

    def _load(self, offset, buffer):
        raise NotImplementedError

    def _store(self, offset, data):
        raise NotImplementedError

    def _check(self, offset, count):
        if offset < 0 or offset + count > self.block_count * BLOCK_BYTES:
            raise FlashError("access at %d of %d bytes is outside the region" % (offset, count))

    def read(self, offset, buffer):
        """See `hal.ports.Flash.read`."""
        self._check(offset, len(buffer))
        self._load(offset, buffer)

    def program(self, offset, data):
        """See `hal.ports.Flash.program`."""
        count = len(data)
        self._check(offset, count)
        if offset % self.program_unit_bytes or count % self.program_unit_bytes or not count:
            raise FlashError("program at %d of %d bytes does not fit units of %d bytes"
                             % (offset, count, self.program_unit_bytes))
        if offset // BLOCK_BYTES != (offset + count - 1) // BLOCK_BYTES:
            raise FlashError("program at %d of %d bytes crosses a block" % (offset, count))
        old = memoryview(self._old)[:count]
        self._load(offset, old)
        for i in range(count):
            if data[i] & ~old[i] & 0xFF:
                raise FlashError("program at %d would set a bit; erase first" % (offset + i))
        if not self.reprogram and bytes(old) != self._blank[:count]:
            raise FlashError("program at %d: this unit was programmed before" % offset)
        self._store(offset, data)
        self.programmed_bytes_count += count
        self.program_count += 1

    def erase(self, block):
        """See `hal.ports.Flash.erase`."""
        self._check(block * BLOCK_BYTES, BLOCK_BYTES)
        self._store(block * BLOCK_BYTES, self._blank)
        self.erase_count += 1


class RamFlash(NorFlash):
    """NOR flash in a bytearray, for tests and benchmarks."""

    def __init__(self, block_count, program_unit_bytes=1, reprogram=True):
        super().__init__(block_count, program_unit_bytes, reprogram)
        self.image = bytearray(b"\xff" * (block_count * BLOCK_BYTES))

    def _load(self, offset, buffer):
        buffer[:] = memoryview(self.image)[offset:offset + len(buffer)]

    def _store(self, offset, data):
        self.image[offset:offset + len(data)] = data


class FileFlash(NorFlash):
    """NOR flash in a file of the host, made blank where it does not exist.

    A write reaches the operating system before the call returns, so the content survives the
    death of the process. Errors: OSError where the file cannot be made or opened.
    """

    def __init__(self, path, block_count, program_unit_bytes=1, reprogram=True):
        super().__init__(block_count, program_unit_bytes, reprogram)
        try:
            self._file = open(path, "r+b", 0)
        except OSError as error:
            # Only a file that is not there is made; one that cannot be opened may hold a spool.
            if error.args[0] != errno.ENOENT:
                raise
            self._make(str(path))
            self._file = open(path, "r+b", 0)
        size_bytes = self._file.seek(0, 2)
        if size_bytes != block_count * BLOCK_BYTES:
            raise FlashError("%s holds %d bytes, the configuration says %d; set flash_bytes"
                             % (path, size_bytes, block_count * BLOCK_BYTES))

    def _make(self, path):
        """Whole or not at all: a file half made would never be opened again."""
        with open(path + ".new", "wb") as made:
            for _ in range(self.block_count):
                made.write(self._blank)
        os.rename(path + ".new", path)

    def _load(self, offset, buffer):
        try:
            self._file.seek(offset)
            count = self._file.readinto(buffer)
        except OSError as error:
            raise FlashError("the file cannot be read at %d: %s" % (offset, error))
        if count != len(buffer):
            raise FlashError("the file ended at %d" % offset)

    def _store(self, offset, data):
        try:
            self._file.seek(offset)
            count = self._file.write(data)
        except OSError as error:
            raise FlashError("the file cannot be written at %d: %s" % (offset, error))
        if count != len(data):
            raise FlashError("the file took less at %d" % offset)

    def close(self):
        """Give the file back."""
        self._file.close()
