"""The agent on the real MicroPython, profile `azure`, before a hub that refuses what Azure's does.

There is no real hub in these tests: `hub_peer` stands for it.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from urllib.parse import quote

import aiomqtt
import hub_peer
import peer_world
import pytest
from mqtt_peer import packet, publish, text
from peer_world import NAME, UTC_MS, PeerWorld, lost, play

from tidegate_tools.agent_process import DEVICE
from tidegate_tools.broker import HOST

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
KEY = b"the device's symmetric key"
SPEED = 20
PATIENCE_S = 25
GENERIC = "tidegate/1/%s/" % DEVICE


class HubWorld(PeerWorld):
    """As PeerWorld, but the agent speaks to a hub, from which a bridge goes on to the broker."""

    def __init__(self, folder):
        super().__init__(folder, SPEED, True)
        self.hub = hub_peer.HubPeer(NAME, DEVICE, KEY, self._now_s, self.authority.server(),
                                    SPEED)
        self._bridge, self._events = None, asyncio.Queue()
        self.hub.up = self._up
        self.keys = []

    def _up(self, bag, payload):
        self._events.put_nowait((bag["kind"], payload))
        if "seq" in bag:
            said = json.loads(payload)
            self.keys.append((bag["store"], bag["log"], int(bag["seq"])))
            assert self.keys[-1] == (said["store"], said["log"], said["seq"])

    def _now_s(self):
        passed_ms = time.time_ns() // 1_000_000 - self._clock["wall_ms"]
        return (self._clock["utc_ms"] + passed_ms * SPEED) // 1_000

    async def start(self):
        await self.hub.start()
        await super().start()
        self._bridge = asyncio.ensure_future(self._carry())

    async def _carry(self):
        """What a function of the cloud does: events to the sink, its echoes to the device."""
        async with aiomqtt.Client(HOST, self.broker.port) as client:
            await client.subscribe(GENERIC + "confirm", qos=1)

            async def down():
                async for message in client.messages:
                    self.hub.down("confirm", message.payload)

            task = asyncio.ensure_future(down())
            try:
                while True:
                    kind, payload = await self._events.get()
                    await client.publish(GENERIC + kind, payload, qos=1)
            finally:
                task.cancel()

    def _settings(self):
        settings = super()._settings()
        self._clock = settings["board"]["clock"]
        settings["agent"].update(
            port=self.hub.port, profile="azure", keep_alive_s=1_170,
            sas_key=base64.b64encode(KEY).decode())
        return settings

    async def stop(self):
        if self._bridge is not None:
            self._bridge.cancel()
        await super().stop()
        self.hub.stop()


def test_a_hub_refuses_nothing_sees_tokens_renewed_in_time_and_loses_nothing(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(peer_world, "PROBE",
                        Path(__file__).parents[1] / "micropython" / "hub_main.py")

    async def scene(world):
        world.hub.desired["tidegate_hint"] = {"window_s": 330}
        await world.hear("hint taken window_s=330", PATIENCE_S, pokes=True)
        world.mark()
        await world.hear("cause=token-renewed", PATIENCE_S)
        await world.hear("session up", PATIENCE_S)
        world.hub.change({"tidegate_hint": {"window_s": 440}})
        await world.hear("hint taken window_s=440", PATIENCE_S)
        assert (await world.report())["failed"] == 0
        return await world.settle()

    world = HubWorld(tmp_path)
    ledger, hub = play(world, scene), world.hub
    assert hub.refusals == []
    assert set(hub.sessions) == {"left"} and len(hub.sessions) >= 2, "never cut at its expiry"
    assert not lost(ledger), ledger.verdict()
    assert ledger.total("expected") > 50 and ledger.total("repeats") == 0
    assert len(world.keys) == len(set(world.keys)) > 10


# The stand-in itself: each of its rules, by hand.

NOW_S = UTC_MS // 1_000
EVENTS = b"devices/%s/messages/events/" % DEVICE.encode()


def password(resource=f"{NAME}/devices/{DEVICE}", key=KEY, expiry_s=NOW_S + 60):
    signed = "%s\n%d" % (quote(resource, safe=""), expiry_s)
    signature = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest())
    return "SharedAccessSignature sr=%s&sig=%s&se=%d" % (
        quote(resource, safe=""), quote(signature, safe=""), expiry_s)


def connect(keep_alive_s=300, client=DEVICE, user=f"{NAME}/{DEVICE}/?api-version=2021-04-12",
            will=EVENTS + b"kind=state", **token):
    fields = (client.encode(), will, b"{}", user.encode(), password(**token).encode())
    return packet(0x10, b"\x00\x04MQTT\x04\xce" + keep_alive_s.to_bytes(2, "big")
                  + b"".join(map(text, fields)))


def subscribe(topic):
    return packet(0x82, b"\x00\x01" + text(topic) + b"\x01")


def answer(*packets):
    """(what a hub said to these packets, why it closed or how the session ended)."""
    async def talk():
        hub = hub_peer.HubPeer(NAME, DEVICE, KEY, lambda: NOW_S, speed=10)
        await hub.start()
        reader, writer = await asyncio.open_connection(HOST, hub.port)
        heard = b""
        try:
            writer.write(b"".join(packets))
            while data := await asyncio.wait_for(reader.read(4_096), 0.3):
                heard += data
        except (asyncio.TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
            hub.stop()
        return heard, " ".join(hub.refusals or hub.sessions)

    return asyncio.run(talk())


@pytest.mark.parametrize("packets, why", [
    ((connect(key=b"another"),), "signature wrong"),
    ((connect(expiry_s=NOW_S),), "token expired"),
    ((connect(resource=f"{NAME}/devices/other"),), "token of another resource"),
    ((connect(client="other"),), "client id is not the device's"),
    ((connect(user="sea"),), "user name"),
    ((connect(keep_alive_s=1_178),), "keep-alive of 1178 s"),
    ((connect(will=b"tidegate/1/d/state"),), "topic tidegate/1/d/state"),
    ((publish(EVENTS + b"kind=live", b"x", 1),), "no CONNECT"),
    ((connect(), publish(b"tidegate/1/d/live", b"x", 1)), "topic tidegate/1/d/live"),
    ((connect(), publish(EVENTS + b"kind", b"x", 1)), "property bag kind"),
    ((connect(), publish(EVENTS + b"kind=live", b"x", 1, retain=True)), "retain"),
    ((connect(), packet(0x34, text(EVENTS + b"kind=live") + b"\x00\x01x")), "QoS 2"),
    ((connect(), subscribe(b"tidegate/1/d/cmd")), "subscription to tidegate/1/d/cmd"),
])  # fmt: skip
def test_the_hub_of_these_tests_refuses(packets, why):
    assert answer(*packets)[1] == why


def test_the_hub_of_these_tests_takes_what_is_right_and_cuts_an_expired_token():
    good = (connect(expiry_s=NOW_S + 1), subscribe(b"$iothub/twin/res/#"),
            publish(b"$iothub/twin/GET/?$rid=7", b"", 9))
    heard, why = answer(*good)
    assert why == "expired" and heard.startswith(b"\x20\x02\x00\x00\x90\x03\x00\x01\x01")
    assert b"$iothub/twin/res/200/?$rid=7" in heard and heard.endswith(b"\x40\x02\x00\x09")
    twin = json.loads(heard[heard.index(b"{") : heard.rindex(b"}") + 1])
    assert twin["desired"]["$version"] == 1
