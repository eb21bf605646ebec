"""What only an ESP32 has: a partition for the spool beside the firmware's, and its links."""

import esp
import esp32
import machine
import network

from tidegate.errors import FlashError
from tidegate.hal.blocks import BlockFlash
from tidegate.hal.sockets import WiredLink
from tidegate.hal.wifi import Wifi

# What flash encryption works on; such a unit takes one program between two erases.
_CIPHER_BYTES = 16
_RAW_BYTES = 64
_MODEM_BYTES = 4_096
_BLANK_UNIT = b"\xff" * _CIPHER_BYTES
# Of `network.WLAN.status`, by the names of module `network`, and what it means.
_FAILURES = (
    ("STAT_WRONG_PASSWORD", "wrong-password"), ("STAT_HANDSHAKE_TIMEOUT", "handshake-timed-out"),
    ("STAT_NO_AP_FOUND", "no-such-network"), ("STAT_ASSOC_FAIL", "refused"),
    ("STAT_CONNECT_FAIL", "refused"), ("STAT_BEACON_TIMEOUT", "beacon-lost"),
    ("STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY", "no-such-security"),
    ("STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD", "no-such-security"),
    ("STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD", "too-weak"),
)
# ECONNABORTED and ENOTCONN of newlib, as `link.causes` knows them.
CODES = {113: 103, 128: 104}


class PartitionFlash(BlockFlash):
    """A data partition; see `hal.ports.Flash`.

    Arguments: label, of the partition table; is_encrypted, whether the chip has flash encryption
    on and the table flags the partition so.
    Errors: FlashError where the table says otherwise.
    """

    def __init__(self, label="spool", is_encrypted=False):
        found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)
        if not found:
            raise FlashError("there is no data partition '%s': add the line"
                             " '%s, data, undefined, , 1M' to partitions.csv"
                             " and write the new table to the chip" % (label, label))
        info = found[0].info()
        if bool(info[5]) != is_encrypted:
            raise FlashError("whether partition '%s' is encrypted: the chip says %s, is_encrypted"
                             " says %s; correct one of them" % (label, info[5], is_encrypted))
        super().__init__(found[0], _CIPHER_BYTES if is_encrypted else 1, not is_encrypted)
        self._address = info[2]
        if is_encrypted:
            self._raw = bytearray(_RAW_BYTES)
            raw = memoryview(self._raw)
            self._raw_units = [raw[at:at + _CIPHER_BYTES]
                               for at in range(0, _RAW_BYTES, _CIPHER_BYTES)]

    def _load(self, offset, buffer):
        super()._load(offset, buffer)
        if not self.reprogram:
            self._show_erased(offset, buffer)

    def _show_erased(self, offset, buffer):
        """Put 0xFF where nothing was programmed.

        The chip decrypts erased flash too, to noise. A unit that was programmed reads as all ones
        underneath once in 2^128.
        """
        end = offset + len(buffer)
        start = offset - offset % _RAW_BYTES
        while start < end:
            try:
                esp.flash_read(self._address + start, self._raw)
            except OSError as error:
                raise FlashError("the chip cannot be read at %d: %s" % (start, error))
            for unit in self._raw_units:
                if unit == _BLANK_UNIT:
                    for at in range(max(start, offset), min(start + _CIPHER_BYTES, end)):
                        buffer[at - offset] = 0xFF
                start += _CIPHER_BYTES


def wifi(networks, country, random_below):
    """A `hal.wifi.Wifi`. Arguments: networks, [(name, password)]; country, two letters, whose
    rules for channels and power hold, "" for those that hold anywhere; random_below(n)."""
    if country:
        network.country(country)
    station = network.WLAN(network.WLAN.IF_STA)
    station.active(True)
    # It would join again by itself, whatever the reason was that it is out.
    station.config(reconnects=0, pm=station.PM_NONE)
    station.disconnect()
    failures = {getattr(network, name): cause for name, cause in _FAILURES
                if hasattr(network, name)}
    return Wifi(station, failures, networks, random_below)


def ethernet(pins):
    """A link over RMII Ethernet. Argument: pins, keyword arguments of `network.LAN`, numbers of
    pins as `mdc`, `mdio`, `power` and `ref_clk` among them."""
    made = dict(pins)
    for name in ("mdc", "mdio", "power", "ref_clk"):
        if name in made:
            made[name] = machine.Pin(made[name])
    lan = network.LAN(**made)
    lan.active(True)
    return WiredLink(lan)


def modem(number, tx, rx, baud=115_200):
    """A link over a modem that speaks PPP on a UART, and is in data mode already."""
    ppp = network.PPP(machine.UART(number, baudrate=baud, tx=tx, rx=rx, rxbuf=_MODEM_BYTES))
    ppp.active(True)
    ppp.connect()
    return WiredLink(ppp)


def ports(name, settings, make_links, configuration, led, clock=None):
    """All ports of a board. Arguments: as of `hal.chip.ChipPorts`; clock, the `rtc` there."""
    from tidegate.hal.chip import ChipPorts
    from tidegate.hal.rtc import RtcScratch

    return ChipPorts(name, settings, PartitionFlash(), make_links, configuration, CODES, led,
                     clock, RtcScratch())
