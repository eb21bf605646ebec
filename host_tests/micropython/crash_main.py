"""main.py with a fault planted in it: `crash_main.py CONFIG.json WORD TURNS`.

After so many turns that took samples the source raises each time (`raise`), or takes longer than
the watchdog waits (`hang`), or goes on (`live`). The watchdog is an impatient one.
"""

import sys
import time

import board
from tidegate.hal.posix import PosixWatchdog
from tidegate.run import run

PATIENCE_MS = 60


class Planted:
    """Wraps a source."""

    def __init__(self, source, word, turn_count):
        self._source, self._word, self._left_count = source, word, turn_count

    def step(self, elapsed_ms, emit):
        """Fail when it is time."""
        self._left_count -= 1
        if self._left_count < 0 and self._word == "raise":
            raise RuntimeError("planted")
        if self._left_count < 0 and self._word == "hang":
            time.sleep_ms(3 * PATIENCE_MS)
        self._source.step(elapsed_ms, emit)


agent, ports = board.build(sys.argv[1:2])
agent._source = Planted(agent._source, sys.argv[2], int(sys.argv[3]))
if sys.argv[2] == "hang":
    ports.watchdog = PosixWatchdog(ports.clock, PATIENCE_MS, ports.scratch)
sys.exit(run(agent, ports))
