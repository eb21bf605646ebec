"""The simulated world of `agent_world` for a device that asks a time server. Portable."""

from agent_world import UTC_MS, AgentWorld
from time_peer import TimeNetwork, TimeServer

SERVER = "192.0.2.9"


class TimedWorld(AgentWorld):
    """An AgentWorld without a clock chip, whose device knows one time server."""

    options = {"time_servers": SERVER}

    def __init__(self, seed, **options):
        self.server = TimeServer()
        super().__init__(seed, is_dated=False, **options)

    def make_network(self):
        network = TimeNetwork(lambda: UTC_MS + self.now_ms, self.broker)
        network.servers[SERVER] = self.server
        return network

    def boot(self):
        super().boot()
        self.ports.clock.set = []
        self.ports.clock.set_utc_ms = lambda *told: self.ports.clock.set.append(told)

    def errors_ms(self):
        """How far the dates of all batches are from the truth; boot 1 began at UTC_MS."""
        return [
            batch["utc"] - UTC_MS - batch["mono"]
            for _, batch in self.receiver.batches
            if batch["utc"] is not None and batch["boot"] == 1
        ]
