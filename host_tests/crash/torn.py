"""Flash whose power can fail inside an operation, and what it reads afterwards.

A cut is made from the image before the operation: some of the bits that the operation was to
change have changed, and in the unstable kinds all of these bits read differently at each later
start, until they are programmed to zero (again) or erased. Within one start they read the same.
"""

from tidegate.errors import FlashError
from tidegate.hal.nor import RamFlash

PROGRAM, ERASE = 0, 1
OPERATION_NAMES = ("program", "erase")

# Which of the bits that were to change did so, as far as the next start sees.
NONE, PREFIX, BITS, SOME, HALF, ALL = range(6)
TORN_NAMES = ("none", "prefix", "bits", "some", "half", "all")
TORN_MODES = ((NONE, PREFIX, BITS, SOME, ALL), (NONE, HALF, SOME, ALL))

# How unstable bits read at a start: all as 0, all as 1, any, all 0 but one, all 1 but one, or
# 0 up to some place and 1 behind it.
_ZEROS, _ONES, _ANY, _ONE_SET, _ONE_CLEAR, _PREFIX_CLEAR, _DRAW_COUNT = range(7)


class Misuse(Exception):
    """The medium was used in a way that it does not allow."""


class Medium:
    """The shape of a flash region; telemetry has the first `telemetry_bytes` of it.

    Arguments: name, for reports; block_count; program_unit_bytes; reprogram; block_bytes.
    """

    def __init__(self, name, block_count, program_unit_bytes, reprogram, block_bytes):
        self.name = name
        self.block_count = block_count
        self.program_unit_bytes = program_unit_bytes
        self.reprogram = reprogram
        self.block_bytes = block_bytes
        self.blank_block = b"\xff" * block_bytes
        self.telemetry_bytes = (
            block_count - max(4 if reprogram else 6, block_count // 4)) * block_bytes

    def blank(self):
        """The image of a region that was never programmed."""
        return self.blank_block * self.block_count


class TornFlash(RamFlash):
    """A RamFlash for one start, after each operation of which the power may fail.

    What the contract forbids is Misuse, which no spool takes for a block that failed. Arguments:
    medium; image, bytes to begin with; unstable, [(offset, size, mask)] of bits that later starts
    may read differently, the mask a number of `size` bytes, first byte highest. With `journal`, a
    list, each operation puts (kind, offset, data, state) there before it happens; `state` is for
    the user to set.
    """

    def __init__(self, medium, image, unstable=(), journal=None):
        super().__init__(medium.block_count, medium.program_unit_bytes, medium.reprogram,
                         medium.block_bytes)
        self.image[:] = image
        self.unstable = list(unstable)
        self.journal = journal
        self.state = None

    def read(self, offset, buffer):
        """See `hal.ports.Flash.read`."""
        buffer[:] = self.image[offset:offset + len(buffer)]

    def program(self, offset, data):
        """See `hal.ports.Flash.program`."""
        data = bytes(data)
        self._note(PROGRAM, offset, data)
        try:
            super().program(offset, data)
        except FlashError as error:
            raise Misuse(str(error))  # noqa: B904
        if self.unstable:
            self._settle(offset, data)

    def erase(self, block):
        """See `hal.ports.Flash.erase`."""
        start = block * self.block_bytes
        self._note(ERASE, start, self._blank)
        super().erase(block)
        end = start + self.block_bytes
        self.unstable = [each for each in self.unstable if not start <= each[0] < end]

    def _note(self, kind, offset, data):
        if self.journal is not None:
            self.journal.append((kind, offset, data, self.state))

    def _settle(self, offset, data):
        """Unstable bits that were programmed to zero are firm from now on."""
        left = []
        for start, size, mask in self.unstable:
            low, high = max(start, offset), min(start + size, offset + len(data))
            if low < high:
                if not self.reprogram:
                    raise Misuse("program at %d: a unit was begun before" % low)
                part = int.from_bytes(data[low - offset:high - offset], "big")
                inner = (1 << 8 * (high - low)) - 1
                mask &= ~((inner & ~part) << 8 * (start + size - high))
            if mask:
                left.append((start, size, mask))
        self.unstable = left


def change(image, operation):
    """What an operation is to change. Result: (offset, size, mask) of the bits, as narrow as
    they lie; the mask is 0 where it changes nothing."""
    kind, offset, data, _ = operation
    start, end = 0, len(data)
    if kind == PROGRAM:
        end = len(data.rstrip(b"\xff"))
        start = len(data) - len(data.lstrip(b"\xff"))
        if start >= end:
            return offset, 1, 0
    old = int.from_bytes(image[offset + start:offset + end], "big")
    new = int.from_bytes(data[start:end], "big")
    return offset + start, end - start, old & ~new if kind == PROGRAM else new & ~old


def torn_mask(mode, size, mask, chance):
    """Which bits of `mask`, of `size` bytes, have changed when the power failed."""
    if mode == NONE:
        return 0
    if mode == ALL:
        return mask
    if mode == SOME:
        return mask & random_bits(chance, 8 * size)
    if mode == HALF:
        low = (1 << 4 * size) - 1
        return mask & low if chance.below(2) else mask & ~low
    if mode == BITS or size == 1:
        left = chance.between(1, 8 * size - 1)
    else:
        left = 8 * chance.between(1, size - 1)
    return mask & ~((1 << left) - 1)


def torn(image, offset, size, mask):
    """A copy of an image in which the bits of `mask` are the other way round."""
    image = bytearray(image)
    if mask:
        turned = int.from_bytes(image[offset:offset + size], "big") ^ mask
        image[offset:offset + size] = turned.to_bytes(size, "big")
    return image


def redrawn(image, unstable, chance, under_way=(0, 0)):
    """A copy of an image as another start reads it: unstable bits drawn anew.

    What one operation left is drawn with its likely extremes; what two operations left in the
    same bytes, each with other bits to clear, only bit by bit: such a place reads as what the
    first one meant to write by a chance of 2 to the number of its bits. Argument: under_way,
    (offset, bytes) of an operation that is the second.
    """
    image = bytearray(image)
    for number, (offset, size, mask) in enumerate(unstable):
        draw = chance.below(_DRAW_COUNT)
        others = [each[:2] for each in unstable[:number] + unstable[number + 1:]] + [under_way]
        if any(start < offset + size and offset < start + length for start, length in others):
            draw = _DRAW_COUNT
        if draw == _ZEROS:
            value = 0
        elif draw == _ONES:
            value = mask
        elif draw == _PREFIX_CLEAR:
            value = mask & (1 << chance.below(8 * size)) - 1
        else:
            value = mask & random_bits(chance, 8 * size)
            if draw == _ONE_SET:
                value &= -value
            elif draw == _ONE_CLEAR:
                value = mask & ~(value & -value)
        old = int.from_bytes(image[offset:offset + size], "big")
        image[offset:offset + size] = (old & ~mask | value).to_bytes(size, "big")
    return image


def random_bits(chance, count):
    """A number of `count` bits."""
    value = 0
    for _ in range(0, count, 28):
        value = value << 28 | chance.below(1 << 28)
    return value & (1 << count) - 1
