"""Trends: the line between two reported samples is within the bound of every one in between.

What a line may still be is kept as a cone: from the last report, through the bound around each
sample since. A sample can be the next report as long as it lies inside. Slopes are fractions of
small integers and are compared without their products, which would not fit 31 bits.
"""

from tidegate.limits import TICKS_MASK_MS
from tidegate.observe.catalogue import BOUND, POLICY, TREND


class Trend:
    """The cone of one observation, and the one sample held back.

    `anchor` and `anchor_ms` are the last durable report; `held` and `held_ms` the newest sample
    that can be the next one, or None. Where the anchor is of an earlier boot its moment is not
    known, `anchor_ms` is -1: every line from it stays between the anchor's value and the next
    report's, and the cone is a band. `away_ms` is the moment since which samples differ by more
    than the bound from the anchor, -1 while they do not. Argument: bound, of the row.
    """

    def __init__(self, bound):
        self.set_bound(bound)
        self.anchor = 0
        self.anchor_ms = 0
        self.held = None
        self.held_ms = 0
        self.away_ms = -1
        self.is_flat = True
        # Limits: rise and its time in ms, 0 where there is none yet; or a value of the band. The
        # time of the lower one is -1 where nothing fits any more.
        self._low = self._low_ms = self._high = self._high_ms = 0

    def set_bound(self, bound):
        """Of the samples from now on; what those before have left of a line stays."""
        self._bound = bound
        # The longest time that two bounds can be multiplied by: to less than 2^30.
        self._span_ms_max = (1 << 29) // (2 * bound)

    def restart(self, value, at_ms):
        """A report is durable: lines begin there. Nothing is held and nothing lies between."""
        self.anchor, self.anchor_ms = value, at_ms
        self.held = None
        self.away_ms = -1
        self.is_flat = True
        self._low = self._low_ms = self._high = self._high_ms = 0

    def take_near(self, value, at_ms):
        """What `fits` and `take` do with a sample within the bound of the anchor, but faster.

        Where no limit is steeper than a level line. Result: whether it fits, and so was taken.
        """
        rise = value - self.anchor
        if not (self.anchor_ms >= 0 and self._low < 0 < self._high
                and self._low <= rise <= self._high):
            if not self.fits(value, at_ms):
                return False
            self.take(value, at_ms)
            return True
        # No span is shorter than those of the limits: what is nearer than a limit is less steep.
        span_ms = (at_ms - self.anchor_ms) & TICKS_MASK_MS
        is_short = span_ms <= self._span_ms_max
        self.held = value
        self.held_ms = at_ms
        self.away_ms = -1
        rise -= self._bound
        if self._low <= rise or (
                self._low * span_ms < rise * self._low_ms if is_short
                else is_less(self._low, self._low_ms, rise, span_ms)):
            self._low = rise
            self._low_ms = span_ms
        rise += 2 * self._bound
        if rise <= self._high or (
                rise * self._high_ms < self._high * span_ms if is_short
                else is_less(rise, span_ms, self._high, self._high_ms)):
            self._high = rise
            self._high_ms = span_ms
        return True

    def fits(self, value, at_ms):
        """Whether the line to this sample is within the bound of each one taken since."""
        if self._low_ms <= 0:
            return self._low_ms == 0
        if self.anchor_ms < 0:
            return self._low <= value <= self._high
        rise, span_ms = value - self.anchor, (at_ms - self.anchor_ms) & TICKS_MASK_MS
        return (span_ms == 0 or not is_less(rise, span_ms, self._low, self._low_ms)
                and not is_less(self._high, self._high_ms, rise, span_ms))

    def take(self, value, at_ms):
        """Hold a sample that fits; from now on lines pass within the bound of it."""
        bound = self._bound
        self.held, self.held_ms = value, at_ms
        rise = value - self.anchor
        is_near = -bound <= rise <= bound
        if rise:
            self.is_flat = False
        if is_near:
            self.away_ms = -1
        elif self.away_ms < 0:
            self.away_ms = at_ms
        if self.anchor_ms < 0:
            self._take_band(value, bound, is_near)
            return
        span_ms = (at_ms - self.anchor_ms) & TICKS_MASK_MS
        if not span_ms:
            if not is_near:
                self._low_ms = -1
            return
        if not self._low_ms or is_less(self._low, self._low_ms, rise - bound, span_ms):
            self._low, self._low_ms = rise - bound, span_ms
        if not self._high_ms or is_less(rise + bound, span_ms, self._high, self._high_ms):
            self._high, self._high_ms = rise + bound, span_ms

    def _take_band(self, value, bound, is_near):
        if not self._low_ms or value - bound > self._low:
            self._low = value - bound
        if not self._low_ms or value + bound < self._high:
            self._high = value + bound
        self._low_ms = 1 if is_near else -1


def trend_of(row):
    """The Trend of a catalogue's row; None for one of another policy."""
    return Trend(row[BOUND]) if row[POLICY] == TREND else None


def is_less(rise, span, other_rise, other_span):
    """Whether rise / span < other_rise / other_span; spans above 0.

    As in Euclid's algorithm: whole parts first, then the reciprocals of what remains, so no
    number is larger than those given.
    """
    while True:
        whole, other_whole = rise // span, other_rise // other_span
        if whole != other_whole:
            return whole < other_whole
        rise -= whole * span
        other_rise -= other_whole * other_span
        if not other_rise:
            return False
        if not rise:
            return True
        rise, other_span = other_span, rise
        span, other_rise = other_rise, span
