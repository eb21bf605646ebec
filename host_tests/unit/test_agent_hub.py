"""The whole agent before an IoT hub: an hour of it, with tokens that live half an hour."""

from urllib.parse import parse_qs

from agent_world import DEVICE, UTC_MS, AgentWorld
from mqtt_peer import Broker
from timed_world import TimedWorld

from tidegate.config import schema
from tidegate.link import profiles

UP = f"devices/{DEVICE}/messages/events/"
DOWN = f"devices/{DEVICE}/messages/devicebound/"


class Hub:
    """A receiver behind a hub: its topics are those of `agent_world`'s, as the hub has them."""

    def __init__(self, receiver):
        self._receiver = receiver
        self.keys = []

    def take(self, topic, payload):
        topic = topic.decode()
        if topic.startswith("$iothub/twin/GET/"):
            return ()
        bag = {name: value[0] for name, value in parse_qs(topic.removeprefix(UP)).items()}
        if "seq" in bag:
            self.keys.append((bag["store"], bag["log"], int(bag["seq"])))
        echoes = self._receiver.take(f"tidegate/1/{DEVICE}/{bag['kind']}".encode(), payload)
        return [((DOWN + "kind=confirm").encode(), data) for _, data in echoes]


class HubBroker(Broker):
    """Delivers below the one subscription a hub knows."""

    def deliver(self, topic, payload):
        if (DOWN + "#").encode() in self.subscriptions:
            self.subscriptions.append(topic)
            super().deliver(topic, payload)
            self.subscriptions.remove(topic)


def test_an_hour_before_a_hub_renews_the_token_and_drops_nothing(monkeypatch):
    monkeypatch.setattr(profiles, "SAS_LIFE_S", 1_800)
    world = AgentWorld(20)
    hub = Hub(world.receiver)
    world.broker = world.network.peer = HubBroker(hub)
    world.configuration = schema.check({
        "device_id": DEVICE, "host": "sea", "profile": "azure", "sas_key": "a2V5", "tls": "on",
        "tls_ca": "ca.der"})  # fmt: skip
    world.boot()
    world.run(3_600_000)
    lines = "\n".join(world.agent.trail.lines)
    assert lines.count("cause=token-renewed") == 2, lines
    assert world.broker.open_count == 3 and world.receiver.repeat_count == 0
    world.settle()
    world.check()
    facts = sum(map(len, world.expected.values()))
    assert facts > 300 and len(set(hub.keys)) == len(hub.keys) > 100


def test_without_a_clock_there_is_no_token_until_a_time_server_has_answered():
    world = TimedWorld(21)
    world.server.is_silent = True
    hub = Hub(world.receiver)
    world.broker = world.network.peer = HubBroker(hub)
    world.configuration = schema.check({
        "device_id": DEVICE, "host": "sea", "profile": "azure", "sas_key": "a2V5", "tls": "on",
        "tls_ca": "ca.der", "time_servers": "192.0.2.9"})  # fmt: skip
    world.boot()
    world.run(120_000)
    assert world.broker.open_count == 0
    assert any("cause=time-not-known" in line for line in world.agent.trail.lines)
    world.server.is_silent = False
    world.run(300_000)
    assert world.broker.open_count == 1
    expiry_s = int(world.broker.packets[0][1].rsplit(b"&se=", 1)[1])
    assert abs(expiry_s - 86_400 - (UTC_MS + world.now_ms) // 1_000) < 400
    world.settle()
    world.check()
