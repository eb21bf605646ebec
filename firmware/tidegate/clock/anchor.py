"""Anchors: what ties the monotonic time of one boot to UTC."""

from tidegate.limits import (
    ANCHOR_MOVE_MS, CHIP_MOVE_MS, CLOCK_STEP_MS, CLOCK_STEP_PERIOD_MS, ECHO_LATE_MS,
)

UNKNOWN, ESTIMATED, RTC, SYNCED = 0, 1, 2, 3
QUALITY_NAMES = ("unknown", "estimated", "rtc", "synced")


class Anchor:
    """The tie of one boot that is in force.

    `utc_zero_ms` is the UTC, in ms since 1970, of the boot's monotonic moment 0; None while
    quality is UNKNOWN. `step_count`: how often a tie moved by more than CLOCK_STEP_MS.
    """

    def __init__(self):
        self.utc_zero_ms = None
        self.quality = UNKNOWN
        self.step_count = 0
        self._stepped_ms = 0

    def moved_ms(self, mono_ms, utc_ms):
        """By how much (mono, UTC) would move the tie forward; there is one."""
        return utc_ms - mono_ms - self.utc_zero_ms

    def offer(self, mono_ms, utc_ms, quality):
        """Take (mono, UTC, quality) where it says something new. Result: whether taken.

        A better quality always does. One as good has to move the tie by more than
        ANCHOR_MOVE_MS (a clock chip: CHIP_MOVE_MS), and by more than CLOCK_STEP_MS it does so
        only once an hour.
        """
        moved_ms = self.moved_ms(mono_ms, utc_ms) if self.quality else 0
        least_ms = CHIP_MOVE_MS if quality == RTC else ANCHOR_MOVE_MS
        is_step = abs(moved_ms) > CLOCK_STEP_MS
        if quality <= self.quality and (
                quality < self.quality or abs(moved_ms) <= least_ms
                or is_step and not self._may_step(mono_ms)
                or quality == ESTIMATED and -ECHO_LATE_MS <= moved_ms < 0):
            return False
        if is_step:
            self.step_count += 1
            self._stepped_ms = mono_ms
        self.utc_zero_ms = utc_ms - mono_ms
        self.quality = quality
        return True

    def _may_step(self, mono_ms):
        return not self.step_count or mono_ms - self._stepped_ms >= CLOCK_STEP_PERIOD_MS
