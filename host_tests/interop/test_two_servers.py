"""The agent on the real MicroPython between two real brokers: exercise, failover, nothing lost."""

import asyncio

import aiomqtt
import pytest
import test_agent_broker
from test_agent_broker import DEVICE, TOPIC, Watcher, play

from tidegate_tools.broker import HOST, Broker, find_mosquitto
from tidegate_tools.command import Request, ask
from tidegate_tools.decode import Batch
from tidegate_tools.sink import Link

pytestmark = [pytest.mark.interop, pytest.mark.micropython, pytest.mark.long]
SPEED = 60
REPLY_S = 10


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
            assert (await ask(link, Request(DEVICE, "rehearse", "60"), REPLY_S))["ok"]
            _, is_retained = await there.birth()
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
            await later.next(lambda found: isinstance(found, Batch) and found.historical)
            while not later.seqs() or max(later.seqs()) < min(later.seqs()) + 20:
                await later.next(lambda found: isinstance(found, Batch))
            # The outage of 15 min is in its backlog, without a hole.
            seqs = sorted(set(later.seqs()))
            assert seqs == list(range(seqs[0], seqs[-1] + 1))

    try:
        play(name, tmp_path, scene, more_servers="%s:%d" % (HOST, away.port), confirm="puback")
    finally:
        away.kill()
