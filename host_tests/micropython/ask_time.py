"""Asks time servers of the loopback interface with the device's own code: `ask_time.py PORT ..`.

Prints for each of them what came of one question: how far it is from the host's clock in ms, or
why it was of no use. The agent's time runs faster than the wall's, so that nobody waits long.
"""

import sys

from tidegate.clock.servers import TimeServers
from tidegate.hal.posix import PosixClock, PosixEntropy, PosixKeep
from tidegate.hal.posix_network import PosixNetwork
from tidegate.limits import TICKS_MASK_MS
from tidegate.link.resolver import Resolver

SPEED = 4


def ask(port):
    clock = PosixClock(SPEED)
    network = PosixNetwork(clock)
    resolver = Resolver(network, PosixKeep("nowhere."), lambda bound: 1)
    asking = TimeServers("127.0.0.1:%s" % port, network, resolver, lambda bound: 0,
                         PosixEntropy().random_bytes, clock.ticks_ms() & TICKS_MASK_MS)
    longest_ms = 0
    while True:
        now_ms = clock.ticks_ms() & TICKS_MASK_MS
        utc_ms = asking.step(now_ms, None)
        longest_ms = max(longest_ms, ((clock.ticks_ms() & TICKS_MASK_MS) - now_ms) // SPEED)
        if utc_ms is not None:
            # The simulated clock began at the epoch: only the wall's speed differs.
            print(port, "found", utc_ms - PosixClock().utc_ms()[0], longest_ms)
            return
        if asking.trouble:
            print(port, "failed", asking.trouble.replace(" ", "-"), longest_ms)
            return
        network.wait(None, False, asking.wait_ms(now_ms))


for each in sys.argv[1:]:
    ask(each)
