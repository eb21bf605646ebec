"""Monotonic time of one boot, widened from ticks that wrap."""

from tidegate.limits import TICKS_HALF_MS, TICKS_MASK_MS, TICKS_PERIOD_MS


def is_past(then_ms, now_ms):
    """Whether a moment within half a period of the ticks has come."""
    return (now_ms - then_ms) & TICKS_MASK_MS < TICKS_HALF_MS


class Monotonic:
    """Turns wrapping ticks of any period into the agent's ticks and a count of their wraps.

    `now_ms` is a small integer in 0..TICKS_MASK_MS: elapsed time is
    `(now_ms - then_ms) & TICKS_MASK_MS`. Only `total_ms` makes a number that grows without end.

    Argument: source_mask_ms, the period of the source's ticks less 1, a power of two less 1.
    """

    def __init__(self, source_mask_ms):
        self._source_mask_ms = source_mask_ms
        self._last_ms = -1
        self.now_ms = 0
        self.wrap_count = 0

    def update(self, ticks_ms):
        """Take the source's ticks; to be called more than once in each of its periods.

        Result: now_ms. The first call is the moment 0 of this boot.
        """
        if self._last_ms >= 0:
            now_ms = self.now_ms + ((ticks_ms - self._last_ms) & self._source_mask_ms)
            while now_ms > TICKS_MASK_MS:
                now_ms -= TICKS_PERIOD_MS
                self.wrap_count += 1
            self.now_ms = now_ms
        self._last_ms = ticks_ms
        return self.now_ms

    def total_ms(self, then_ms):
        """Ms since the boot's moment 0 at agent ticks `then_ms`, a moment not in the future."""
        return self.wraps_at(then_ms) * TICKS_PERIOD_MS + then_ms

    def wraps_at(self, then_ms):
        """How often the agent's ticks had wrapped at `then_ms`, a moment not in the future."""
        return self.wrap_count - (1 if then_ms > self.now_ms else 0)
