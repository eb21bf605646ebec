"""A small catalogue, and a sampler on a spool that only records, beside the rules of SPEC 2.

`Oracle` is the host's second opinion, which shares no code with the device. Portable.
"""

from tidegate_tools.suppression_rules import Rules

from tidegate.diag.counters import Counters
from tidegate.limits import TICKS_MASK_MS
from tidegate.observe import policy
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
POWER, DIAL, SHARE, ENERGY, MODE = 70, 80, 90, 553, 710
NAMES = ("unchanged", "within_bound", "settling", "fused", "full", "repeated", "refused")
# id, name, kind, unit, decimals, log, policy, bound, zero, settle, heartbeat s, hold, min, max
ROWS = (
    (STATE, "State", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 9),
    (VOLTS, "Volts", NUMBER, "V", 3, TELEMETRY, DEADBAND, 5, 0, 0, 60, 0, -40, 40),
    (DRIFT, "Drift", NUMBER, "", 0, TELEMETRY, TREND, 3, 0, 2, 600, 30, -1_000, 1_000),
    (LABEL, "Label", TEXT, "", 0, TELEMETRY, EXACT, 0, 0, 0, 90, 0, 1, 4),
    (SIGNED, "Signed", OPAQUE, "", 0, RECORDS, EXACT, 0, 0, 0, 0, 0, 0, 3),
    (RARE, "Rare", NUMBER, "", 0, RECORDS, EXACT, 0, 0, 0, 86_400, 0, 0, (1 << 64) - 1),
    (POWER, "Power", NUMBER, "W", 0, TELEMETRY, DEADBAND, 5, 8, 5, 90, 0, -900, 900, 20, 100, 0),
    (DIAL, "Dial", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 3, 0, 0, 0, 99),
    (SHARE, "Share", NUMBER, "", 0, TELEMETRY, DEADBAND, 50, 0, 0, 0, 0, 0, 100, 50, 0, 1),
    (ENERGY, "Energy", NUMBER, "Wh", 0, TELEMETRY, TREND, 4, 0, 0, 0, 20, 0, 100_000),
    (MODE, "Mode", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 9),
)


class Device:
    """A suppressor and a sampler; `durable` is [(log, kind, id, value, moment)], never wrapping.

    `is_full` makes appends fail. Arguments: begin_ms, the moment of the first boot on a clock
    that never wraps; the device sees it wrapped to its ticks; rows; phase.
    """

    def __init__(self, begin_ms=0, rows=ROWS, phase=0, trail=None):
        self.durable = []
        self.is_full = False
        self.now_ms = begin_ms
        self._rows, self._phase, self._trail = rows, phase, trail
        self.boot()

    def boot(self):
        """A restart: only what is durable stays."""
        self._is_open = False
        catalogue = Catalogue(self._rows)
        self.suppressor = Suppressor(catalogue, self._phase)
        for seq, (_, _, observation_id, value, _) in enumerate(self.durable, 1):
            self.suppressor.restore(observation_id, seq, value, False)
        self.counters = Counters()
        self.sampler = Sampler(
            catalogue, self.suppressor, self._append, self.counters, self._trail)

    def _append(self, log, kind, observation_id, value, at_ms):
        age_ms = (self.now_ms - at_ms) & TICKS_MASK_MS
        assert age_ms <= TICKS_MASK_MS >> 1, "no sample comes from the future"
        if self.is_full:
            return 0
        value = bytes(value) if isinstance(value, bytearray) else value
        self.durable.append((log, kind, observation_id, value, self.now_ms - age_ms))
        return len(self.durable)

    def reports(self, observation_id):
        """[(value, moment)] of what was reported of one id."""
        return [each[3:] for each in self.durable if each[2] == observation_id]

    def turn(self, now_ms):
        """Begin a turn; the one before ends."""
        if self._is_open:
            self.end()
        self._is_open = True
        self.now_ms = now_ms
        self.sampler.begin_turn(now_ms & TICKS_MASK_MS)

    def end(self):
        self._is_open = False
        self.sampler.end_turn()

    def change(self, policies):
        """Other policies than the rows', from the next sample on."""
        self.sampler.adopt(policy.rows(self.suppressor.catalogue, policies))

    def offer(self, observation_id, value, stamp=None):
        """Offer one sample. Result: the word for what became of it."""
        before = {name: getattr(self.counters, name) for name in NAMES}
        passed_count = self.counters.passed
        self.sampler.offer(observation_id, value, stamp)
        grown = [name for name in NAMES if getattr(self.counters, name) == before[name] + 1]
        if self.counters.passed == passed_count + 1:
            grown.append("recorded")
        assert len(grown) == 1, f"one sample is counted once: {grown}"
        return grown[0]


class Oracle(Rules):
    """The rules on the rows of a catalogue; `durable` is [(id, value, moment)]."""

    def __init__(self, rows=ROWS, phase=0):
        self.durable = []
        self.is_full = False
        super().__init__(rows, self._accept, phase)

    def _accept(self, observation_id, value, at_ms):
        if not self.is_full:
            self.durable.append((observation_id, value, at_ms))
        return not self.is_full
