"""Whatever is done to a spool, and whatever fails below it, the model says what it holds."""

from crash.check import compare
from crash.model import LOGS, RECORDS, TELEMETRY, State
from crash.workload import IDS, World, store_id
from fakes import FailingFlash
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tidegate.observe.catalogue import NUMBER, TEXT

BLOCK_COUNT = 24
BLOCK_BYTES = 512
FAILING_COUNT_MAX = 2
EXAMPLE_COUNT = 200
# Reading finds its way again behind a damaged frame, not behind several in a row.
DAMAGE_DISTANCE = 4
MEDIA = [(1, True), (1, False), (16, False), (16, True), (32, False)]
ROWS = {log: [row for row in IDS if row[1] == log] for log in LOGS}
VALUES = {
    NUMBER: st.integers(-(1 << 63), (1 << 64) - 1),
    TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    None: st.binary(max_size=400),
}


class SpoolMachine(RuleBasedStateMachine):
    """A spool and the model of it; `compare` judges at each start."""

    @initialize(medium=st.sampled_from(MEDIA))
    def begin(self, medium):
        self.flash = FailingFlash(BLOCK_COUNT, *medium, BLOCK_BYTES)
        self.start_count = 0
        self.start(State())

    def start(self, state):
        self.start_count += 1
        self.world = World(self.flash, state)
        self.world.recover()
        self.world.start(store_id(self.start_count))
        compare(self.world)

    @rule(log=st.sampled_from(LOGS), data=st.data(), pass_ms=st.sampled_from([0, 1, 900, 3 << 28]))
    def append(self, log, data, pass_ms):
        row = data.draw(st.sampled_from(ROWS[log]))
        self.world.wait(pass_ms)
        value = data.draw(VALUES.get(row[2], VALUES[None]))
        assert self.world.append(row, value) or log == RECORDS

    @rule(log=st.sampled_from(LOGS), ahead=st.integers(0, 30), count=st.integers(1, 200))
    def confirm(self, log, ahead, count):
        found = self.world.spool.logs[log]
        first = found.ranges.watermark + 1 + ahead
        if first < found.next_seq and len(found.ranges.ranges) < 5:
            self.world.confirm(log, first, first + count)

    @rule()
    def fill_until_the_oldest_gives_way(self):
        first = self.world.state.logs[TELEMETRY].first
        for number in range(BLOCK_COUNT * BLOCK_BYTES // 8):
            self.world.wait(number & 0x3FF)
            assert self.world.append(IDS[0], number * 77)
            if self.world.state.logs[TELEMETRY].first > first:
                return
        raise AssertionError("nothing ever gives way")

    @rule()
    def fill_records_until_they_refuse(self):
        for number in range(BLOCK_COUNT * BLOCK_BYTES // 8):
            if not self.world.append(ROWS[RECORDS][-1], bytes(60 + number % 50)):
                return
        raise AssertionError("records never refuse")

    @rule(count=st.integers(1, 5), pass_ms=st.sampled_from([1, 600_001]))
    def idle(self, count, pass_ms):
        for _ in range(count):
            self.world.wait(pass_ms)
            self.world.idle()

    @rule(utc_ms=st.integers(1_600_000_000_000, 4_000_000_000_000), quality=st.integers(1, 3))
    def anchor(self, utc_ms, quality):
        self.world.anchor(utc_ms, quality)

    @rule(is_orderly=st.booleans())
    def start_again(self, is_orderly):
        if is_orderly:
            self.world.close()
        self.start(self.world.state)

    @rule(log=st.sampled_from(LOGS), per_mille=st.integers(0, 1_000))
    def read_from_anywhere(self, log, per_mille):
        each = self.world.state.logs[log]
        seq = each.first + (each.last - each.first) * per_mille // 1_000
        cursor = self.world.spool.cursor(log)
        cursor.seek(seq)
        found = []
        while cursor.next():
            mono_ms = cursor.mono_base_ms + cursor.frame.delta_ms
            fields = (cursor.boot, mono_ms, cursor.frame.observation_id, cursor.frame.value)
            assert each.get(cursor.seq) == fields
            found.append(cursor.seq)
        assert found == sorted(set(found))
        for wanted in range(seq, each.last + 1):
            assert not each.must_hold(wanted) or wanted in found

    @rule(log=st.sampled_from(LOGS), per_mille=st.integers(0, 1_000), data=st.data())
    def flip_a_bit(self, log, per_mille, data):
        """In the frame of an observation; what is lost by it is that one, and it is named."""
        each = self.world.state.logs[log]
        cursor = self.world.spool.cursor(log)
        cursor.seek(each.first + (each.last - each.first) * per_mille // 1_000)
        if not cursor.next() or cursor.frame.kind > TEXT:
            return
        seq = cursor.seq
        if any(abs(seq - other) < DAMAGE_DISTANCE for other in each.damaged):
            return
        start = self.world.spool.logs[log].geometry.offset(cursor.number)
        at = data.draw(st.integers(start + cursor.before, start + cursor.offset - 1))
        self.flash.image[at] ^= 1 << data.draw(st.integers(0, 7))
        state = self.world.state.copy()
        state.logs[log].damaged = each.damaged + (seq,)
        self.start(state)

    @precondition(lambda self: len(self.flash.failing) < FAILING_COUNT_MAX)
    @rule(block=st.integers(0, BLOCK_COUNT - 1))
    def fail_a_block(self, block):
        records_begin = BLOCK_COUNT - BLOCK_COUNT // 4
        if all((block < records_begin) != (other < records_begin) for other in self.flash.failing):
            self.flash.failing.add(block)

    def teardown(self):
        if hasattr(self, "world"):
            self.start(self.world.state)


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(
    max_examples=max(EXAMPLE_COUNT, settings.default.max_examples), stateful_step_count=40
)
