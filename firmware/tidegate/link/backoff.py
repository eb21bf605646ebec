"""When to try again: full jitter over windows that double. Pure."""

from tidegate.limits import (
    BACKOFF_WINDOW_MS_MAX, BACKOFF_WINDOW_MS_MIN, SESSION_PROVEN_MS, TICKS_HALF_MS, TICKS_MASK_MS,
)


class Backoff:
    """The wait before each attempt is drawn from 0..window, and the window doubles with each
    failure up to its bound; only a session of SESSION_PROVEN_MS brings it back.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, full jitter.
    Argument: random_below(n), an integer of 0..n-1.
    """

    def __init__(self, random_below):
        self._random_below = random_below
        self._next_ms = 0
        self._up_ms = 0
        self.window_ms = BACKOFF_WINDOW_MS_MIN
        self.attempt_count = 0

    def start(self, now_ms):
        """Power-up: the first attempt is due at once."""
        self._next_ms = now_ms

    def up(self, now_ms):
        """A session came up."""
        self._up_ms = now_ms
        self.attempt_count = 0

    def failed(self, now_ms):
        """An attempt failed. Result: the wait in ms."""
        self.attempt_count += 1
        wait_ms = self._draw(now_ms)
        self.window_ms = min(self.window_ms * 2, BACKOFF_WINDOW_MS_MAX)
        return wait_ms

    def lost(self, now_ms):
        """A session that was up ended. Result: the wait in ms."""
        if (now_ms - self._up_ms) & TICKS_MASK_MS >= SESSION_PROVEN_MS:
            self.window_ms = BACKOFF_WINDOW_MS_MIN
        return self._draw(now_ms)

    def wait_ms(self, now_ms):
        """How long until the next attempt; 0 when it is due, and from then on.

        To be asked at least once in half a period of the ticks while an attempt is awaited.
        """
        left_ms = (self._next_ms - now_ms) & TICKS_MASK_MS
        if left_ms < TICKS_HALF_MS:
            return left_ms
        self._next_ms = now_ms
        return 0

    def _draw(self, now_ms):
        wait_ms = self._random_below(self.window_ms)
        self._next_ms = (now_ms + wait_ms) & TICKS_MASK_MS
        return wait_ms
