"""What the receiver has confirmed: a watermark, and at most K ranges ahead of it."""

from tidegate.limits import RANGE_COUNT_MAX


class Ranges:
    """Every seq up to `watermark` is confirmed, and those of `ranges`, which are ascending,
    apart from each other and from the watermark, both ends inside.

    The watermark never moves back. Argument: watermark.
    """

    def __init__(self, watermark=0):
        self.watermark = watermark
        self.ranges = []
        self.forgotten_count = 0

    def add(self, first, last):
        """Confirm `first`..`last`. Result: how many of them were not confirmed before.

        With more than K ranges the smallest is forgotten; it will be sent again.
        """
        first = max(first, self.watermark + 1)
        if first > last:
            return 0
        news_count = last - first + 1
        merged = []
        for low, high in self.ranges:
            overlap = min(high, last) - max(low, first) + 1
            if overlap > 0:
                news_count -= overlap
        low_new, high_new = first, last
        for low, high in self.ranges:
            if high + 1 < low_new or low > high_new + 1:
                merged.append((low, high))
            else:
                low_new, high_new = min(low, low_new), max(high, high_new)
        merged.append((low_new, high_new))
        merged.sort()
        if merged[0][0] <= self.watermark + 1:
            self.watermark = merged.pop(0)[1]
        if len(merged) > RANGE_COUNT_MAX:
            smallest = min(merged, key=_size)
            merged.remove(smallest)
            self.forgotten_count += 1
        self.ranges = merged
        return news_count

    def skip(self, seq):
        """The first seq from `seq` on that is not confirmed."""
        if seq <= self.watermark:
            seq = self.watermark + 1
        for low, high in self.ranges:
            if low <= seq <= high:
                seq = high + 1
        return seq

    def end_before(self, seq):
        """The first confirmed seq from `seq` on, or None: an unconfirmed run ends before it."""
        for low, _ in self.ranges:
            if low >= seq:
                return low
        return None

    def missing_count(self, first, last):
        """How many of `first`..`last` are not confirmed."""
        first = max(first, self.watermark + 1)
        missing = max(0, last - first + 1)
        for low, high in self.ranges:
            missing -= max(0, min(high, last) - max(low, first) + 1)
        return missing

    def count(self):
        """How many seqs are confirmed."""
        return self.watermark + sum(_size(each) for each in self.ranges)


def _size(each):
    return each[1] - each[0] + 1
