"""What the agent knows of the time, and where it says so."""

from tidegate.clock.anchor import QUALITY_NAMES, Anchor
from tidegate.diag import trail


class Timekeeping:
    """Ties this boot's monotonic time to UTC, as well as the sources of time allow.

    Arguments: clock, the port; monotonic; trail.
    Members: anchor, the tie of this boot.
    """

    def __init__(self, clock, monotonic, trail):
        self._clock = clock
        self._monotonic = monotonic
        self._trail = trail
        self.anchor = Anchor()

    def take(self, spool):
        """Ask the clock port, and note in the spool what is better than what was known."""
        known = self._clock.utc_ms()
        if known is None:
            return
        utc_ms, quality = known
        mono_ms = self._monotonic.total_ms(self._monotonic.update(self._clock.ticks_ms()))
        if self.anchor.offer(mono_ms, utc_ms, quality):
            spool.anchor(self.anchor.utc_zero_ms, quality)
            self._trail.note(trail.INFO, "time known", quality=QUALITY_NAMES[quality])

    def time_ms(self, now_ms):
        """UTC in ms since 1970 at agent ticks `now_ms`; None while it is unknown."""
        if self.anchor.utc_zero_ms is None:
            return None
        return self.anchor.utc_zero_ms + self._monotonic.total_ms(now_ms)
