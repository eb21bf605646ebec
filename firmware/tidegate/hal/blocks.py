"""What all flash ports refuse alike, and flash behind MicroPython's extended block interface."""

from tidegate.errors import FlashError

# Of `ioctl`, see `vfs.AbstractBlockDev` in MicroPython's documentation.
_BLOCK_COUNT, _BLOCK_BYTES, _ERASE = 4, 5, 6

# How much is read again at once.
_SCRATCH_BYTES = 64


class FlashShape:
    """The members of `hal.ports.Flash`, and the refusals of every implementation."""

    def __init__(self, block_count, block_bytes, program_unit_bytes, reprogram):
        assert block_bytes % program_unit_bytes == 0 and block_bytes & block_bytes - 1 == 0
        self.block_count = block_count
        self.block_bytes = block_bytes
        self.program_unit_bytes = program_unit_bytes
        self.reprogram = reprogram
        self._end = block_count * block_bytes
        self._unit_mask = program_unit_bytes - 1
        self._block_mask = block_bytes - 1

    def _check(self, offset, count):
        if offset < 0 or offset + count > self._end:
            raise FlashError("access at %d of %d bytes is outside the region" % (offset, count))

    def _check_program(self, offset, count):
        if ((offset | count) & self._unit_mask or not 0 <= offset < self._end
                or not 0 < count <= self.block_bytes - (offset & self._block_mask)):
            self._refuse_program(offset, count)

    def _refuse_program(self, offset, count):
        self._check(offset, count)
        unit = self.program_unit_bytes
        if offset % unit or count % unit or not count:
            raise FlashError("program at %d of %d bytes does not fit units of %d bytes"
                             % (offset, count, unit))
        raise FlashError("program at %d of %d bytes crosses a block" % (offset, count))


class BlockFlash(FlashShape):
    """A flash port over a block device whose `writeblocks` with an offset does not erase.

    What was programmed or erased is read again, and found missing it is a FlashError: most chips
    report neither a worn cell nor a bit that could not be set. Nothing allocates.
    Arguments: device; program_unit_bytes; reprogram.
    """

    def __init__(self, device, program_unit_bytes, reprogram):
        super().__init__(device.ioctl(_BLOCK_COUNT, 0), device.ioctl(_BLOCK_BYTES, 0),
                         program_unit_bytes, reprogram)
        self._device = device
        self._scratch = bytearray(max(_SCRATCH_BYTES, program_unit_bytes))
        self._blank = b"\xff" * len(self._scratch)

    def _load(self, offset, buffer):
        """Fill `buffer`, which is not empty and lies inside."""
        try:
            self._device.readblocks(offset // self.block_bytes, buffer, offset % self.block_bytes)
        except OSError as error:
            raise FlashError("the chip cannot be read at %d: %s" % (offset, error))

    def read(self, offset, buffer):
        """See `hal.ports.Flash.read`."""
        count = len(buffer)
        self._check(offset, count)
        if count:
            self._load(offset, buffer)

    def program(self, offset, data):
        """See `hal.ports.Flash.program`."""
        self._check_program(offset, len(data))
        try:
            self._device.writeblocks(offset // self.block_bytes, data, offset % self.block_bytes)
        except OSError as error:
            raise FlashError("the chip cannot be programmed at %d: %s" % (offset, error))
        self._verify(offset, data)

    def erase(self, block):
        """See `hal.ports.Flash.erase`."""
        start = block * self.block_bytes
        self._check(start, self.block_bytes)
        try:
            result = self._device.ioctl(_ERASE, block)
        except OSError as error:
            raise FlashError("the chip cannot erase block %d: %s" % (block, error))
        if result:
            raise FlashError("the chip cannot erase block %d: %s" % (block, result))
        end = start + self.block_bytes
        while start < end:
            self._load(start, self._scratch)
            if self._scratch != self._blank:
                raise FlashError("block %d is not blank after its erase" % block)
            start += len(self._scratch)

    def _verify(self, offset, data):
        """That `data` stands at `offset`, save for 0xFF where that leaves alone what is there."""
        scratch, reprogram = self._scratch, self.reprogram
        size, count = len(scratch), len(data)
        last = self.block_count * self.block_bytes - size
        done = 0
        while done < count:
            # Always the whole scratch: a shorter view of it would be a new object.
            start = min(offset + done, last)
            self._load(start, scratch)
            shift = start - offset
            end = min(shift + size, count)
            for i in range(done, end):
                if data[i] != scratch[i - shift] and not (reprogram and data[i] == 0xFF):
                    raise FlashError("what was programmed at %d does not stand there"
                                     % (offset + i))
            done = end
