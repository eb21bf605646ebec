"""A device with a command key, whose configuration is changed by command and at the console."""

import json

from agent_world import DEVICE, AgentWorld
from fake_network import FakeNetwork
from test_remote import ask

from tidegate.limits import REPLY_BYTES_MAX
from tidegate.uplink.commands import signed_bytes
from tidegate.uplink.hmac import hmac_sha256

KEY = "a key of this device"
SECRET = "not for anybody's eyes"
DEAD = "dead.example"


class Network(FakeNetwork):
    """One name of it is nobody's."""

    @property
    def names(self):
        return 3 if self.asked and self.asked[-1] == DEAD else [self.NUMBER]

    @names.setter
    def names(self, names):
        pass


class World(AgentWorld):
    """A device with a command key, which starts anew when it wants to."""

    def boot(self):
        if not isinstance(self.network, Network):
            self.network = Network(self.broker)
            self.configuration.update(command_key=KEY, password=SECRET, username="me")
            self.counter = 0
        super().boot()

    def run(self, pass_ms):
        end_ms = self.now_ms + pass_ms
        while self.now_ms < end_ms:
            super().run(min(500, end_ms - self.now_ms))
            if self.agent.verbs.wants_restart:
                self.agent.close()
                self.boot()

    def config(self, argument):
        """The reply to a signed command."""
        self.counter += 1
        form = {"id": "c%d" % self.counter, "verb": "config", "arg": argument,
                "counter": self.counter}
        identity = (DEVICE, self.agent.uplink.store_id)
        form["mac"] = hmac_sha256(KEY.encode(), signed_bytes(identity, form)).hex()
        [reply] = ask(self, form.pop("verb"), **form)
        assert len(json.dumps(reply)) <= REPLY_BYTES_MAX
        return reply["result"] if reply["ok"] else reply["error"]

    def console(self, argument):
        """What the console has: (error, result)."""
        changes, action = self.agent.verbs.table["config"]
        error, result = action(argument, self.agent.monotonic.now_ms)
        return error or result

    def told(self):
        """What was told of the configuration, in order of its seq."""
        stored = self.receiver.stored.get((self.agent.uplink.store_id, "records"), {})
        return [json.loads(stored[seq][3]) for seq in sorted(stored) if stored[seq][2] == 4_006]
