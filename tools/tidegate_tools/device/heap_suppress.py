"""What deciding on samples takes of a 32-bit heap, with the clock beyond 2^30 ms.

Run by on_webassembly.mjs. The heap is read with the collector switched off.
"""

import gc
import json
import sys

sys.path.append("/modules")

from suppression import EQUAL, IDS, OTHER, Device, noisy  # noqa: E402
from tidegate.clock.monotonic import Monotonic  # noqa: E402
from tidegate.observe.catalogue import KIND, MAX, MIN, NUMBER, TEXT, Catalogue  # noqa: E402

TURN_COUNT = REPORT_COUNT = 10_000
TICKS_MASK = (1 << 30) - 1
# In all less than the shortest heartbeat; and so long that a fuse has tokens for what each of the
# twelve reports when its turn comes.
STEP_MS, REPORT_STEP_MS = 20, 30_000


class Rig(Device):
    """A device in a boot that has lasted for more than 2^30 ms; its appends note the heap."""

    def __init__(self):
        self.is_counting = False
        self.before = self.behind = self.mark = 0
        super().__init__()
        self.monotonic = Monotonic(TICKS_MASK)
        self.ticks_ms = 0
        self.monotonic.update(0)
        for _ in range(20):
            self.pass_ms(1 << 26)
        assert self.monotonic.total_ms(self.monotonic.now_ms) > 1 << 30

    def pass_ms(self, step_ms):
        """The clock goes on."""
        self.ticks_ms = (self.ticks_ms + step_ms) & TICKS_MASK
        self.now_ms = self.monotonic.update(self.ticks_ms)

    def append(self, log, kind, observation_id, value, at_ms):
        """Durable, and numbered; what was taken until now was taken before it."""
        self.before += gc.mem_alloc() - self.mark
        self.seq += 1
        self.mark = gc.mem_alloc()
        return self.seq

    def settle(self):
        """All heartbeats are told, and all fuses full."""
        for _ in range(4):
            self.pass_ms(7_200_000)
            self.turn(EQUAL, 0)

    def quiet(self, lists, count):
        """Turns without a report. Result: bytes taken."""
        seq, before = self.seq, gc.mem_alloc()
        for number in range(count):
            self.pass_ms(STEP_MS)
            self.turn(lists[number & 7], 0)
        taken = gc.mem_alloc() - before
        assert self.seq == seq, "no turn reports"
        return taken

    def reporting(self, count):
        """Turns in each of which one more observation changes, until there are `count` reports.

        What is taken before appends is added to `before`, the rest to `behind`.
        """
        values, end = list(EQUAL), self.seq + count
        self.before = self.behind = place = 0
        while self.seq < end:
            values[place] = OTHER[place] if values[place] == EQUAL[place] else EQUAL[place]
            place = place + 1 if place < 11 else 0
            self.pass_ms(REPORT_STEP_MS)
            self.mark = gc.mem_alloc()
            self.turn(values, 0)
            self.behind += gc.mem_alloc() - self.mark


catalogue = Catalogue()
rig = Rig()
equal, noise = [EQUAL] * 8, noisy()
before = fresh = kept = equal_taken = noise_taken = 0
device = None
assert len(IDS) == 12


def fill(step):
    """Two values of each row, so that nothing is as at the start."""
    device.now_ms += 600_000
    device.sampler.begin_turn(device.now_ms)
    for row in catalogue.rows:
        value = "text %d" % step if row[KIND] == TEXT else bytes(40 + step)
        if row[KIND] == NUMBER:
            value = min(row[MAX], max(row[MIN], 40 + step))
        device.sampler.offer(row[0], value)
    device.sampler.end_turn()


# ---
gc.collect()
# ---
before = gc.mem_alloc()
# ---
device = Device(catalogue)
# ---
gc.collect()
# ---
fresh = gc.mem_alloc() - before
# ---
for step in (0, 1, 1):
    fill(step)
# ---
gc.collect()
# ---
kept = gc.mem_alloc() - before
# ---
rig.turn(EQUAL, 0)
rig.quiet(equal, 400)
rig.quiet(noise, 400)
rig.reporting(200)
rig.settle()
gc.collect()
gc.disable()
# ---
equal_taken = rig.quiet(equal, TURN_COUNT)
# ---
gc.collect()
# ---
rig.settle()
noise_taken = rig.quiet(noise, TURN_COUNT)
# ---
gc.collect()
# ---
rig.reporting(REPORT_COUNT)
assert rig.counters.fused == 0
# ---
print(json.dumps({
    "row_count": len(catalogue.rows), "fresh": fresh, "kept": kept, "equal": equal_taken,
    "noise": noise_taken, "before": rig.before, "behind": rig.behind}))
