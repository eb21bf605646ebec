"""A spool in use, with the model beside it: two laps of telemetry, full records, reboots."""

from fakes import Random
from crash.model import (
    LOGS, MAYBE, NOTE_DUE_COUNT, RECORDS, SEQ_END, TELEMETRY, YES, Latest, State, shown,
)
from crash.torn import Medium, TornFlash

from tidegate.clock.monotonic import Monotonic
from tidegate.observe.catalogue import NUMBER, OPAQUE, TEXT
from tidegate.spool.spool import Spool

MEDIA = (
    Medium("unit1", 12, 1, True, 512),
    Medium("unit1once", 14, 1, False, 512),
    Medium("unit16once", 14, 16, False, 512),
    Medium("unit16", 12, 16, True, 512),
    Medium("unit32once", 14, 32, False, 512),
    Medium("unit256", 12, 256, True, 1024),
)
# (id, log, kind): few, so that a checkpoint fits a sector of these small media.
IDS = (
    (501, TELEMETRY, NUMBER), (502, TELEMETRY, NUMBER), (710, TELEMETRY, NUMBER),
    (721, TELEMETRY, TEXT), (600, TELEMETRY, OPAQUE),
    (811, RECORDS, NUMBER), (908, RECORDS, TEXT), (554, RECORDS, OPAQUE),
)
ID_LOGS = tuple((each[0], each[1]) for each in IDS)
TICKS_MASK_MS = (1 << 30) - 1
TURN_MS_MAX = 1 << 26
UTC_MS = 1_700_000_000_000


class World:
    """One start of a spool on a TornFlash, and the state of the model.

    Every call sets `flash.state` to what holds while it runs. Arguments: flash; state.
    """

    def __init__(self, flash, state):
        self.flash = flash
        self.state = flash.state = state
        self.ticks_ms = 0
        self.monotonic = Monotonic(TICKS_MASK_MS)
        self.monotonic.update(0)
        self.total_ms = 0
        self.latest = Latest(ID_LOGS)
        self.spool = Spool(flash, self.monotonic, self.latest)
        self._oldest = [-1, -1]

    def recover(self):
        """Read the flash; see `Spool.recover`."""
        return self.spool.recover()

    def start(self, store_id):
        """Begin the next boot. The state is for `check.compare` to bring up to date."""
        self.spool.start(store_id, 1, self.monotonic.now_ms)
        self._oldest = [log.oldest for log in self.spool.logs]

    def wait(self, pass_ms):
        """Time goes by; a spool has its turn at least once in each `TURN_MS_MAX`."""
        while pass_ms > TURN_MS_MAX:
            self._pass(TURN_MS_MAX)
            self.idle()
            pass_ms -= TURN_MS_MAX
        self._pass(pass_ms)

    def _pass(self, pass_ms):
        self.total_ms += pass_ms
        self.monotonic.update(self.total_ms & TICKS_MASK_MS)

    def take(self, state):
        """Go on from a state."""
        self.state = self.flash.state = state

    def append(self, row, value):
        """Append under a row of IDS. Result: the seq or 0."""
        observation_id, log, kind = row
        before = self.state.copy()
        seq = self.spool.logs[log].next_seq
        before.logs[log].next_seq = seq
        fields = (self.spool.boot, self.total_ms, observation_id, value)
        earlier = before.logs[log].pending
        before.logs[log].pending = earlier + ((seq, fields),)
        self.take(before)
        got = self.spool.append(log, kind, observation_id, value, self.monotonic.now_ms)
        if got:
            self.latest.note(observation_id, got, value)
        after = before.copy()
        after.logs[log].pending = () if got else earlier
        after.logs[log].is_full = not got
        if got:
            assert got == seq, "a seq was promised"
            after.accept(log, seq, fields)
            after.logs[log].next_seq = seq + 1
        self._finish(after)
        return got

    def confirm(self, log, first, last):
        """The receiver has `first`..`last`."""
        state = self.state.copy()
        state.logs[log].confirm(first, last)
        self.take(state)
        news_count = self.spool.logs[log].confirm(first, last)
        state = state.copy()
        each = state.logs[log]
        each.known = shown(self.spool.logs[log].ranges)
        each.unnoted += news_count
        if self._takes_notes(log, each):
            # The spool notes on other occasions too, and counts from there.
            each.unnoted = min(each.unnoted, NOTE_DUE_COUNT - 1)
        watermark = self.spool.logs[log].ranges.watermark
        if each.gone[1] and watermark >= each.gone[3]:
            each.settled = YES if watermark >= each.gone[4] else MAYBE
        self._finish(state)
        return news_count

    def anchor(self, utc_zero_ms, quality):
        """The time of this boot's moment 0 becomes known."""
        state = self.state.copy()
        state.pending_anchor = (self.spool.boot, (utc_zero_ms, quality))
        self.take(state)
        self.spool.anchor(utc_zero_ms, quality)
        state = state.copy()
        state.pending_anchor = None
        state.anchors = dict(state.anchors)
        state.anchors[self.spool.boot] = (utc_zero_ms, quality)
        self._finish(state)

    def idle(self):
        """A turn without anything else to do."""
        self.spool.idle(self.monotonic.now_ms)
        self._finish(self.state.copy())

    def close(self):
        """An orderly end."""
        self.spool.close()
        state = self.state.copy()
        for log, each in zip(LOGS, state.logs):
            if self._takes_notes(log, each):
                each.unnoted = 0
        self._finish(state)

    def _takes_notes(self, log, each):
        has_reserve = self.flash.reprogram and not self.spool.logs[log].retired
        return has_reserve or not each.is_full

    def _finish(self, state):
        """See what has given way meanwhile."""
        for log in LOGS:
            oldest = self.spool.logs[log].oldest
            if oldest != self._oldest[log]:
                self._oldest[log] = oldest
                state.logs[log].give_way(self.first_held(log))
        self.take(state)

    def first_held(self, log):
        """The first seq that can be read, or the next one."""
        cursor = self.spool.cursor(log)
        cursor.seek(1)
        return cursor.seq if cursor.next() else self.spool.logs[log].next_seq


class Workload:
    """Uses a spool as its seed has it, until telemetry has gone round `laps` times and records
    have, too. Arguments: medium, seed, compare(world), which judges each start."""

    def __init__(self, medium, seed, compare, laps=2, operation_count_max=4_000):
        self.medium = medium
        self.compare = compare
        # Another workload on each medium: on some of them the same one would leave the same bytes.
        self.chance = Random(seed * 8 + MEDIA.index(medium))
        self.journal = []
        self.refused_count = 0
        self.start_count = 0
        self.flash = TornFlash(medium, medium.blank(), (), self.journal)
        self._laps = laps
        self._operation_count_max = operation_count_max
        self._confirms_percent = (0, 0)

    def run(self):
        """Result: the journal, [(kind, offset, data, state)] of every flash operation."""
        self.world = None
        self._start(State())
        while not self._is_done():
            self._turn()
        self.world.close()
        self._start(self.world.state)
        return self.journal

    def _is_done(self):
        if len(self.journal) >= self._operation_count_max:
            return True
        if not self.refused_count:
            return False
        for log, needed in zip(self.world.spool.logs, (self._laps, self._laps)):
            if log.number < needed * log.geometry.block_count:
                return False
        return True

    def _start(self, state):
        self.start_count += 1
        self.world = World(self.flash, state)
        self.world.recover()
        self.world.start(store_id(self.start_count))
        self.compare(self.world)
        # How much of telemetry and of records is confirmed in this boot: at times nothing.
        self._confirms_percent = (self.chance.below(3) * 6, self.chance.below(3) * 6)

    def _turn(self):
        chance, world = self.chance, self.world
        what = chance.below(100)
        world.wait(self._pass_ms())
        if what < 60:
            self._append(TELEMETRY)
        elif what < 72:
            self._append(RECORDS)
        elif what < 74:
            self._fill_records()
        elif what < 86:
            world.idle()
        elif what < 97:
            for log in LOGS:
                if chance.below(12) < self._confirms_percent[log]:
                    self._confirm(log)
        elif what < 98:
            world.anchor(UTC_MS + chance.below(1 << 28), 1 + chance.below(3))
        elif chance.below(2):
            if chance.below(2):
                world.close()
            self._start(world.state)

    def _pass_ms(self):
        chance = self.chance
        what = chance.below(200)
        if what == 0:
            return (1 << 28) + chance.below(1 << 28)
        return 600_001 if what < 3 else chance.below(2_000)

    def _append(self, log):
        chance = self.chance
        rows = [row for row in IDS if row[1] == log]
        # Numbers three times as often as the others.
        index = chance.below(len(rows) + 3)
        row = rows[index] if index < len(rows) else rows[0]
        return self.world.append(row, any_value(row, chance))

    def _fill_records(self):
        while self.world.append(IDS[-1], self.chance.data(self.chance.between(60, 200))):
            if len(self.journal) >= self._operation_count_max:
                return
        self.refused_count += 1
        self._confirm(RECORDS)

    def _confirm(self, log):
        """Some from the oldest unconfirmed on, or a range ahead of these."""
        chance, world = self.chance, self.world
        ranges, next_seq = world.spool.logs[log].ranges, world.spool.logs[log].next_seq
        low = ranges.watermark + 1
        if chance.below(3) == 0 and len(ranges.ranges) < 4:
            low += chance.between(1, 20)
        if low < next_seq:
            world.confirm(log, low, min(low + chance.between(1, 70), SEQ_END))


def any_value(row, chance):
    """A value of a row's kind."""
    _, log, kind = row
    if kind == NUMBER:
        return chance.below(1 << 3 * chance.between(1, 9)) - 50
    if kind == TEXT:
        size = chance.below(12) if chance.below(4) else chance.between(33, 60)
        return "".join(chr(97 + chance.below(26)) for _ in range(size))
    return chance.data(chance.between(0, 40) if chance.below(3) else chance.between(60, 330))


def store_id(number):
    """The store id that the start of a number would give a blank region."""
    return bytes((number & 0xFF, number >> 8 & 0xFF, 1, 2, 3, 4, 5, 6))
