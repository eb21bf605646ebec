"""An agent of a fleet with the reconnect policy of umqtt.robust: again after 2 s, for ever.

To be compared with. Argument: the agent's configuration.
"""

import sys

import fleet_agent
import tidegate.agent
from tidegate.limits import ATTEMPT_MS_MAX
from tidegate.link.backoff import Backoff

WAIT_MS = 2_000


class Fixed(Backoff):
    """Whatever an attempt met."""

    def patience_ms(self):
        """The time for a whole attempt."""
        return ATTEMPT_MS_MAX

    def _wait(self, wait_ms, now_ms):
        return super()._wait(WAIT_MS, now_ms)


tidegate.agent.Backoff = Fixed
sys.exit(fleet_agent.main())
