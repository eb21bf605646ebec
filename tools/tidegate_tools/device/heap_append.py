"""What numeric appends allocate on a 32-bit heap, with the clock beyond 2^30 ms.

Run by on_webassembly.mjs. The heap is read around each call, with the collector switched off.
"""

import gc
import json
import sys

sys.path.append("/modules")

from bare_flash import BareFlash  # noqa: E402
from tidegate.clock.monotonic import Monotonic  # noqa: E402
from tidegate.observe.catalogue import Catalogue  # noqa: E402
from tidegate.observe.suppress import Suppressor  # noqa: E402
from tidegate.spool.spool import Spool  # noqa: E402

BLOCK_COUNT = 64
APPEND_COUNT = 10_000
WARM_UP_COUNT = 1_500
TICKS_MASK = (1 << 30) - 1
STEP_MS = 1 << 26
IDS = (501, 502, 503, 507, 508, 509, 513, 201, 202)
VALUES = (230_125, 229_877, 231_004, 16_012, -15_998, 0, 11_040, -5, 86_400)


class Rig:
    """A spool in a boot that has lasted for more than 2^30 ms."""

    def __init__(self):
        self.monotonic = Monotonic(TICKS_MASK)
        self.ticks_ms = 0
        self.monotonic.update(0)
        catalogue = Catalogue()
        self.latest = Suppressor(catalogue)
        self.rows = [catalogue.index(each) for each in IDS]
        self.spool = Spool(BareFlash(BLOCK_COUNT), self.monotonic, self.latest)
        self.spool.recover()
        self.spool.start(b"12345678", 1, 0)
        self.within = self.across = self.idle = 0
        self.sector_count = self.within_count = 0
        for number in range(20):
            self.pass_ms(STEP_MS)
            self.append(number)
            self.spool.idle(self.monotonic.now_ms)
        assert self.monotonic.total_ms(self.monotonic.now_ms) > 1 << 30

    def pass_ms(self, step_ms):
        self.ticks_ms = (self.ticks_ms + step_ms) & TICKS_MASK
        return self.monotonic.update(self.ticks_ms)

    def append(self, number):
        index = number % 9
        return self.spool.append(0, 0, IDS[index], VALUES[index], self.monotonic.now_ms)

    def run(self, count):
        log = self.spool.logs[0]
        for number in range(count):
            self.pass_ms(900)
            sector = log.number
            before = gc.mem_alloc()
            seq = self.append(number)
            after = gc.mem_alloc()
            if log.number == sector:
                self.within += after - before
                self.within_count += after != before
            else:
                self.across += after - before
                self.sector_count += 1
            # Checkpoints in the idle work hold what the sampler noted.
            self.latest.recorded(self.rows[number % 9], seq, VALUES[number % 9], 0)
            after = gc.mem_alloc()
            self.spool.idle(self.monotonic.now_ms)
            self.idle += gc.mem_alloc() - after


rig = Rig()
warm_up = 0
# ---
gc.collect()
gc.disable()
# ---
rig.run(WARM_UP_COUNT)
# ---
warm_up = rig.within
gc.collect()
# ---
rig.within = rig.across = rig.idle = rig.sector_count = rig.within_count = 0
rig.run(APPEND_COUNT)
# ---
print(json.dumps({
    "within": rig.within, "within_count": rig.within_count, "across": rig.across,
    "idle": rig.idle, "sector_count": rig.sector_count, "warm_up": warm_up}))
