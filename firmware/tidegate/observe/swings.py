"""Deadbands that swing: the ends of the swing, and when its middle is wanted. SPEC section 2.2.

Who compares with the last report meets a signal that wanders by up to twice its bound at one end,
then at the other. One report from the middle stands for all of it.
"""

# Of a row: its last report left the bound upwards, downwards, or (both) was a middle; the middle
# is wanted.
_UP, _DOWN, _WANTED = 1, 2, 4


class Swings:
    """For each row the lowest and the highest sample of its swing, and what its reports told.

    Arguments: low, high, lists of the windows that `suppress` keeps, one longer than the rows.
    """

    def __init__(self, low, high):
        self._low, self._high = low, high
        self._lowest = [0] * len(low)
        self._highest = [0] * len(low)
        self._told = bytearray(len(low))

    def restart(self, index, value):
        """A swing begins with one value."""
        self._lowest[index] = self._highest[index] = value
        self._told[index] = 0

    def extend(self, index, value):
        """A sample was seen."""
        if value < self._lowest[index]:
            self._lowest[index] = value
        elif value > self._highest[index]:
            self._highest[index] = value

    def report(self, index, last, bound, value):
        """A value was reported behind `last`, which stands for what is `bound` away."""
        self.extend(index, value)
        told = self._told[index]
        if abs(value - last) <= bound:
            if self.is_wanted(index, bound, value):
                self._told[index] = _UP | _DOWN
            return
        side = _UP if value > last else _DOWN
        if self._spare(index, bound) < 0:
            self.restart(index, last)
            self.extend(index, value)
            told &= ~_WANTED
        # The other side, or a middle, or a middle that is still wanted.
        if self._spare(index, bound) >= 0 and told & ~side:
            side |= _WANTED
        self._told[index] = side

    def is_wanted(self, index, bound, value):
        """Whether `value` is the middle of a swing that wants one. Argument: bound, below 0 where
        none is wanted."""
        off = abs(2 * value - self._lowest[index] - self._highest[index])
        return self._told[index] & _WANTED and off <= self._reach(index, bound)

    def narrow(self, index, last, bound):
        """Narrow the window of a row to what was seen before, on this side of a middle that is
        wanted. Arguments: last, the value reported; bound, as of `is_wanted`."""
        low = max(self._low[index], self._lowest[index])
        high = min(self._high[index], self._highest[index])
        reach = self._reach(index, bound) if self._told[index] & _WANTED else -1
        if reach >= 0:
            ends = self._lowest[index] + self._highest[index]
            if 2 * last < ends:
                high = min(high, (ends - reach - 1) >> 1)
            else:
                low = max(low, ((ends + reach) >> 1) + 1)
        self._low[index], self._high[index] = low, high

    def _spare(self, index, bound):
        return 2 * bound - self._highest[index] + self._lowest[index]

    def _reach(self, index, bound):
        """How far twice a middle may be from the sum of both ends; below 0 where there is none."""
        spare = self._spare(index, bound)
        return max(spare, 1) >> 2 if spare >= 0 else -1
