"""The agent on the real MicroPython between two real brokers: exercise, failover, nothing lost."""

import asyncio

import aiomqtt
import pytest
import test_agent_broker
from test_agent_broker import DEVICE, TOPIC, Watcher, play

from tidegate_tools.broker import HOST, Broker, find_mosquitto
from tidegate_tools.command import Request, ask
from tidegate_tools.decode import Batch, Birth
from tidegate_tools.sink import Link

pytestmark = [pytest.mark.interop, pytest.mark.micropython, pytest.mark.long]
SPEED = 60
REPLY_S = 10
# Of the quarter of an hour without any server.
OUTAGE_COUNT = 30


def test_an_exercise_and_a_failover_between_two_brokers_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(test_agent_broker, "SPEED", SPEED)
    name = "mosquitto" if find_mosquitto() else "amqtt"
    (tmp_path / "away").mkdir()
    away = Broker(name, tmp_path / "away")
    asyncio.run(away.start())

    async def scene(field):
        link = Link(HOST, field.broker.port)
        async with (field.watch("home") as home,
                    aiomqtt.Client(HOST, away.port, identifier="away") as client):
            await client.subscribe(TOPIC + "+", qos=1)
            there = Watcher(client)
            await home.birth()
            await home.hint(30)
            await field.hear("hint taken")
            assert (await ask(link, Request(DEVICE, "failover", "60"), REPLY_S))["ok"]
            left, is_retained = await there.birth()
            assert not is_retained
            await there.next(lambda found: isinstance(found, Batch) and not found.historical)
            await field.hear("rehearsal done")
            told = (await ask(link, Request(DEVICE, "link"), REPLY_S))["result"]
            assert told["server"][:3] == [0, HOST, field.broker.port]
            assert told["rehearsal"]["moved"] and told["rehearsal"]["batches"] > 0
            assert 60_000 <= told["rehearsal"]["there_ms"] < 70_000
        # Home dies, and the device moves by itself.
        field.broker.kill()
        async with aiomqtt.Client(HOST, away.port, identifier="later") as client:
            await client.subscribe(TOPIC + "+", qos=1)
            later = Watcher(client)
            birth, _ = await later.next(
                lambda found: isinstance(found, Birth) and found.session > left.session)
            first = birth.first["telemetry"]
            wanted = set(range(first, first + OUTAGE_COUNT))
            found = set()
            while not wanted <= found:
                batch, _ = await later.next(lambda found: isinstance(found, Batch))
                if batch.log == "telemetry" and not batch.is_snapshot:
                    found.update(each.seq for each in batch.observations)

    try:
        play(name, tmp_path, scene, more_servers="%s:%d" % (HOST, away.port), confirm="puback")
    finally:
        away.kill()
