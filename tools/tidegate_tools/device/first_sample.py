"""A start of the agent as far as its first sample. Argument: its configuration."""

import sys

import board

agent, ports = board.build(sys.argv[1:])
agent.step(ports.clock.ticks_ms())
