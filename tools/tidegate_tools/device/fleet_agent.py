"""The agent as one of a fleet: a byte on its terminal ends it in order.

Argument: its configuration.
On this port an interrupt may come inside a collection and leave the heap locked, so that nothing
can end in order any more; among many agents that happens.
"""

import sys

import board
from tidegate.run import run


class Ear:
    """The watchdog, which also listens after each good turn."""

    def __init__(self, ports, agent):
        self._watchdog, self._terminal = ports.watchdog, ports.terminal
        self._verbs = agent.verbs
        self._buffer = bytearray(1)

    def feed(self):
        """See `hal.ports.Watchdog.feed`."""
        self._watchdog.feed()
        if self._terminal.read_into(self._buffer):
            self._verbs.wants_restart = True


def main():
    """Build the board, run the loop. Result: the exit status."""
    agent, ports = board.build(sys.argv[1:])
    ports.watchdog = Ear(ports, agent)
    return run(agent, ports)


if __name__ == "__main__":
    sys.exit(main())
