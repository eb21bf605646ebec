"""What the rules of suppression are made of: a row by name, a bucket of tokens, a line. Pure.

Runs on both interpreters.
"""

HEARTBEAT_S_MAX = 86_400


class Quantity:
    """What the rules need of a catalogue's row, by name."""

    def __init__(self, row):
        row = list(row) + [0] * (17 - len(row))
        self.id, self.is_number, self.is_opaque = row[0], row[2] == 0, row[2] == 2
        self.policy = ("exact", "deadband", "trend")[row[6]]
        self.zero_band, self.low, self.high = row[8], row[12], row[13]
        self.settle_ms, self.heartbeat_ms, self.hold_ms = (1_000 * cell for cell in row[9:12])
        self._bounds = (row[7], row[14])
        self._threshold, self._is_per_mille = row[15], row[16]
        if self.policy == "trend" and not self.heartbeat_ms:
            self.heartbeat_ms = HEARTBEAT_S_MAX * 1_000

    def bound(self, last):
        """The bound behind a report of value `last`."""
        bound = self._bounds[1 if self._threshold and abs(last) > self._threshold else 0]
        return (self.high - self.low) * bound // 1_000 if self._is_per_mille else bound

    def accepts(self, value):
        """Whether a value has the right type and lies within its limits."""
        if self.is_number:
            return type(value) is int and self.low <= value <= self.high
        if self.is_opaque:
            return type(value) in (bytes, bytearray) and self.low <= len(value) <= self.high
        return type(value) is str and self.low <= len(value.encode()) <= self.high


class Bucket:
    """Tokens, in ms of refill."""

    def __init__(self, count, refill_ms, now_ms):
        self._most, self._refill_ms = count * refill_ms, refill_ms
        self._level, self._at_ms = self._most, now_ms

    def wait_ms(self, now_ms):
        """Ms until there is a token."""
        level = min(self._most, self._level + now_ms - self._at_ms)
        return max(0, self._refill_ms - level)

    def take(self, now_ms):
        """One token less."""
        self._level = min(self._most, self._level + now_ms - self._at_ms) - self._refill_ms
        self._at_ms = now_ms


class Line:
    """The samples behind the last report of a trend, by what they leave of a line.

    Argument: at_ms, of that report, None where it was in an earlier boot.
    """

    def __init__(self, value, at_ms):
        self.value, self.at_ms = value, at_ms
        self._lowest = self._highest = None
        self._is_barred = False

    def reaches(self, value, at_ms):
        """Whether the line to a sample is within the bound of those in between."""
        if self._is_barred:
            return False
        if self._lowest is None:
            return True
        if self.at_ms is None:
            return self._lowest[0] <= value <= self._highest[0]
        rise, span = value - self.value, at_ms - self.at_ms
        return (self._lowest[0] * span <= rise * self._lowest[1]
                and rise * self._highest[1] <= self._highest[0] * span)

    def pass_by(self, value, at_ms, bound):
        """Lines must pass within `bound` of this sample."""
        if self.at_ms is None or at_ms == self.at_ms:
            self._is_barred = self._is_barred or abs(value - self.value) > bound
        if self.at_ms is None:
            low, high = (value - bound, 1), (value + bound, 1)
        elif at_ms == self.at_ms:
            return
        else:
            span = at_ms - self.at_ms
            low, high = (value - self.value - bound, span), (value - self.value + bound, span)
        if self._lowest is None or low[0] * self._lowest[1] > self._lowest[0] * low[1]:
            self._lowest = low
        if self._highest is None or high[0] * self._highest[1] < self._highest[0] * high[1]:
            self._highest = high
