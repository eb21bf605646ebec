"""The agent as a real process on the real MicroPython, against real brokers."""

import asyncio
import json
import os
import signal
import time
from contextlib import asynccontextmanager

import aiomqtt
import pytest
from conftest import INTERPRETER

from tidegate_tools import agent_process
from tidegate_tools.broker import BROKERS, HOST, Broker, find_mosquitto
from tidegate_tools.decode import Batch, Birth, Will, decode
from tidegate_tools.paths import find_checkout

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
DEVICE = agent_process.DEVICE
TOPIC = f"tidegate/1/{DEVICE}/"
PATIENCE_S = 20
SCENE_S = 90
POLL_S = 0.02
UTC_MS = 1_768_509_600_000
SPEED = 10


@pytest.fixture(params=sorted(BROKERS))
def broker_name(request):
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    return request.param


class Field:
    """A broker and an agent, in `folder`; `given` are keys of the agent's configuration."""

    def __init__(self, name, folder, **given):
        self._given = given
        self.broker = Broker(name, folder)
        self._folder = folder
        self.agent = None

    async def start(self):
        await self.broker.start()
        clock = agent_process.Clock(SPEED, time.time_ns() // 1_000_000, UTC_MS)
        source = {"kind": "simulated", "seed": 1, "plug_s": 60, "unplug_s": 700}
        settings = agent_process.configuration(
            self._folder, clock, UTC_MS, source, (HOST, self.broker.port)
        )
        settings["agent"].update(self._given)
        checkout = find_checkout()
        self.agent = agent_process.AgentProcess(
            INTERPRETER, checkout.firmware, checkout, self._folder, settings
        )
        self.agent.start()

    def stop(self):
        if self.agent is not None:
            self.agent.kill()
        self.broker.kill()

    async def hear(self, text):
        """Until the agent's trail says so."""
        async def look():
            while text not in self.agent.log_path.read_text():
                await asyncio.sleep(POLL_S)

        await asyncio.wait_for(look(), PATIENCE_S)

    @asynccontextmanager
    async def watch(self, identifier):
        """A subscriber to all that the device says."""
        async with aiomqtt.Client(HOST, self.broker.port, identifier=identifier) as client:
            await client.subscribe(TOPIC + "+", qos=1)
            yield Watcher(client)


class Watcher:
    """Decodes with the host program's decoder, which refuses what SPEC.md does not allow."""

    def __init__(self, client):
        self._client = client
        self.batches = []

    async def next(self, wanted):
        """The next message that is wanted, decoded, and whether it was retained."""

        async def look():
            async for message in self._client.messages:
                topic = str(message.topic)
                if topic.endswith(("/confirm", "/cmd", "/reply")):
                    continue
                found = decode(topic, message.payload)
                if isinstance(found, Batch):
                    self.batches.append(found)
                if wanted(found):
                    return found, message.retain
            raise AssertionError("the broker went away")

        return await asyncio.wait_for(look(), PATIENCE_S)

    async def birth(self, session=None):
        return await self.next(
            lambda found: isinstance(found, Birth) and session in (None, found.session)
        )

    def seqs(self, log="telemetry"):
        return [
            each.seq for batch in self.batches if batch.log == log for each in batch.observations
        ]

    async def hint(self, window_s):
        """The operator's word on the fleet's size: how long the device may wait to come back."""
        await self._client.publish(
            "tidegate/1/fleet/hint", json.dumps({"window_s": window_s}), qos=1, retain=True)

    async def forge_state(self, form):
        """What a late will would do."""
        await self._client.publish(TOPIC + "state", json.dumps(form), qos=1, retain=True)

    async def echo(self, store, upto, log="telemetry"):
        form = {"store": store, "log": log, "upto": upto, "ahead": []}
        await self._client.publish(TOPIC + "confirm", json.dumps(form), qos=1)


def play(name, folder, scene, **given):
    """Run an async scene(field); whatever happens, no process is left."""
    field = Field(name, folder, **given)

    async def whole():
        await field.start()
        await asyncio.wait_for(scene(field), SCENE_S)

    try:
        asyncio.run(whole())
    except Exception as error:
        log = folder / "agent.log"
        said = log.read_text()[-2_000:] if log.exists() else "nothing"
        raise AssertionError(f"{error!r}; the agent said:\n{said}") from error
    finally:
        field.stop()


def test_a_retained_birth_names_the_interpreter_and_the_will_follows_sigkill(
    broker_name, tmp_path
):
    async def scene(field):
        async with field.watch("early") as watcher:
            birth, _ = await watcher.birth()
            assert birth.interpreter.split()[0] == "micropython"
            assert (birth.board, birth.session) == ("posix", (1, 1))
            await watcher.next(lambda found: isinstance(found, Batch) and not found.historical)
        async with field.watch("late") as watcher:
            late, is_retained = await watcher.birth()
            assert is_retained and late == birth, "who comes later still learns of the birth"
            field.agent.kill()
            will, _ = await watcher.next(lambda found: isinstance(found, Will))
            assert will == Will(DEVICE, birth.session)
        async with field.watch("too late") as watcher:
            will, is_retained = await watcher.next(lambda found: True)
            assert is_retained and will == Will(DEVICE, birth.session)

    play(broker_name, tmp_path, scene)


def test_live_batches_come_in_order_and_an_echo_frees_the_spool(broker_name, tmp_path):
    async def scene(field):
        async with field.watch("receiver") as watcher:
            birth, _ = await watcher.birth()
            while len(watcher.seqs()) < 40:
                await watcher.next(lambda found: isinstance(found, Batch))
            live = [each for batch in watcher.batches for each in batch.observations
                    if batch.log == "telemetry" and not batch.historical]  # fmt: skip
            assert [each.seq for each in live] == sorted({each.seq for each in live})
            assert all(batch.quality == "rtc" for batch in watcher.batches)
            await watcher.echo(birth.store, 25)
            # The device tells with each batch how many it holds: fewer than it has ever had,
            # once it has heard of the echo.
            await watcher.next(
                lambda found: (
                    isinstance(found, Batch)
                    and found.log == "telemetry"
                    and found.lag_count < found.observations[-1].seq
                )
            )
            await field.agent.end()
            field.agent.start()
            again, _ = await watcher.birth((2, 1))
            assert again.store == birth.store
            assert again.first["telemetry"] == 26

    play(broker_name, tmp_path, scene)


def test_a_retained_command_above_the_buffer_is_refused_by_name_and_keeps_nobody_away(
    broker_name, tmp_path
):
    async def scene(field):
        async with aiomqtt.Client(HOST, field.broker.port, identifier="operator") as client:
            await client.subscribe(TOPIC + "reply", qos=1)

            async def reply():
                async for message in client.messages:
                    said = json.loads(message.payload)
                    return said["id"], said.get("error")

            async def heard(wanted):
                """Wait for that reply; amqtt may deliver what is retained more than once."""
                while (found := await asyncio.wait_for(reply(), PATIENCE_S)) != wanted:
                    assert found == (None, "oversized")

            await client.publish(TOPIC + "cmd", b" " * 100_000, qos=1, retain=True)
            for number in range(2):
                await heard((None, "oversized"))
                ping = {"v": 1, "id": "p%d" % number, "verb": "ping"}
                await client.publish(TOPIC + "cmd", json.dumps(ping), qos=1)
                await heard(("p%d" % number, None))
                said = field.agent.log_path.read_text()
                assert "message oversized count=1 size=100000 topic=cmd" in said
                assert "WARNING session lost" not in said
                if not number:
                    away = {"v": 1, "id": "away", "verb": "reconnect", "counter": 1}
                    await client.publish(TOPIC + "cmd", json.dumps(away), qos=1)
                    await heard(("away", None))
            assert "session up session=2" in said

    play(broker_name, tmp_path, scene)


def test_a_broker_that_dies_costs_nothing_but_repeats_of_the_same_keys(broker_name, tmp_path):
    async def scene(field):
        contents = {}

        def keep(watcher):
            for batch in watcher.batches:
                for each in batch.observations:
                    assert contents.setdefault((batch.log, each.seq), each) == each

        async with field.watch("receiver") as watcher:
            await watcher.birth()
            await watcher.hint(30)
            await field.hear("hint taken window_s=30")
            while len(watcher.seqs()) < 30:
                await watcher.next(lambda found: isinstance(found, Batch))
            keep(watcher)
        field.broker.kill()
        await asyncio.sleep(1)
        # What comes before a receiver listens, no receiver gets.
        os.kill(field.agent.pid, signal.SIGSTOP)
        await field.broker.start()
        async with field.watch("receiver") as watcher:
            os.kill(field.agent.pid, signal.SIGCONT)
            birth, _ = await watcher.birth()
            assert birth.session[0] == 1 and birth.session[1] > 1, "it came back by itself"
            split = birth.split["telemetry"]
            historical = set()
            # Nothing was echoed, so all comes again, and not in the live picture alone.
            while not ({*range(1, split)} <= historical
                       and {*range(1, split + 5)} <= {*watcher.seqs()}):  # fmt: skip
                await watcher.next(lambda found: isinstance(found, Batch))
                historical = {each.seq for batch in watcher.batches for each in batch.observations
                              if batch.log == "telemetry" and batch.historical}  # fmt: skip
            keep(watcher)
            assert historical == {*range(1, split)}

    play(broker_name, tmp_path, scene)
