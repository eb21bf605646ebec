"""How far behind the device is, measured on the device."""

from tidegate.observe.catalogue import TELEMETRY


class Lag:
    """Age of the oldest unconfirmed observation, and how many there are, for each log.

    Arguments: spool, started; anchor, of this boot; monotonic, the time. `probe` is a cursor that
    others may use between two calls.
    """

    def __init__(self, spool, anchor, monotonic):
        self._spool = spool
        self._anchor = anchor
        self._monotonic = monotonic
        self.probe = spool.cursor(TELEMETRY)
        self._oldest = {}
        self._age_s = {}
        self._member = {"age_s": None, "count": 0}

    def count(self, log_index):
        """How many observations are not confirmed."""
        log = self._spool.logs[log_index]
        return log.ranges.missing_count(1, log.next_seq - 1)

    def member(self, log_index):
        """The member `lag` of a batch, SPEC section 4, as of the last `measure`.

        It is the same dict each time.
        """
        self._member["age_s"] = self._age_s.get(log_index)
        self._member["count"] = self.count(log_index)
        return self._member

    def measure(self, now_ms):
        """Look at the oldest unconfirmed observation of each log."""
        probe = self.probe
        for log_index, log in enumerate(self._spool.logs):
            seq = log.ranges.skip(1)
            if seq >= log.next_seq:
                self._age_s[log_index] = 0
                continue
            oldest = self._oldest.get(log_index)
            if oldest is None or oldest[0] != seq:
                probe.log = log
                probe.seek(seq)
                if not probe.next():
                    continue
                oldest = (seq, probe.boot, probe.mono_base_ms + probe.frame.delta_ms,
                          probe.utc_zero_ms)
                self._oldest[log_index] = oldest
            self._age_s[log_index] = self._age(oldest, self._monotonic.total_ms(now_ms))

    def _age(self, oldest, now_ms):
        """Age in s; None where an observation of an earlier boot cannot be dated."""
        _, boot, mono_ms, utc_zero_ms = oldest
        if boot != self._spool.boot:
            if utc_zero_ms is None or self._anchor.utc_zero_ms is None:
                return None
            mono_ms += utc_zero_ms - self._anchor.utc_zero_ms
        return max(0, now_ms - mono_ms) // 1_000
