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
# id and first value of what the outage is full of, in the catalogue's units.
WALKS = ((501, 230_000), (502, 231_000), (503, 229_000), (507, 15_800), (508, 15_900),
         (509, 15_700), (513, 11_000), (201, 310), (515, 24), (516, 1_202))


def prepare(path, count, seed, end_utc_ms):
    """Write an image with `count` observations that nobody has confirmed, by the spool's own code.

    Arguments: path; count, at most STORED_COUNT_MAX; seed, of the values; end_utc_ms, when the
    last one was taken. Result: (log, Fact) of each, in the order of their seqs.
    """
    chance = random.Random(seed)
    quantities = load_quantities()
    values = dict(WALKS)
    rig = bench_rig.Rig(latest=bench_rig.Latest(dict.fromkeys(values, bench_rig.TELEMETRY)))
    rig.spool.anchor(end_utc_ms - count * STEP_MS, bench_rig.SYNCED)
    facts = []
    for number in range(1, count + 1):
        identity = WALKS[number % len(WALKS)][0]
        quantity = quantities[identity]
        step = chance.choice((-1, 1)) * (quantity.bound + 1 + chance.randrange(quantity.bound))
        if not quantity.minimum <= values[identity] + step <= quantity.maximum:
            step = -step
        values[identity] += step
        rig.at(number * STEP_MS)
        row = (bench_rig.TELEMETRY, bench_rig.NUMBER, identity, values[identity])
        assert rig.append(row) == number
        rig.idle()
        facts.append(("telemetry", Fact(BOOT, number * STEP_MS, identity,
                                        to_text(values[identity]))))
    rig.spool.close()
    path.write_bytes(rig.flash.image)
    return facts
