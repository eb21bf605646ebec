"""The flash of an RP2040 or RP2350: a part of what is not firmware, beside the file system."""

import rp2

from tidegate.errors import FlashError
from tidegate.hal.blocks import BlockFlash

_PAGE_BYTES = 256


class RegionFlash(BlockFlash):
    """A part of the storage area; see `hal.ports.Flash`.

    The chip programs whole pages only, but again wherever the data is 0xFF. It checks nothing by
    itself: what lies outside the region is another's, up to the firmware.
    Arguments: start and size_bytes, multiples of the erase block, counted from the begin of the
    storage area. The file system must have been made to leave that part alone.
    Errors: FlashError where no such part exists.
    """

    def __init__(self, start, size_bytes):
        try:
            device = rp2.Flash(start=start, len=size_bytes)
        except ValueError:
            raise FlashError("the storage area has no part of %d bytes at %d: both must be"
                             " multiples of 4096 and lie inside" % (size_bytes, start))
        super().__init__(device, _PAGE_BYTES, True)
