"""Which endpoint to try: an ordered list, left late, one device at a time, and returned to slowly.
Pure."""

from tidegate.limits import (
    FAILOVER_AFTER_MS, REHEARSE_MS_MAX, RETURN_AFTER_MS, RETURN_AFTER_MS_MAX, TICKS_HALF_MS,
    TICKS_MASK_MS,
)

# What the planned moment is for.
NOTHING, FAILOVER, RETURN = range(3)
PLAN_NAMES = ("nothing", "failover", "return")


class Endpoints:
    """The index of the endpoint to use, and the moment at which it changes.

    The first endpoint is home. A device that has been without it for FAILOVER_AFTER_MS moves on at
    a moment drawn over the window, so the endpoint that takes over sees N / window attempts a
    second. While no other admits it, every second attempt asks home again: the attempts of a
    device stay what they were. From elsewhere it returns at a moment drawn over RETURN_AFTER_MS
    from there; a home that does not take it back doubles that span.

    Arguments: count, endpoints in the list; random_below(n), an integer of 0..n-1.
    Members to read: index; plan; is_rehearsal; move_count; and the moments of the last move:
    left_ms home, arrived_ms elsewhere, turned_ms to go back, returned_ms; has_arrived.
    """

    def __init__(self, count, random_below):
        self._count = count
        self._random_below = random_below
        self._last = 0
        self._at_ms = 0
        self._return_ms = RETURN_AFTER_MS
        self._rehearse_ms = 0
        self._is_returning = False
        self.index = 0
        self.plan = NOTHING
        self.is_rehearsal = False
        self.move_count = 0
        self.has_arrived = False
        self.left_ms = self.arrived_ms = self.turned_ms = self.returned_ms = 0

    def lost(self, window_ms, now_ms):
        """The session ended, or the board starts: from here the first endpoint is missing."""
        if self._count > 1 and self.index == 0 and self.plan == NOTHING:
            self._plan(FAILOVER, FAILOVER_AFTER_MS + self._random_below(window_ms), now_ms)

    def up(self, now_ms):
        """A session came up at `index`."""
        self._return_span(now_ms)
        if self.index == 0:
            self.plan = NOTHING
            self.is_rehearsal = False
            self._rehearse_ms = 0
            self._last = 0
        elif self.plan != RETURN:
            self.arrived_ms, self.has_arrived = now_ms, True
            span_ms = self._rehearse_ms
            if not span_ms:
                span_ms = self._return_ms + self._random_below(self._return_ms)
            self._plan(RETURN, span_ms, now_ms)

    def failed(self, now_ms):
        """An attempt at `index` failed. Result: whether the next one goes elsewhere."""
        before = self.index
        if self._is_returning:
            self._is_returning = False
            self._return_ms = min(self._return_ms * 2, RETURN_AFTER_MS_MAX)
            self.index = self._last
        elif self._last:
            if self.index:
                self.index = 0
            else:
                self._last = self._last % (self._count - 1) + 1
                self.index = self._last
        return self.index != before

    def moved(self):
        """The server said to go elsewhere. Result: whether there is an elsewhere."""
        if self._count < 2:
            return False
        self._go((self.index + 1) % self._count)
        return True

    def rehearse(self, span_ms, window_ms, now_ms):
        """Exercise: move at a moment drawn over the window, come home span_ms after arriving.

        Result: whether it will be done.
        """
        if self._count < 2 or self.index or not 0 < span_ms <= REHEARSE_MS_MAX:
            return False
        self.is_rehearsal = True
        self._rehearse_ms = span_ms
        self._plan(FAILOVER, self._random_below(window_ms), now_ms)
        return True

    def wait_ms(self, now_ms):
        """How long until the planned change; 0 when it is due, -1 when nothing is planned."""
        if self.plan == NOTHING:
            return -1
        left_ms = (self._at_ms - now_ms) & TICKS_MASK_MS
        return 0 if left_ms >= TICKS_HALF_MS else left_ms

    def change(self, now_ms):
        """Do what was planned; a session that stands is to be left first. An attempt is due."""
        plan, self.plan = self.plan, NOTHING
        if plan == FAILOVER:
            self.left_ms, self.has_arrived = now_ms, False
            self._go(self._last % (self._count - 1) + 1)
        elif plan == RETURN:
            self.turned_ms = now_ms
            self._is_returning = self.index != 0
            self.index = 0

    def _return_span(self, now_ms):
        if self._is_returning or (self._last and self.index == 0):
            self._is_returning = False
            self._return_ms = RETURN_AFTER_MS
            self.returned_ms = now_ms

    def _go(self, index):
        self.index = self._last = index
        self.move_count += 1

    def _plan(self, plan, wait_ms, now_ms):
        self.plan = plan
        self._at_ms = (now_ms + wait_ms) & TICKS_MASK_MS
