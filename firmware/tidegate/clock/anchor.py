"""Anchors: what ties the monotonic time of one boot to UTC."""

UNKNOWN, ESTIMATED, RTC, SYNCED = 0, 1, 2, 3
QUALITY_NAMES = ("unknown", "estimated", "rtc", "synced")


class Anchor:
    """The best known tie of one boot.

    `utc_zero_ms` is the UTC, in ms since 1970, of the boot's monotonic moment 0; None while
    quality is UNKNOWN.
    """

    def __init__(self):
        self.utc_zero_ms = None
        self.quality = UNKNOWN

    def offer(self, mono_ms, utc_ms, quality):
        """Take (mono, UTC, quality) unless something better is known. Result: whether taken."""
        if quality <= self.quality:
            return False
        self.utc_zero_ms = utc_ms - mono_ms
        self.quality = quality
        return True
