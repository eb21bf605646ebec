"""A small catalogue, a sampler on a spool that only records, and the suppression rules again.

`Oracle` says what SPEC section 2 says, with plain integers that never wrap; it shares nothing
with the device's code but the catalogue's rows.
"""

from tidegate.diag.counters import Counters
from tidegate.limits import TICKS_MASK_MS
from tidegate.observe.catalogue import (
    DEADBAND,
    EXACT,
    NUMBER,
    OPAQUE,
    RECORDS,
    TELEMETRY,
    TEXT,
    TREND,
    Catalogue,
)
from tidegate.observe.sampler import Sampler
from tidegate.observe.suppress import Suppressor

STATE, VOLTS, DRIFT, LABEL, SIGNED, RARE = 10, 20, 30, 40, 50, 60
# id, name, kind, unit, decimals, log, policy, bound, zero, settle, heartbeat s, hold, min, max
ROWS = (
    (STATE, "State", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 9),
    (VOLTS, "Volts", NUMBER, "V", 3, TELEMETRY, DEADBAND, 5, 0, 0, 60, 0, -40, 40),
    (DRIFT, "Drift", NUMBER, "", 0, TELEMETRY, TREND, 3, 0, 0, 0, 0, -1_000, 1_000),
    (LABEL, "Label", TEXT, "", 0, TELEMETRY, EXACT, 0, 0, 0, 90, 0, 1, 4),
    (SIGNED, "Signed", OPAQUE, "", 0, RECORDS, EXACT, 0, 0, 0, 0, 0, 0, 3),
    (RARE, "Rare", NUMBER, "", 0, RECORDS, EXACT, 0, 0, 0, 86_400, 0, 0, (1 << 64) - 1),
)


class Device:
    """A suppressor and a sampler; `durable` is [(log, kind, id, value, moment)], never wrapping.

    `is_full` makes appends fail. Argument: begin_ms, the moment of the first boot on a clock
    that never wraps; the device sees it wrapped to its ticks.
    """

    def __init__(self, begin_ms=0):
        self.durable = []
        self.is_full = False
        self.now_ms = begin_ms
        self.boot()

    def boot(self):
        """A restart: only what is durable stays."""
        catalogue = Catalogue(ROWS)
        self.suppressor = Suppressor(catalogue)
        for seq, (_, _, observation_id, value, _) in enumerate(self.durable, 1):
            self.suppressor.restore(observation_id, seq, value, False)
        self.counters = Counters()
        self.sampler = Sampler(catalogue, self.suppressor, self._append, self.counters)

    def _append(self, log, kind, observation_id, value, now_ms):
        assert now_ms == self.now_ms & TICKS_MASK_MS
        if self.is_full:
            return 0
        self.durable.append((log, kind, observation_id, value, self.now_ms))
        return len(self.durable)

    def turn(self, now_ms):
        self.now_ms = now_ms
        self.sampler.begin_turn(now_ms & TICKS_MASK_MS)

    def offer(self, observation_id, value):
        """Offer one sample. Result: the word for what became of it."""
        names = ("refused", "unchanged", "within_bound", "recorded", "full")
        before = {name: getattr(self.counters, name) for name in names}
        durable_count = len(self.durable)
        self.sampler.offer(observation_id, value)
        grown = [name for name in names if getattr(self.counters, name) == before[name] + 1]
        assert len(grown) == 1, f"one sample is counted once: {grown}"
        assert (len(self.durable) > durable_count) == (grown == ["recorded"])
        return grown[0]


class Oracle:
    """SPEC section 2, rule by rule. Argument: rows, of a catalogue."""

    def __init__(self, rows=ROWS):
        self.by_id = {row[0]: row for row in rows}
        self.last = {}
        self.first_turn_ms = None

    def boot(self):
        self.first_turn_ms = None
        self.last = {key: (value, None) for key, (value, _) in self.last.items()}

    def turn(self, now_ms):
        if self.first_turn_ms is None:
            self.first_turn_ms = now_ms
        self.now_ms = now_ms

    def judge(self, observation_id, value, is_full):
        row = self.by_id.get(observation_id)
        if row is None or not fits(row, value):
            return "refused"
        verdict = self._verdict(row, observation_id, value)
        if verdict != "recorded":
            return verdict
        if is_full:
            return "full"
        self.last[observation_id] = (value, self.now_ms)
        return "recorded"

    def _verdict(self, row, observation_id, value):
        if observation_id not in self.last:
            return "recorded"
        last, since_ms = self.last[observation_id]
        if since_ms is None:
            since_ms = self.first_turn_ms
        policy, bound, heartbeat_s = row[6], row[7], row[10]
        if policy == EXACT and value != last:
            return "recorded"
        if policy != EXACT and abs(value - last) > bound:
            return "recorded"
        if heartbeat_s > 0 and self.now_ms - since_ms >= heartbeat_s * 1_000:
            return "recorded"
        return "unchanged" if value == last else "within_bound"


def fits(row, value):
    kind, low, high = row[2], row[12], row[13]
    if kind == NUMBER:
        return type(value) is int and low <= value <= high
    if kind == TEXT:
        return type(value) is str and low <= len(value.encode()) <= high
    return type(value) in (bytes, bytearray) and low <= len(value) <= high
