"""How fast the backlog drains: a token bucket whose rate follows the confirmations. Pure.

After a reconnect the drain starts at one batch a second and doubles while confirmations come
promptly, so that the devices that came back together do not make a second surge. Once it was too
fast it grows by one batch a second only. A confirmation is late when it took more than twice the
shortest one seen, at most PROMPT_MS_MAX, and LATE_MS_MIN beyond that. What was sent of the backlog
and is not confirmed for good is at most one second's worth: so a receiver that falls behind is
sent less at once, before any confirmation comes late.
Source of the scheme: slow start and additive increase, multiplicative decrease, RFC 5681.
"""

from tidegate.limits import (
    BACKLOG_RATE_MAX, BACKLOG_RATE_MIN, BATCH_COUNT_MAX, LATE_MS_MIN, PROMPT_MS_MAX,
    TICKS_MASK_MS,
)


class Pacing:
    """Decides when the next backlog batch may go. Rates are observations a second."""

    def __init__(self):
        self.ceiling = BACKLOG_RATE_MAX
        self.rate = BACKLOG_RATE_MIN
        self.in_flight_count = 0
        self._milli_tokens = 0
        self._filled_ms = 0
        self._is_slow_start = True
        self._prompt_ms = -1
        self._halved_ms = 0

    def begin(self, now_ms):
        """A session came up."""
        self.rate = min(BACKLOG_RATE_MIN, self.ceiling)
        self.in_flight_count = 0
        self._milli_tokens = 0
        self._filled_ms = self._halved_ms = now_ms
        self._is_slow_start = True
        self._prompt_ms = -1

    def limit(self, observations_per_s):
        """The operator's word: no faster than that, 0 for not at all, None to lift it."""
        if observations_per_s is None:
            observations_per_s = BACKLOG_RATE_MAX
        self.ceiling = max(0, min(observations_per_s, BACKLOG_RATE_MAX))
        self.rate = min(self.rate, self.ceiling) or min(BACKLOG_RATE_MIN, self.ceiling)

    def wait_ms(self, now_ms):
        """How long until a batch may go: 0 for now, -1 while only a confirmation or a new limit
        can change it."""
        elapsed_ms = min((now_ms - self._filled_ms) & TICKS_MASK_MS, 1_000)
        self._filled_ms = now_ms
        full = self.rate * 1_000
        self._milli_tokens = min(self._milli_tokens + self.rate * elapsed_ms, full)
        if not self.rate or self.in_flight_count and (
                self.in_flight_count + BATCH_COUNT_MAX > self.rate):
            return -1
        if self._milli_tokens > 0:
            return 0
        return 1 - self._milli_tokens // self.rate

    def sent(self, count):
        """A batch of `count` observations went out; it may leave the bucket in debt."""
        self._milli_tokens -= count * 1_000
        self.in_flight_count += count

    def forgotten(self, count):
        """A batch of `count` will be sent again, or nobody waits for its confirmation any more."""
        self.in_flight_count -= count

    def confirmed(self, count, took_ms, now_ms):
        """A batch of `count` was confirmed for good after `took_ms`, or has waited so long: the
        rate follows."""
        self.in_flight_count -= count
        if self._prompt_ms < 0 or took_ms < self._prompt_ms:
            self._prompt_ms = min(took_ms, PROMPT_MS_MAX)
        if took_ms > 2 * self._prompt_ms + LATE_MS_MIN:
            # One lesson for all that was in flight together.
            if (now_ms - self._halved_ms) & TICKS_MASK_MS >= took_ms:
                self.rate = max(min(BACKLOG_RATE_MIN, self.ceiling), self.rate >> 1)
                self._is_slow_start = False
                self._halved_ms = now_ms
            return
        gain = count if self._is_slow_start else BATCH_COUNT_MAX * count // max(1, self.rate)
        self.rate = min(self.rate + gain, self.ceiling)
