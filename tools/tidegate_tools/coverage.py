"""A set of seqs, kept as ranges: what an echo is made of (SPEC section 6)."""

from bisect import bisect_left

AHEAD_COUNT_MAX = 16


class Coverage:
    """Sorted ranges [first, last], both ends inside, that neither overlap nor touch.

    Arguments: ranges, pairs in any order, overlapping or not.
    """

    def __init__(self, ranges=()):
        self._ranges = []
        for first, last in ranges:
            self.add(first, last)

    def add(self, first, last):
        """Takes every seq of first..last into the set."""
        assert 0 < first <= last
        ranges = self._ranges
        start = bisect_left(ranges, first - 1, key=lambda item: item[1])
        end = start
        while end < len(ranges) and ranges[end][0] <= last + 1:
            first = min(first, ranges[end][0])
            last = max(last, ranges[end][1])
            end += 1
        ranges[start:end] = [(first, last)]

    def copy(self):
        twin = Coverage()
        twin._ranges = list(self._ranges)
        return twin

    @property
    def ranges(self):
        return list(self._ranges)

    @property
    def last(self):
        """The largest seq of the set, or 0."""
        return self._ranges[-1][1] if self._ranges else 0

    @property
    def upto(self):
        """The largest n for which every seq of 1..n is in the set, or 0."""
        if self._ranges and self._ranges[0][0] == 1:
            return self._ranges[0][1]
        return 0

    def ahead(self, count_max=AHEAD_COUNT_MAX):
        """The ranges above `upto`, ascending; where there are more, the largest ones.

        What is left out is only not confirmed yet: it costs a resend, never an observation.
        """
        above = self._ranges[1 if self.upto else 0:]
        if len(above) > count_max:
            above = sorted(above, key=lambda item: item[0] - item[1])[:count_max]
        return sorted(above)

    def holes(self, last):
        """The ranges of 1..last that are not in the set, ascending."""
        holes = []
        expected = 1
        for range_first, range_last in self._ranges:
            if range_first > last:
                break
            if range_first > expected:
                holes.append((expected, range_first - 1))
            expected = range_last + 1
        if expected <= last:
            holes.append((expected, last))
        return holes
