"""What the agent knows of the time, and where it says so."""

from tidegate.clock.anchor import QUALITY_NAMES, SYNCED, Anchor
from tidegate.diag import trail
from tidegate.limits import (
    CLOCK_LOOK_MS, CLOCK_READ_MS_MAX, CLOCK_STEP_MS, TICKS_MASK_MS, TURN_WAIT_MS_MAX, UTC_MS_MAX,
    UTC_MS_MIN,
)


class Timekeeping:
    """Ties this boot's monotonic time to UTC, as well as the sources of time allow.

    Arguments: clock, the port; monotonic; trail; counters, whose `clock_steps` it keeps.
    Members: anchor, the tie of this boot; servers, a `clock.servers.TimeServers`, None for none.
    """

    def __init__(self, clock, monotonic, trail, counters):
        self._clock = clock
        self._monotonic = monotonic
        self._trail = trail
        self._counters = counters
        self._spool = None
        self._looked_ms = 0
        self.anchor = Anchor()
        self.servers = None

    def start(self, spool):
        """The spool is there: note in it what is known. Where nothing is, tell the clock port the
        least that it can be, for the dates of certificates."""
        self._spool = spool
        self.take()
        floor_ms = spool.anchors.bounds(spool.boot)[0]
        if not self.anchor.quality and floor_ms and hasattr(self._clock, "set_utc_ms"):
            self._clock.set_utc_ms(floor_ms, False)
            self._trail.note(trail.INFO, "time not known, at least", utc_ms=floor_ms)

    def take(self):
        """Ask the clock port: each time while the time is unknown, then each CLOCK_LOOK_MS."""
        now_ms = self._monotonic.now_ms
        if self.anchor.quality and (now_ms - self._looked_ms) & TICKS_MASK_MS < CLOCK_LOOK_MS:
            return
        self._looked_ms = now_ms
        # What is read while the turn was held up fits neither the ticks before nor those after.
        before_ms = self._monotonic.update(self._clock.ticks_ms())
        known = self._clock.utc_ms()
        after_ms = self._monotonic.update(self._clock.ticks_ms())
        if known and (after_ms - before_ms) & TICKS_MASK_MS <= CLOCK_READ_MS_MAX:
            self.offer(after_ms, known[0], known[1])

    def step(self, now_ms):
        """Ask the servers, where there are any."""
        if self.servers is None or not self.servers.is_due(now_ms):
            return
        failed_count = self.servers.failed_count
        asked = self.servers.server()
        utc_ms = self.servers.step(
            now_ms, self.time_ms(now_ms) if self.anchor.quality == SYNCED else None)
        if utc_ms is not None:
            self.offer(now_ms, utc_ms, SYNCED)
            self._set_clock(now_ms, utc_ms)
        elif self.servers.failed_count > failed_count and not failed_count & (failed_count + 1):
            # The 1st, 2nd, 4th, 8th .. in a row.
            self._trail.note(trail.WARNING, "time server of no use", server=asked,
                             why=self.servers.trouble.replace(" ", "-"))

    def wait_ms(self, now_ms):
        """How long until `step` has something to do."""
        return TURN_WAIT_MS_MAX if self.servers is None else self.servers.wait_ms(now_ms)

    def offer(self, now_ms, utc_ms, quality):
        """A source of time says what UTC was at agent ticks `now_ms`, not in the future.

        What is no time, or nothing new, changes nothing.
        """
        if not UTC_MS_MIN <= utc_ms < UTC_MS_MAX:
            return
        mono_ms = self._monotonic.total_ms(now_ms)
        before_ms, step_count = self.anchor.utc_zero_ms, self.anchor.step_count
        if not self.anchor.offer(mono_ms, utc_ms, quality):
            return
        self._counters.clock_steps += self.anchor.step_count - step_count
        self._spool.anchor(self.anchor.utc_zero_ms, quality)
        if before_ms is None:
            self._trail.note(trail.INFO, "time known", quality=QUALITY_NAMES[quality])
        else:
            self._trail.note(trail.INFO, "time corrected", quality=QUALITY_NAMES[quality],
                             by_ms=self.anchor.utc_zero_ms - before_ms)

    def time_ms(self, now_ms):
        """UTC in ms since 1970 at agent ticks `now_ms`; None while it is unknown."""
        if self.anchor.utc_zero_ms is None:
            return None
        return self.anchor.utc_zero_ms + self._monotonic.total_ms(now_ms)

    def _set_clock(self, now_ms, utc_ms):
        """The clock chip keeps what servers said for the next start."""
        is_fit = abs(self.time_ms(now_ms) - utc_ms) <= CLOCK_STEP_MS
        if is_fit and hasattr(self._clock, "set_utc_ms"):
            self._clock.set_utc_ms(utc_ms, True)
