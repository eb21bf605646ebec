"""A clock chip on I2C with a battery of its own: DS3231 or one like it, as `machine.RTC` is.

Registers: Maxim DS3231 data sheet, "Timekeeping Registers": seven in BCD from 0x00 on, and in the
status register 0x0F bit 7, set while the oscillator stands still.
"""

from machine import I2C, Pin

_ADDRESS = 0x68
_STATUS, _STOPPED = 0x0F, 0x80


class ClockChip:
    """A calendar for `hal.chip_clock.ChipClock`. Argument: bus, a `machine.I2C`."""

    def __init__(self, bus):
        self._bus = bus

    def is_kept(self):
        """Whether it answers, and has run ever since it was set."""
        try:
            return not self._bus.readfrom_mem(_ADDRESS, _STATUS, 1)[0] & _STOPPED
        except OSError:
            return False

    def datetime(self, fields=None):
        """(year, month, day, weekday, hour, minute, second, 0), or set to such fields.

        Errors: OSError where it does not answer.
        """
        if fields is None:
            raw = self._bus.readfrom_mem(_ADDRESS, 0, 7)
            second, minute, hour, weekday, day, month, year = [
                (byte >> 4) * 10 + (byte & 15) for byte in bytes(
                    each & mask for each, mask in zip(raw, b"\x7f\x7f\x3f\x07\x3f\x1f\xff"))]
            return 2_000 + year, month, day, weekday - 1, hour, minute, second, 0
        year, month, day, weekday, hour, minute, second, _ = fields
        self._bus.writeto_mem(_ADDRESS, 0, bytes(
            value // 10 << 4 | value % 10
            for value in (second, minute, hour, weekday + 1, day, month, year % 100)))
        self._bus.writeto_mem(_ADDRESS, _STATUS, b"\x00")
        return fields


def open_clock(number, scl, sda):
    """A ClockChip. Arguments: number, of the bus; scl and sda, its pins."""
    return ClockChip(I2C(number, scl=Pin(scl), sda=Pin(sda), freq=100_000))
