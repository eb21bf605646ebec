"""The health of a device in one small observation, counted on over reboots. SPEC 2.7, 4005.

The last one on flash is where counting goes on after a start: nothing else is written for it, and
a cut of power costs no more than what was counted since.
"""

from tidegate.diag.counters import REASON_NAMES
from tidegate.limits import HEALTH_PERIOD_MS, HEAP_UNIT_BYTES, TICKS_MASK_MS

VERSION = 1
# Of this boot, added to what was counted before; counted by the spool since its format; as it is.
COUNT, TOTAL, LEVEL = 0, 1, 2
FIELDS = (
    ("suppressed", COUNT), ("refused", COUNT), ("recorded", TOTAL), ("confirmed", TOTAL),
    ("evicted", TOTAL), ("lost", TOTAL), ("resent", COUNT), ("sessions", COUNT),
    # Attempts that failed, by the outcomes of `link.causes`.
    ("failed_refused", COUNT), ("failed_timeout", COUNT), ("failed_dns", COUNT),
    ("failed_busy", COUNT), ("failed_overload", COUNT), ("failed_auth", COUNT),
    ("failed_clock", COUNT), ("failed_moved", COUNT), ("failed_broken", COUNT),
    ("clock_steps", COUNT), ("commands_refused", COUNT), ("crashes", COUNT),
    ("turns_failed", COUNT), ("turns_slow", COUNT), ("stalls", COUNT), ("memory_short", COUNT),
    ("erases", TOTAL), ("erases_max", TOTAL), ("age_s", LEVEL), ("drain_s", LEVEL),
    ("heap_free_min", LEVEL), ("turn_ms_max", LEVEL), ("safe", LEVEL),
)
_MASK_BYTES = 4
_REFUSED = REASON_NAMES.index("refused")


class Health:
    """Takes stock, and remembers what was counted before this boot.

    Argument: agent, whose parts are there when stock is taken. Members: free_min_bytes, the
    fewest bytes free after a sweep of this boot, -1 while unknown; is_due, whether it is to be
    told at the next turn.
    """

    def __init__(self, agent):
        self._agent = agent
        self._before = [0] * len(FIELDS)
        self._told_ms = agent.monotonic.now_ms
        self.free_min_bytes = -1
        self.is_due = False

    def restore(self, value):
        """Count on from an observation of an earlier boot. Result: False where it is none."""
        found = decode(value)
        if found is not None:
            self._before = found
        return found is not None

    def swept(self, free_bytes):
        """So many bytes are free after a sweep, -1 where nobody knows."""
        if free_bytes >= 0 and not 0 <= self.free_min_bytes <= free_bytes:
            self.free_min_bytes = free_bytes

    def look(self, now_ms):
        """Result: whether the observation is due."""
        if (now_ms - self._told_ms) & TICKS_MASK_MS >= HEALTH_PERIOD_MS:
            self.is_due = True
        return self.is_due

    def observation(self, now_ms):
        """The bytes that tell it; the period begins anew."""
        self.is_due = False
        self._told_ms = now_ms
        return encode(self.values())

    def values(self):
        """Stock, in the order of FIELDS."""
        found = self._counted() + self._levels()
        for index, (_, kind) in enumerate(FIELDS):
            if kind == COUNT:
                found[index] += self._before[index]
            elif kind == TOTAL:
                found[index] = max(found[index], self._before[index])
        return found

    def _counted(self):
        agent = self._agent
        counters, vitals, logs = agent.counters, agent.vitals, agent.spool.logs
        commands, tally = agent.remote.commands, counters.tally
        refused = tally.total(_REFUSED)
        recorded = sum([log.next_seq - 1 for log in logs])
        return ([tally.total(None) - refused, refused, recorded,
                 recorded - agent.uplink.unconfirmed_count(),
                 sum([log.evicted_count for log in logs]), sum([log.lost_count for log in logs]),
                 counters.resent, counters.sessions]
                + counters.outcomes
                + [counters.clock_steps,
                   commands.refused_count + commands.dropped_count + counters.messages_refused,
                   vitals.boot.crash_count, counters.turns_failed, vitals.watch.slow_count,
                   vitals.progress.stall_count, vitals.pressure.count])

    def _levels(self):
        """A ring erases its blocks in turn: the number of the newest sector says how often."""
        agent = self._agent
        logs, lag, vitals = agent.spool.logs, agent.uplink.lag, agent.vitals
        members = [dict(lag.member(log)) for log in range(len(logs))]
        return [sum([log.number + 1 for log in logs]),
                max([log.number // log.geometry.block_count + 1 for log in logs]),
                _most([each["age_s"] for each in members]),
                _most([each["drain_s"] for each in members]),
                self.free_min_bytes // HEAP_UNIT_BYTES + 1, vitals.watch.turn_ms_max,
                int(vitals.boot.is_safe)]


def _most(numbers):
    """The largest number plus 1, 0 where one of them is unknown."""
    return 0 if None in numbers else max(numbers) + 1


def encode(values):
    """Bytes of a stock: version, which values are not 0 (4 bytes, lowest first), and these values,
    varints."""
    mask = [0] * _MASK_BYTES
    data = bytearray()
    for index, value in enumerate(values):
        if value:
            mask[index >> 3] |= 1 << (index & 7)
            while value > 0x7F:
                data.append(value & 0x7F | 0x80)
                value >>= 7
            data.append(value)
    return bytes((VERSION,)) + bytes(mask) + bytes(data)


def decode(data):
    """The stock of bytes; None where they are none of this version."""
    at = 1 + _MASK_BYTES
    if not isinstance(data, (bytes, bytearray)) or len(data) < at or data[0] != VERSION:
        return None
    values = []
    for index in range(len(FIELDS)):
        value = shift = 0
        if data[1 + (index >> 3)] & 1 << (index & 7):
            while True:
                if at >= len(data):
                    return None
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
        values.append(value)
    return values


def by_name(values):
    """A stock as {name: value}; sizes in bytes, None where unknown."""
    found = {name: value for (name, _), value in zip(FIELDS, values)}
    for name in ("age_s", "drain_s"):
        found[name] = found[name] - 1 if found[name] else None
    units = found["heap_free_min"]
    found["heap_free_min"] = (units - 1) * HEAP_UNIT_BYTES if units else None
    return found
