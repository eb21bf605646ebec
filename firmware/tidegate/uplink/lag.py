"""How far behind the device is, measured on the device."""

from tidegate.limits import TICKS_MASK_MS
from tidegate.observe.catalogue import TELEMETRY


class Lag:
    """Age of the oldest unconfirmed observation, how many there are, the flash they take, and how
    fast they are confirmed, for each log.

    Arguments: spool, started; anchor, of this boot; monotonic, the time. `probe` is a cursor that
    others may use between two calls.
    """

    def __init__(self, spool, anchor, monotonic):
        self._spool = spool
        self._anchor = anchor
        self._monotonic = monotonic
        self.probe = spool.cursor(TELEMETRY)
        self._oldest = [None, None]
        self._age_s = [None, None]
        self._rate = [0, 0]
        self._confirmed = [log.next_seq - 1 - self.count(index)
                           for index, log in enumerate(spool.logs)]
        self._measured_ms = monotonic.now_ms
        self._member = {}

    def count(self, log_index):
        """How many observations are not confirmed."""
        log = self._spool.logs[log_index]
        return log.ranges.missing_count(1, log.next_seq - 1)

    def member(self, log_index):
        """The member `lag` of a batch, SPEC section 4, as of the last `measure`.

        It is the same dict each time.
        """
        member, rate = self._member, self._rate[log_index]
        count = self.count(log_index)
        oldest, log = self._oldest[log_index], self._spool.logs[log_index]
        member["age_s"] = self._age_s[log_index]
        member["count"] = count
        member["bytes"] = 0
        if count and oldest is not None:
            member["bytes"] = max(
                0, (log.number - oldest[4]) * log.block_bytes + log.offset - oldest[5])
        member["rate"] = rate
        member["drain_s"] = (count + rate - 1) // rate if rate else 0 if not count else None
        return member

    def measure(self, now_ms):
        """Look at the oldest unconfirmed observation of each log."""
        elapsed_ms = (now_ms - self._measured_ms) & TICKS_MASK_MS
        self._measured_ms = now_ms
        for log_index, log in enumerate(self._spool.logs):
            confirmed = log.next_seq - 1 - self.count(log_index)
            if elapsed_ms:
                news = (confirmed - self._confirmed[log_index]) * 1_000 // elapsed_ms
                # The mean of about the last four, rounded so that it reaches what it nears.
                news -= self._rate[log_index]
                self._rate[log_index] += (news + 3 if news > 0 else news) >> 2
            self._confirmed[log_index] = confirmed
            self._look(log_index, log, now_ms)

    def _look(self, log_index, log, now_ms):
        probe, seq = self.probe, log.ranges.skip(1)
        if seq >= log.next_seq:
            self._age_s[log_index] = 0
            return
        oldest = self._oldest[log_index]
        if oldest is None or oldest[0] != seq:
            probe.log = log
            probe.seek(seq)
            if not probe.next():
                return
            oldest = (seq, probe.boot, probe.mono_base_ms + probe.frame.delta_ms,
                      probe.utc_zero_ms, probe.number, probe.before)
            self._oldest[log_index] = oldest
        self._age_s[log_index] = self._age(oldest, self._monotonic.total_ms(now_ms))

    def _age(self, oldest, now_ms):
        """Age in s; None where an observation of an earlier boot cannot be dated."""
        boot, mono_ms, utc_zero_ms = oldest[1:4]
        if boot != self._spool.boot:
            if utc_zero_ms is None or self._anchor.utc_zero_ms is None:
                return None
            mono_ms += utc_zero_ms - self._anchor.utc_zero_ms
        return max(0, now_ms - mono_ms) // 1_000
