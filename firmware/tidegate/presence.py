"""What the server retains of this device: its birth, its will, and nothing older. SPEC section 5.

A late will of an earlier session may take the place of the birth: the device sees its own state,
and takes it back.
"""

import json

from tidegate.diag import trail
from tidegate.diag.running import running
from tidegate.limits import STATE_SETTLE_MS, TICKS_MASK_MS


class Presence:
    """The sessions of this boot, numbered, and what the state topic says of them.

    Arguments: agent; device_id; board, its name. `count` is the number of the present session.
    """

    def __init__(self, agent, device_id, board):
        self._agent = agent
        self._device_id = device_id
        self._board = board
        self.topic = ("tidegate/1/%s/state" % device_id).encode()
        self.count = 0
        self._birth = b""
        self._born_ms = 0

    def will(self):
        """The opposite of the birth, as bytes."""
        return json.dumps(self._state("offline")).encode()

    def born(self, logs, now_ms):
        """A session stands: say who is there. Argument: logs, the member of that name."""
        birth = self._state("online")
        birth["logs"] = logs
        birth["store"] = self._agent.uplink.store_id
        birth.update(running(self._board))
        if self._agent.vitals.boot.is_safe:
            birth["safe"] = True
        self._birth = json.dumps(birth).encode()
        self._publish(self._birth, now_ms)

    def see(self, payload, now_ms):
        """A message of the topic, None for one that was too large to be read.

        What comes right after the birth was retained before it.
        """
        is_late = (now_ms - self._born_ms) & TICKS_MASK_MS >= STATE_SETTLE_MS
        if payload != self._birth and is_late and self._publish(self._birth, now_ms):
            self._agent.trail.note(trail.WARNING, "state taken back")

    def leave(self, now_ms):
        """End the session. Whoever says goodbye has no will: it is published before."""
        self._publish(self.will(), now_ms)
        self._agent.session.close(now_ms)

    def _publish(self, payload, now_ms):
        link = self._agent.session
        if not link.can_publish(len(payload)):
            return False
        self._born_ms = now_ms
        link.publish(self.topic, payload, True, now_ms)
        return True

    def _state(self, state):
        return {"v": 1, "state": state, "dev": self._device_id,
                "session": [self._agent.spool.boot, self.count]}
