"""A simulated day of the agent, in the heap that `-X heapsize` gives. Run by the Unix port.

Argument: turns, seconds each. One car, two outages. Prints what was `kept` after boot, how large
the heap is, and what was done in it. Where the heap does not suffice: MemoryError, which the
agent itself would survive, but nothing here does.
"""

import gc
import json
import sys

from bare_world import CONFIGURATION, UTC_MS, Ports, run

sys.modules["usocket"] = sys
# The largest first, and then as `main.py` does it, so that what is imported leaves no holes.
ports = Ports()
gc.threshold(8_192)

import umqtt.simple  # noqa: E402
from tidegate.agent import Agent  # noqa: E402
from tidegate.config import schema  # noqa: E402
from tidegate.sources.simulated import SimulatedSource  # noqa: E402

gc.threshold(-1)
BOOT_S = 60
DAY_S = 86_400
# Seconds of a day, first and end.
OUTAGES = ((7_200, 14_400), (36_000, 37_000), (80_000, DAY_S))


def main(turn_count):
    """The day."""
    agent = Agent(ports, SimulatedSource(1, 21_600, 36_600, DAY_S), schema.check(CONFIGURATION),
                  umqtt.simple, UTC_MS)
    run(agent, ports, BOOT_S * 1_000)
    gc.collect()
    kept = gc.mem_alloc()
    for second in range(BOOT_S, turn_count):
        ports.network.up = not any(first <= second % DAY_S < end for first, end in OUTAGES)
        run(agent, ports, 1_000)
    gc.collect()
    print(json.dumps({
        "kept": kept, "grown": gc.mem_alloc() - kept, "heap": gc.mem_alloc() + gc.mem_free(),
        "batch_count": ports.network.batch_count, "open_count": ports.network.open_count,
        "unconfirmed_count": agent.uplink.unconfirmed_count(),
        "observation_count": sum(log.next_seq - 1 for log in agent.spool.logs)}))


main(int(sys.argv[1]))
