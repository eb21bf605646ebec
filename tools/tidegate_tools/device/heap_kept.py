"""What a mounted spool of two logs keeps of a 32-bit heap. Run by on_webassembly.mjs.

The flash, the modules, and the port of the latest values with them in it, stand before the first
count, so that what is counted is the spool's. It is mounted on a region that was used and cut off.
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

BLOCK_COUNT = 256
APPEND_COUNT = 3_000


def use(flash):
    """Live for a while: both logs, ranges confirmed out of order, then a cut."""
    monotonic = Monotonic((1 << 30) - 1)
    monotonic.update(0)
    spool = Spool(flash, monotonic)
    spool.recover()
    spool.start(b"12345678", 1, 0)
    spool.anchor(1_768_500_000_000, 3)
    for number in range(APPEND_COUNT):
        now_ms = monotonic.update(number * 1_000)
        spool.append(0, 0, 501 + number % 3, 229_000 + number, now_ms)
        if number % 100 == 0:
            spool.append(1, 2, 554, bytes(700), now_ms)
        if number % 90 == 89:
            spool.logs[0].confirm(number - 40, number - 10)
        spool.idle(now_ms)


flash = BareFlash(BLOCK_COUNT)
use(flash)
monotonic = Monotonic((1 << 30) - 1)
monotonic.update(0)
latest = Suppressor(Catalogue())
# The values found are the port's to keep, not the spool's.
Spool(flash, monotonic, latest).recover()
before = after = started = 0
spool = None
# ---
gc.collect()
# ---
before = gc.mem_alloc()
# ---
spool = Spool(flash, monotonic, latest)
assert spool.recover()
# ---
gc.collect()
# ---
after = gc.mem_alloc()
# ---
spool.start(b"12345678", 1, 0)
spool.append(0, 0, 501, 229_000, monotonic.update(1_000))
spool.append(1, 2, 554, bytes(700), monotonic.update(2_000))
# ---
gc.collect()
# ---
started = gc.mem_alloc()
# ---
print(json.dumps({"recovered": after - before, "started": started - before}))
