"""A spool in RAM with what was appended to it as plain lists, for its tests."""

from fakes import SimClock
from uplink_world import LOGS, mounted

from tidegate.clock.monotonic import Monotonic
from tidegate.hal.nor import RamFlash
from tidegate.observe.catalogue import NUMBER, OPAQUE, TELEMETRY, TEXT, Catalogue
from tidegate.observe.suppress import Suppressor


class SpoolWorld:
    """`held` is, for each log, {seq: (boot, mono, id, value)} of all that was accepted."""

    catalogue = Catalogue()

    def __init__(self, block_count=8, unit=1, reprogram=True, flash=None):
        self.flash = flash or RamFlash(block_count, unit, reprogram)
        self.held = {log: {} for log in LOGS}
        self.boots = []
        self.mount()

    def mount(self):
        self.clock = SimClock()
        self.monotonic = Monotonic(self.clock.ticks_mask_ms)
        self.monotonic.update(0)
        self.latest = Suppressor(Catalogue())
        self.spool = mounted(self.flash, self.monotonic, self.latest)
        self.boots.append(self.spool.boot)

    def wait(self, pass_ms):
        self.clock.now_ms += pass_ms
        return self.monotonic.update(self.clock.ticks_ms())

    def append(self, value, log=TELEMETRY, observation_id=501):
        kind = NUMBER if isinstance(value, int) else TEXT if isinstance(value, str) else OPAQUE
        now_ms = self.wait(0)
        seq = self.spool.append(log, kind, observation_id, value, now_ms)
        if seq:
            assert seq not in self.held[log]
            self.held[log][seq] = (self.spool.boot, self.clock.now_ms, observation_id, value)
            index = self.catalogue.index(observation_id)
            self.latest.recorded(index, seq, value, now_ms)
        return seq

    def fill(self, count, log=TELEMETRY, pass_ms=1):
        for number in range(count):
            self.wait(pass_ms)
            self.append(number * 1_001, log)

    def fill_up(self, log):
        """Append until the log refuses. Result: how many were taken."""
        count = 0
        while self.append(str(count).encode(), log, 554):
            count += 1
            assert count < 100_000
        return count

    def read(self, log=TELEMETRY, seq=1):
        """[(seq, (boot, mono, id, value))] and the holes before them, from `seq` on."""
        cursor = self.spool.cursor(log)
        cursor.seek(seq)
        found, holes = [], []
        for _ in range(100_000):
            if not cursor.next():
                return found, holes
            frame = cursor.frame
            mono_ms = cursor.mono_base_ms + frame.delta_ms
            fields = (cursor.boot, mono_ms, frame.observation_id, frame.value)
            found.append((cursor.seq, fields))
            hole = cursor.take_hole()
            if hole:
                holes.append(hole)
        raise AssertionError("a log without an end")

    def restored(self):
        """{id: (seq, value or digest)} of what the start was told of each observation."""
        latest = self.latest
        return {
            latest.id(index): (latest.seq(index), latest.value(index))
            for index in range(latest.count)
            if latest.seq(index)
        }

    def confirm(self, first, last, log=TELEMETRY):
        return self.spool.logs[log].confirm(first, last)

    def unconfirmed(self, log=TELEMETRY):
        """Every seq given out so far that is not confirmed."""
        ranges = self.spool.logs[log].ranges
        return [
            seq
            for seq in range(1, self.spool.logs[log].next_seq)
            if ranges.missing_count(seq, seq)
        ]
