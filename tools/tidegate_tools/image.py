"""A spool image read on the host, with the device's own code and without changing it."""

from pathlib import Path

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.clock.monotonic import Monotonic  # noqa: E402
from tidegate.hal.nor import RamFlash  # noqa: E402
from tidegate.limits import BLOCK_BYTES, TICKS_MASK_MS  # noqa: E402
from tidegate.observe.catalogue import LOG_NAMES  # noqa: E402
from tidegate.spool.spool import Spool  # noqa: E402


def load(path: Path) -> Spool:
    """A Spool recovered from a copy of the image in memory.

    Errors: OSError where the file cannot be read; SpoolError where it holds no spool.
    """
    image = Path(path).read_bytes()
    flash = RamFlash(len(image) // BLOCK_BYTES)
    flash.image[:] = image[:len(flash.image)]
    spool = Spool(flash, Monotonic(TICKS_MASK_MS))
    spool.recover()
    return spool


def summary(path: Path) -> dict:
    """`{"store": hex, "boot": n, "logs": {name: {"head": next seq, "watermark": seq,
    "ranges": [[first, last]..]}}}` of an image file."""
    spool = load(path)
    return {
        "store": spool.store_id.hex(),
        "boot": spool.boot,
        "logs": {
            name: {"head": log.next_seq, "watermark": log.ranges.watermark,
                   "ranges": [list(each) for each in log.ranges.ranges]}
            for name, log in zip(LOG_NAMES, spool.logs)
        },
    }
