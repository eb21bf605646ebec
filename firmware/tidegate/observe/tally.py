"""What became of the samples that were not reported, by observation and reason."""

from tidegate.diag import trail
from tidegate.diag.counters import REASON_NAMES
from tidegate.limits import RUN_COUNT_MAX, RUN_QUIET_MS, TICKS_MASK_MS

# Why a sample was not reported at once.
UNCHANGED, WITHIN_BOUND, SETTLING, FUSED, FULL, REPEATED, REFUSED = range(7)
RECORDED = -1


class Tally:
    """Counts by reason and row, each only ever growing from the start of the boot.

    `unchanged` and `within_bound`, a number for each row, are counted up by who decides on most
    samples; the other reasons are seldom, and only those rows that have met one take room.
    Of what is not the normal course (FUSED and the reasons behind it) the trail gets the first
    and the last sample of a run, and so does warn(id, count) of those a fuse held up. A run is
    over when no such sample came for RUN_QUIET_MS; of at most RUN_COUNT_MAX at a time.
    Arguments: row_count; the Trail or None; warn.
    """

    def __init__(self, row_count, notes, warn):
        self.unchanged = [0] * row_count
        self.within_bound = [0] * row_count
        self._row_count = row_count
        self._rare = {}
        self.unknown_count = 0
        self.refused_id = 0
        self._notes = notes
        self._warn = warn
        self._runs = {}

    def total(self, reason):
        """Samples of all observations, None: for any reason; unknown ids are refused."""
        if reason is None:
            return sum([self.total(each) for each in range(len(REASON_NAMES))])
        return (sum([self.count(reason, index) for index in range(self._row_count)])
                + (self.unknown_count if reason == REFUSED else 0))

    def count(self, reason, index):
        """Samples of row `index`."""
        if reason == UNCHANGED:
            return self.unchanged[index]
        if reason == WITHIN_BOUND:
            return self.within_bound[index]
        return self._rare.get(reason * self._row_count + index, 0)

    def add(self, reason, index, observation_id, now_ms):
        """One sample more; index is -1 for an id that the catalogue does not have."""
        if index < 0:
            self.unknown_count += 1
        elif reason == UNCHANGED:
            self.unchanged[index] += 1
        elif reason == WITHIN_BOUND:
            self.within_bound[index] += 1
        else:
            key = reason * self._row_count + index
            self._rare[key] = self._rare.get(key, 0) + 1
        if reason == REFUSED:
            self.refused_id = observation_id
        if reason >= FUSED:
            self._run(reason, observation_id, now_ms)

    def _run(self, reason, observation_id, now_ms):
        run = self._runs.get((observation_id, reason))
        if run is not None:
            run[0] += 1
            run[1] = now_ms
        elif len(self._runs) < RUN_COUNT_MAX:
            self._runs[(observation_id, reason)] = [1, now_ms]
            self._tell("suppressed run begins", reason, observation_id, 1)

    def step(self, now_ms):
        """End the runs that have gone quiet. Result: ms until the next may end, -1 for none."""
        wait_ms = self._wait_ms(now_ms)
        if wait_ms:
            return wait_ms
        for key in sorted(self._runs):
            count, last_ms = self._runs[key]
            quiet_ms = (now_ms - last_ms) & TICKS_MASK_MS
            if quiet_ms >= RUN_QUIET_MS:
                del self._runs[key]
                self._tell("suppressed run ended", key[1], key[0], count, quiet_ms=quiet_ms)
        return self._wait_ms(now_ms)

    def _wait_ms(self, now_ms):
        wait_ms = -1
        for key in self._runs:
            quiet_ms = (now_ms - self._runs[key][1]) & TICKS_MASK_MS
            left_ms = max(0, RUN_QUIET_MS - quiet_ms)
            wait_ms = left_ms if wait_ms < 0 else min(wait_ms, left_ms)
        return wait_ms

    def _tell(self, event, reason, observation_id, count, **facts):
        if self._notes is not None:
            level = trail.WARNING if reason == FUSED else trail.INFO
            self._notes.note(level, event, id=observation_id, reason=REASON_NAMES[reason],
                             count=count, **facts)
        if reason == FUSED:
            self._warn(observation_id, count)
