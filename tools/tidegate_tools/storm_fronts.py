"""Front ends of a server, as `storm` plays them: what becomes of one attempt at one moment."""

from bisect import bisect_right

from tidegate.limits import CONNECT_MS_MAX
from tidegate.link import causes

UP = -1
# A TCP connection asks again after 1 s, and each time twice as long after that (RFC 6298).
SYN_MS = (1_000, 3_000, 7_000)


class Capacity:
    """Admissions per second over time, linear between its points.

    Argument: points, (ms, admissions per second) in ascending order; from the last on it stays.
    """

    def __init__(self, points):
        self._at_ms = [point[0] for point in points]
        self._rates = [point[1] / 1000 for point in points]
        self._sums = [0.0]
        for (start_ms, rate), (end_ms, next_rate) in zip(points, points[1:]):
            self._sums.append(
                self._sums[-1] + (rate + next_rate) / 2000 * (end_ms - start_ms))

    def rate(self, now_ms):
        """Admissions per ms at a moment."""
        index = bisect_right(self._at_ms, now_ms) - 1
        if index < 0:
            return self._rates[0]
        return self._rates[index] + self._slope(index) * (now_ms - self._at_ms[index])

    def total(self, now_ms):
        """Admissions from the first point to a moment."""
        index = bisect_right(self._at_ms, now_ms) - 1
        if index < 0:
            return 0.0
        past_ms = now_ms - self._at_ms[index]
        return (self._sums[index] + self._rates[index] * past_ms
                + self._slope(index) * past_ms * past_ms / 2)

    def when(self, total):
        """The moment at which `total` is reached, in ms; infinite where it never is."""
        index = bisect_right(self._sums, total) - 1
        rest, rate, slope = total - self._sums[index], self._rates[index], self._slope(index)
        if slope:
            past_ms = ((rate * rate + 2 * slope * rest) ** 0.5 - rate) / slope
        elif rate:
            past_ms = rest / rate
        else:
            return float("inf")
        return self._at_ms[index] + past_ms

    def _slope(self, index):
        if index + 1 >= len(self._rates):
            return 0.0
        span_ms = self._at_ms[index + 1] - self._at_ms[index]
        return (self._rates[index + 1] - self._rates[index]) / span_ms if span_ms else 0.0


class Front:
    """What all front ends share: an outage, refused by an outcome of `causes` or by silence.

    Arguments: capacity; down, (start ms, end ms) of the outage; refusal, the outcome, None for
    silence; latency_ms(), the time from the start of an attempt to its answer.
    """

    def __init__(self, capacity, down, refusal, latency_ms):
        self.capacity = capacity
        self.down_ms, self.restored_ms = down
        self._refusal = refusal
        self._latency_ms = latency_ms
        self.admitted_count = 0

    def attempt(self, now_ms, patience_ms):
        """Result: (UP or an outcome of `causes`, the moment at which the device knows it)."""
        if self.down_ms <= now_ms < self.restored_ms:
            if self._refusal is not None:
                return self._refusal, now_ms + self._latency_ms()
            for wait_ms in SYN_MS:
                if now_ms + wait_ms >= self.restored_ms:
                    now_ms += wait_ms
                    break
            else:
                return causes.TIMEOUT, now_ms + CONNECT_MS_MAX
        return self._serve(now_ms, patience_ms)

    def _serve(self, now_ms, patience_ms):
        raise NotImplementedError


class Refusing(Front):
    """(a), (b): a bucket of `burst` admissions, filled at the capacity; empty, it refuses.

    A refusal takes `cost` of an admission out of the bucket, down to minus one burst: what comes
    beyond that the system drops unseen. Where the outage is silent it refuses by a reset.
    """

    def __init__(self, capacity, down, refusal, latency_ms, burst, cost=0.0):
        super().__init__(capacity, down, refusal, latency_ms)
        self._burst, self._cost = burst, cost
        self._outcome = causes.REFUSED if refusal is None else refusal
        self._tokens = float(burst)
        self._total = 0.0

    def _serve(self, now_ms, patience_ms):
        total = self.capacity.total(now_ms)
        if total > self._total:
            self._tokens = min(self._burst, self._tokens + total - self._total)
            self._total = total
        if self._tokens >= 1:
            self._tokens -= 1
            self.admitted_count += 1
            return UP, now_ms + self._latency_ms()
        self._tokens = max(-self._burst, self._tokens - self._cost)
        return self._outcome, now_ms + self._latency_ms()


class Queueing(Front):
    """(c): takes every connection, works through them in order, and never learns who left.

    The device gives up after its patience; the work for it is done all the same, and lost.
    `patience_ms_max` closes a connection earlier, to see what patience is worth.
    """

    def __init__(self, capacity, down, refusal, latency_ms, patience_ms_max=None):
        super().__init__(capacity, down, refusal, latency_ms)
        self._patience_ms_max = patience_ms_max
        self._total = 0.0

    def _serve(self, now_ms, patience_ms):
        self._total = max(self._total, self.capacity.total(now_ms)) + 1
        if self._patience_ms_max:
            patience_ms = min(patience_ms, self._patience_ms_max)
        done_ms = self.capacity.when(self._total)
        if done_ms - now_ms > patience_ms:
            return causes.OVERLOAD, now_ms + patience_ms
        self.admitted_count += 1
        return UP, int(done_ms) + self._latency_ms()
