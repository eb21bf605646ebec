"""What only an RP2040 or RP2350 has: a part of the storage area for the spool, and its Wi-Fi."""

import network
import rp2

from tidegate.errors import FlashError
from tidegate.hal.blocks import BlockFlash
from tidegate.hal.wifi import Wifi

_PAGE_BYTES = 256
# Of `network.WLAN.status`, by the names of module `network`, and what it means.
_FAILURES = (("STAT_WRONG_PASSWORD", "wrong-password"), ("STAT_NO_AP_FOUND", "no-such-network"),
             ("STAT_CONNECT_FAIL", "refused"))


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


def wifi(networks, country, random_below):
    """A `hal.wifi.Wifi`. Arguments: networks, [(name, password)]; country, two letters, whose
    rules for channels and power hold, "" for those that hold anywhere; random_below(n)."""
    if country:
        rp2.country(country)
    station = network.WLAN(network.WLAN.IF_STA)
    station.active(True)
    station.config(pm=station.PM_NONE)
    failures = {getattr(network, name): cause for name, cause in _FAILURES}
    return Wifi(station, failures, networks, random_below)
