"""Fuses: how often an observation may report at all, so that a source gone mad stays bounded.

A token bucket kept as one moment: when it would be full again. SPEC section 2.4.
"""

from tidegate.limits import (
    FUSE_COUNT, FUSE_REFILL_MS, FUSE_SHARED_COUNT, FUSE_SHARED_REFILL_MS, TICKS_HALF_MS,
    TICKS_MASK_MS,
)
from tidegate.observe.catalogue import MAX_HOLD_S, POLICY, TREND


def refill_ms(row):
    """Time in which an observation of this row gets one more report."""
    if row[POLICY] == TREND:
        return min(FUSE_REFILL_MS, row[MAX_HOLD_S] * 1_000)
    return FUSE_REFILL_MS


def wait_ms(full_ms, count, refill, now_ms):
    """Ms until a bucket of `count` that is full at `full_ms` has a token."""
    missing_ms = (full_ms - now_ms) & TICKS_MASK_MS
    if missing_ms >= TICKS_HALF_MS:
        return 0
    return max(0, missing_ms - (count - 1) * refill)


class Fuses:
    """One for each row, and the one of the device, which only those draw on whose own is empty.

    Argument: count, of rows.
    """

    def __init__(self, count):
        self._full_ms = [0] * count
        self._shared_full_ms = 0

    def begin(self, now_ms):
        """A boot begins: all are full."""
        self._shared_full_ms = now_ms
        for index in range(len(self._full_ms)):
            self._full_ms[index] = now_ms

    def wait_ms(self, index, row, now_ms):
        """Ms until row `index` may report, 0 when it may now."""
        wait = wait_ms(self._full_ms[index], FUSE_COUNT, refill_ms(row), now_ms)
        if wait:
            wait = min(wait, wait_ms(self._shared_full_ms, FUSE_SHARED_COUNT,
                                     FUSE_SHARED_REFILL_MS, now_ms))
        return wait

    def draw(self, index, row, now_ms):
        """Row `index` has reported, as `wait_ms` said that it may."""
        refill = refill_ms(row)
        full_ms = self._full_ms[index]
        if wait_ms(full_ms, FUSE_COUNT, refill, now_ms) == 0:
            self._full_ms[index] = _later(full_ms, refill, now_ms)
        else:
            self._shared_full_ms = _later(self._shared_full_ms, FUSE_SHARED_REFILL_MS, now_ms)

    def look_after(self, index, now_ms):
        """Keep a moment of long ago from looking like one to come."""
        if (self._full_ms[index] - now_ms) & TICKS_MASK_MS >= TICKS_HALF_MS:
            self._full_ms[index] = now_ms
        if (self._shared_full_ms - now_ms) & TICKS_MASK_MS >= TICKS_HALF_MS:
            self._shared_full_ms = now_ms


def _later(full_ms, refill, now_ms):
    if (full_ms - now_ms) & TICKS_MASK_MS >= TICKS_HALF_MS:
        full_ms = now_ms
    return (full_ms + refill) & TICKS_MASK_MS
