"""The agent with the reconnect policy of umqtt.robust: another attempt after 2 s, for ever.

Started in the place of main.py, to be compared with. Argument: the agent's configuration.
"""

import sys

import board
import tidegate.agent
from tidegate.limits import ATTEMPT_MS_MAX
from tidegate.link.backoff import Backoff
from tidegate.run import run

WAIT_MS = 2_000


class Fixed(Backoff):
    """Whatever an attempt met."""

    def patience_ms(self):
        """The time for a whole attempt."""
        return ATTEMPT_MS_MAX

    def _wait(self, wait_ms, now_ms):
        return super()._wait(WAIT_MS, now_ms)


tidegate.agent.Backoff = Fixed
sys.exit(run(*board.build(sys.argv[1:])))
