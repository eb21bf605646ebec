"""What a receiver makes of the reports of a device, held against every sample, in integers.

Of the device it asks for reports and counters alone; what they must be worth is worked out here,
with the bounds of the host's model of a catalogue row.
"""

from tidegate_tools.suppression_model import Quantity

from tidegate.diag.counters import REASON_NAMES, Counters
from tidegate.limits import TICKS_MASK_MS
from tidegate.observe.catalogue import ROWS, Catalogue
from tidegate.observe.sampler import Sampler
from tidegate.observe.suppress import Suppressor

EXCUSES = [REASON_NAMES.index(name) for name in ("settling", "fused")]


class Held:
    """Policies exact and deadband: the last report stands until the next one.

    `excused_count` samples were beyond the bound while settling or fused, the longest of these
    stretches took `excused_ms`.
    """

    def __init__(self, quantity):
        self.quantity = quantity
        self.last = self.newest = self._since_ms = None
        self.sample_count = self.report_count = self.excused_count = self.excused_ms = 0

    def report(self, value, at_ms):
        self.last = value
        self.report_count += 1

    def is_beyond(self, value):
        """Whether a value is more than the bound away from the last report."""
        quantity, last = self.quantity, self.last
        if value == last:
            return False
        if quantity.policy == "exact":
            return True
        reach = quantity.zero_band + quantity.zero_band // 4
        if quantity.zero_band and abs(last) <= reach and abs(value) <= reach:
            return False
        return abs(value - last) > quantity.bound(last)

    def sample(self, value, at_ms, is_excused):
        """One sample, after what the device has made of it."""
        self.sample_count += 1
        self.newest = value
        if not self.is_beyond(value):
            self._since_ms = None
            return
        assert is_excused, (self.quantity.id, at_ms, value, self.last)
        self.excused_count += 1
        self._since_ms = at_ms if self._since_ms is None else self._since_ms
        self.excused_ms = max(self.excused_ms, at_ms - self._since_ms)

    def end(self):
        assert not self.is_beyond(self.newest), f"{self.quantity.id}: its last value is missing"


class Line(Held):
    """Policy trend: a straight line from each report to the next.

    `excused_ms` is the longest time that the receiver did not know how far a sample had gone.
    """

    def __init__(self, quantity):
        super().__init__(quantity)
        self._behind = []
        self._at_ms = 0

    def report(self, value, at_ms):
        first, first_ms, behind = self.last, self._at_ms, self._behind
        super().report(value, at_ms)
        self._at_ms = at_ms
        self._behind = [each for each in behind if each[1] > at_ms]
        reach = self.quantity.bound(0) * (at_ms - first_ms)
        for seen, seen_ms, is_excused in behind:
            off = (seen - (first or 0)) * (at_ms - first_ms) - (
                value - (first or 0)) * (seen_ms - first_ms)
            if seen_ms < at_ms and abs(off) > reach:
                assert is_excused, (self.quantity.id, seen_ms, seen, first, value, at_ms)
                self.excused_count += 1

    def sample(self, value, at_ms, is_excused):
        self.sample_count += 1
        self.newest = value
        if at_ms > self._at_ms:
            self._behind.append((value, at_ms, is_excused))
        if not self.is_beyond(value):
            self._since_ms = None
            return
        self._since_ms = at_ms if self._since_ms is None else self._since_ms
        self.excused_ms = max(self.excused_ms, at_ms - self._since_ms)


class Receiver:
    """A device with the catalogue of the product, and one of the above for each observation.

    Argument: ids, of the observations that count; the others are not taken.
    """

    def __init__(self, ids, phase=300):
        rows = {row[0]: Quantity(row) for row in ROWS if row[0] in ids}
        self.series = {each: Line(found) if found.policy == "trend" else Held(found)
                       for each, found in rows.items()}
        catalogue = Catalogue()
        self._suppressor = Suppressor(catalogue, phase)
        self._places = catalogue.places
        self._sampler = Sampler(catalogue, self._suppressor, self._append, Counters())
        self._count = self._sampler.tally.count
        self._now_ms = self._seq = 0
        self._fresh = []

    def _append(self, log, kind, observation_id, value, at_ms):
        self._seq += 1
        series = self.series.get(observation_id)
        if series is not None:
            series.report(value, self._now_ms - ((self._now_ms - at_ms) & TICKS_MASK_MS))
        return self._seq

    def turn(self, now_ms, step):
        """One turn; step(emit) gives its samples."""
        self._now_ms = now_ms
        self._sampler.begin_turn(now_ms & TICKS_MASK_MS)
        step(self._take)
        self._sampler.end_turn()
        for series, value, is_excused in self._fresh:
            series.sample(value, now_ms, is_excused)
        del self._fresh[:]

    def _take(self, observation_id, value):
        series = self.series.get(observation_id)
        if series is None:
            return
        place = self._places[observation_id]
        before = [self._count(reason, place) for reason in EXCUSES]
        self._sampler.offer(observation_id, value)
        after = [self._count(reason, place) for reason in EXCUSES]
        self._fresh.append((series, value, after != before))

    def end(self):
        """No samples any more: what waits arrives, and it is the last value of each burst."""
        for _ in range(20):
            self.turn(self._now_ms + 30_000, lambda emit: None)
        for series in self.series.values():
            if series.sample_count:
                series.end()
