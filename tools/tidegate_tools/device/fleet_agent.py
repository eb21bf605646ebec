"""The agent as one of a fleet: a byte on its terminal ends it in order.

Argument: its configuration.
On this port an interrupt may come inside a collection and leave the heap locked, so that nothing
can end in order any more; among many agents that happens.
"""

import sys

import board
from tidegate.run import run


class Ear:
    """The terminal, but what is typed there is no line for the console: it ends the agent."""

    def __init__(self, terminal, verbs):
        self._terminal, self._verbs = terminal, verbs
        self.write = terminal.write

    def read_into(self, buffer):
        """See `hal.ports.Terminal.read_into`."""
        if self._terminal.read_into(buffer):
            self._verbs.wants_restart = True
        return 0


def main():
    """Build the board, run the loop. Result: the exit status."""
    agent, ports = board.build(sys.argv[1:])
    agent.console.output.terminal = Ear(ports.terminal, agent.verbs)
    return run(agent, ports)


if __name__ == "__main__":
    sys.exit(main())
