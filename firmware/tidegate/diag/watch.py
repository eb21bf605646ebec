"""Where the time of a turn goes, and what does not get on although it should."""

from tidegate.diag import trail
from tidegate.limits import PROGRESS_LOOK_COUNT, STEP_BUDGET_MS

SAMPLE, LINK, EXCHANGE, SPOOL, CONSOLE, WAIT = range(6)
PART_NAMES = ("sample", "link", "exchange", "spool", "console", "wait")
# What is to get on: samples, confirmations by the server, erasing ahead of need.
STALL_NAMES = ("samples", "confirmations", "erasing")


class Watch:
    """Times the parts of each turn, and says in the crumbs which one is running.

    Arguments: clock, the port; crumbs; notes, the trail. Members: part, the present one;
    longest_ms, of each part; turn_ms_max; slow_count, turns over their budget.
    """

    def __init__(self, clock, crumbs, notes):
        self._clock = clock
        self._mask_ms = clock.ticks_mask_ms
        self._budget_ms = STEP_BUDGET_MS * clock.speed
        self._crumbs = crumbs
        self._notes = notes
        self.part = WAIT
        self.longest_ms = [0] * len(PART_NAMES)
        self.turn_ms_max = self.slow_count = 0
        self._begun_ms = self._since_ms = 0
        self._most_part = self._most_ms = 0

    def begin(self, ticks_ms):
        """A turn begins with its first part. Argument: ticks of the clock, just read."""
        self._begun_ms = self._since_ms = ticks_ms
        self._most_part, self._most_ms = SAMPLE, 0
        self.part = SAMPLE
        self._crumbs.enter(SAMPLE)

    def enter(self, part):
        """The part before is over, another one begins."""
        now_ms = self._clock.ticks_ms()
        spent_ms = (now_ms - self._since_ms) & self._mask_ms
        if spent_ms > self._most_ms:
            self._most_part, self._most_ms = self.part, spent_ms
        if spent_ms > self.longest_ms[self.part]:
            self.longest_ms[self.part] = spent_ms
        self._since_ms = now_ms
        self.part = part
        self._crumbs.enter(part)

    def end(self):
        """The turn is over. One over its budget leaves the part that took longest in the crumbs:
        should the watchdog bite now, that is why."""
        self.enter(WAIT)
        turn_ms = (self._since_ms - self._begun_ms) & self._mask_ms
        if turn_ms > self.turn_ms_max:
            self.turn_ms_max = turn_ms
        if turn_ms > self._budget_ms:
            self.slow_count += 1
            self._crumbs.enter(self._most_part)
            if trail.has_doubled(self.slow_count - 1, self.slow_count):
                self._notes.note(trail.WARNING, "turn over budget", count=self.slow_count,
                                 part=PART_NAMES[self._most_part], part_ms=self._most_ms,
                                 turn_ms=turn_ms)


class Progress:
    """Looked at once a minute: what was wanted and did not move for PROGRESS_LOOK_COUNT looks is
    stalled, and told each time the looks since have doubled. Argument: notes, the trail.

    Member: stall_count, how often anything stalled.
    """

    def __init__(self, notes):
        self._notes = notes
        self._marks = [-1] * len(STALL_NAMES)
        self._still_counts = [0] * len(STALL_NAMES)
        self.stall_count = 0

    def look(self, wanted, marks):
        """Arguments: by STALL_NAMES, whether it should get on, and a number that moves then."""
        for index, mark in enumerate(marks):
            before = self._still_counts[index]
            is_still = wanted[index] and mark == self._marks[index]
            self._marks[index] = mark
            count = self._still_counts[index] = before + 1 if is_still else 0
            stalled = count - PROGRESS_LOOK_COUNT + 1
            if stalled > 0 and trail.has_doubled(stalled - 1, stalled):
                self.stall_count += stalled == 1
                self._notes.note(trail.ALARM, "no progress", looks=count, of=STALL_NAMES[index])
            elif not count and before >= PROGRESS_LOOK_COUNT:
                self._notes.note(trail.INFO, "progress again", of=STALL_NAMES[index])
