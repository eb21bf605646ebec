"""The clock of an ESP32 or an RP2: ticks of the processor, and the calendar of `machine.RTC`.

The chip's seconds count from 2000 on one and from 1970 on the other, and their modules turn them
into floats that cannot hold them; its calendar is the same on both, and all of it integers.
"""

from tidegate.clock.anchor import RTC
from tidegate.clock.civil import fields, utc_ms, weekday


class ChipClock:
    """See `hal.ports.Clock`.

    Arguments: ticks_ms, the function of module `time`; rtc, a `machine.RTC`; is_kept, whether a
    battery keeps its calendar. Else that counts only once servers have said what it is to show.
    """

    ticks_mask_ms = (1 << 30) - 1
    speed = 1

    def __init__(self, ticks_ms, rtc, is_kept=False):
        self.ticks_ms = ticks_ms
        self._rtc = rtc
        self._is_kept = self._is_known = is_kept

    def utc_ms(self):
        """See `hal.ports.Clock.utc_ms`."""
        if not self._is_known:
            return None
        year, month, day, _, hour, minute, second, part = self._rtc.datetime()
        # Microseconds on an ESP32, 0 on an RP2.
        return utc_ms(year, month, day, hour, minute, second, part // 1_000), RTC

    def set_utc_ms(self, utc, is_known):
        """See `hal.ports.Clock`. What a battery has kept is better than a guess."""
        if is_known or not self._is_kept:
            year, month, day, hour, minute, second, ms = fields(utc)
            self._rtc.datetime(
                (year, month, day, weekday(utc), hour, minute, second, ms * 1_000))
            self._is_known = is_known
