"""Strict NOR semantics over any store of bytes: what the host's flash port refuses."""

import errno
import os

from tidegate.errors import FlashError
from tidegate.hal.blocks import FlashShape
from tidegate.limits import BLOCK_BYTES


class NorFlash(FlashShape):
    """A flash port whose bytes come from `_load` and go to `_store`; see `hal.ports.Flash`.

    What the contract forbids is refused before anything is changed. Arguments: block_count;
    program_unit_bytes; reprogram, False where a unit may be programmed only once between two
    erases (encrypted flash); block_bytes. Counters: of programs and of the bytes given to them,
    of erases, of bytes read.
    """

    def __init__(self, block_count, program_unit_bytes=1, reprogram=True,
                 block_bytes=BLOCK_BYTES):
        super().__init__(block_count, block_bytes, program_unit_bytes, reprogram)
        self.programmed_bytes_count = 0
        self.program_count = 0
        self.erase_count = 0
        self.read_bytes_count = 0
        self._old = memoryview(bytearray(block_bytes))
        self._blank = b"\xff" * block_bytes
        self._blank_view = memoryview(self._blank)
        self._blank_unit = self._blank[:program_unit_bytes]
        # Units that their bytes may not show as programmed: one of the program was all 0xFF.
        self._spent = set()

    def _load(self, offset, buffer):
        raise NotImplementedError

    def _store(self, offset, data):
        raise NotImplementedError

    def _view(self, offset, count):
        """What stands there, until the next call."""
        old = self._old[:count]
        self._load(offset, old)
        return old

    def read(self, offset, buffer):
        """See `hal.ports.Flash.read`."""
        count = len(buffer)
        self._check(offset, count)
        self._load(offset, buffer)
        self.read_bytes_count += count

    def program(self, offset, data):
        """See `hal.ports.Flash.program`."""
        count = len(data)
        self._check_program(offset, count)
        old = self._view(offset, count)
        if not self.reprogram:
            self._spend(offset, old, bytes(data))
        elif old != self._blank_view[:count]:
            offset, data = self._merged(offset, old, bytes(data))
        self._store(offset, data)
        self.programmed_bytes_count += count
        self.program_count += 1

    def _merged(self, offset, old, data):
        """(where, what) to store, given what stands at `offset`."""
        # 0xFF changes nothing: what stands around the rest is not even looked at.
        inner = data.lstrip(b"\xff")
        start = len(data) - len(inner)
        inner = inner.rstrip(b"\xff")
        count = len(inner)
        both = int.from_bytes(old[start:start + count], "big") & int.from_bytes(inner, "big")
        merged = both.to_bytes(count, "big")
        if merged != inner:
            for i in range(count):
                if inner[i] != merged[i] and inner[i] != 0xFF:
                    raise FlashError("program at %d would set a bit; erase first"
                                     % (offset + start + i))
        return offset + start, merged

    def _spend(self, offset, old, data):
        """Refuse units that were programmed since the last erase, and remember the others."""
        count, unit = len(data), self.program_unit_bytes
        units = range(offset // unit, (offset + count) // unit)
        if (old != self._blank_view[:count]
                or self._spent and any(each in self._spent for each in units)):
            raise FlashError("program at %d: a unit was programmed before" % offset)
        if self._blank_unit in data:
            self._spent.update(units)

    def erase(self, block):
        """See `hal.ports.Flash.erase`."""
        start, size = block * self.block_bytes, self.block_bytes
        self._check(start, size)
        self._store(start, self._blank)
        if self._spent:
            unit = self.program_unit_bytes
            self._spent = {each for each in self._spent
                           if not start <= each * unit < start + size}
        self.erase_count += 1


class RamFlash(NorFlash):
    """NOR flash in a bytearray, for tests and benchmarks. `erase_counts` are those of each block.
    """

    def __init__(self, block_count, program_unit_bytes=1, reprogram=True,
                 block_bytes=BLOCK_BYTES):
        super().__init__(block_count, program_unit_bytes, reprogram, block_bytes)
        self.image = bytearray(block_count * block_bytes)
        self._image_view = memoryview(self.image)
        self.erase_counts = [0] * block_count
        for block in range(block_count):
            self._store(block * block_bytes, self._blank)

    def _load(self, offset, buffer):
        buffer[:] = self._image_view[offset:offset + len(buffer)]

    def _view(self, offset, count):
        return self._image_view[offset:offset + count]

    def _store(self, offset, data):
        self._image_view[offset:offset + len(data)] = data

    def erase(self, block):
        """See `hal.ports.Flash.erase`."""
        super().erase(block)
        self.erase_counts[block] += 1


class FileFlash(NorFlash):
    """NOR flash in a file of the host, made blank where it does not exist.

    A write reaches the operating system before the call returns, so the content survives the
    death of the process. That a unit was programmed with nothing but 0xFF is forgotten with the
    object. Errors: OSError where the file cannot be made or opened.
    """

    def __init__(self, path, block_count, program_unit_bytes=1, reprogram=True,
                 block_bytes=BLOCK_BYTES):
        super().__init__(block_count, program_unit_bytes, reprogram, block_bytes)
        try:
            self._file = open(path, "r+b", 0)
        except OSError as error:
            # Only a file that is not there is made; one that cannot be opened may hold a spool.
            if error.args[0] != errno.ENOENT:
                raise
            self._make(str(path))
            self._file = open(path, "r+b", 0)
        size_bytes = self._file.seek(0, 2)
        if size_bytes != block_count * block_bytes:
            raise FlashError("%s holds %d bytes, the configuration says %d; set flash_bytes"
                             % (path, size_bytes, block_count * block_bytes))

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
