"""main.py with a watch on it: how long turns take, how late samples are, what the heap holds.

On its input `d` is a driver at the charger, who ends a wait, and `r` asks for a line of JSON,
after which the maxima start anew.
"""

import gc
import json
import sys
import time

import board
from tidegate.limits import SAMPLE_PERIOD_MS
from tidegate.run import run


class Probe:
    """Wraps an agent's turns and samples, the wait of its network, and its terminal."""

    def __init__(self, agent, ports):
        self._agent, self._ports = agent, ports
        self._step, self._sample = agent.step, agent._source.step
        self._wait = ports.network.wait
        self._period_us = SAMPLE_PERIOD_MS * 1_000 // ports.clock.speed
        self._sampled_us = None
        self.write, self._read_into = ports.terminal.write, ports.terminal.read_into
        self._said = bytearray(1)
        self.turn_us = self.late_us = self.turn_count = 0
        agent.step, agent._source.step, ports.network.wait = self.step, self.sample, self.wait
        agent.console.output.terminal = self

    def step(self, ticks_ms):
        """A turn, timed."""
        begun_us = time.ticks_us()
        wait_ms = self._step(ticks_ms)
        self.turn_us = max(self.turn_us, time.ticks_diff(time.ticks_us(), begun_us))
        self.turn_count += 1
        return wait_ms

    def sample(self, elapsed_ms, emit):
        """A sample, and how long after the last one it came beyond its period."""
        now_us = time.ticks_us()
        if self._sampled_us is not None:
            late_us = time.ticks_diff(now_us, self._sampled_us) - self._period_us
            self.late_us = max(self.late_us, late_us)
        self._sampled_us = now_us
        self._sample(elapsed_ms, emit)

    def wait(self, stream, writing, wait_ms):
        """A wait, and what came on the input meanwhile."""
        self._wait(stream, writing, wait_ms)
        if self._read_into(self._said):
            if self._said == b"d":
                self._agent.backoff.driver(self._agent.monotonic.now_ms)
            elif self._said == b"r":
                self.report()

    def read_into(self, buffer):
        """What comes on the input is none of the console's."""
        return 0

    def report(self):
        """Print, and start anew."""
        gc.collect()
        print(json.dumps({"heap": gc.mem_alloc(), "turn_us": self.turn_us, "late_us": self.late_us,
                          "turns": self.turn_count,
                          "failed": self._agent.counters.turns_failed}))
        self.turn_us = self.late_us = self.turn_count = 0
        self._sampled_us = None


agent, ports = board.build(sys.argv[1:])
Probe(agent, ports)
sys.exit(run(agent, ports))
