"""The flash of a device that comes back from a long outage: one image, which a fleet copies."""

import random

from tidegate_tools import bench_rig
from tidegate_tools.oracle import Fact
from tidegate_tools.quantities import load_quantities
from tidegate_tools.values import to_text

STORED_COUNT_MAX = 50_000
# A charger of this class records about 9,000 a day.
STEP_MS = 9_600
BOOT = 1
# What the outage is full of: ids that the simulated charger leaves alone, so that what it takes
# afterwards is judged by itself, whatever stands here.
IDS = (145, 147, 153, 522, 523)


def prepare(path, count, seed, end_utc_ms):
    """Write an image with `count` observations that nobody has confirmed, by the spool's own code.

    Arguments: path; count, at most STORED_COUNT_MAX; seed, of the values; end_utc_ms, when the
    last one was taken. Result: (log, Fact) of each, in the order of their seqs.
    """
    chance = random.Random(seed)
    quantities = load_quantities()
    rig = bench_rig.Rig(latest=bench_rig.Latest(dict.fromkeys(IDS, bench_rig.TELEMETRY)))
    rig.spool.anchor(end_utc_ms - count * STEP_MS, bench_rig.SYNCED)
    facts = []
    for number in range(1, count + 1):
        identity = IDS[number % len(IDS)]
        value = chance.randint(quantities[identity].minimum, quantities[identity].maximum)
        rig.at(number * STEP_MS)
        assert rig.append((bench_rig.TELEMETRY, bench_rig.NUMBER, identity, value)) == number
        rig.idle()
        facts.append(("telemetry", Fact(BOOT, number * STEP_MS, identity, to_text(value))))
    rig.spool.close()
    path.write_bytes(rig.flash.image)
    return facts
