"""The sink against real brokers: each key once, a right echo, through the sink's own death."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import asynccontextmanager

import aiomqtt
import pytest

from tidegate_tools import shell
from tidegate_tools.broker import BROKERS, HOST, PACKAGES, Broker, find_mosquitto
from tidegate_tools.queries import Archive
from tidegate_tools.sink import Link, Sink
from tidegate_tools.store import Store

pytestmark = pytest.mark.interop
STORE = "9f0c5a7e11d2b346"
DEVICE = "tg-000001"
PATIENCE_S = 10.0


@pytest.fixture(params=sorted(BROKERS))
def broker_name(request):
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    return request.param


def batch(first, last, log="telemetry"):
    return json.dumps({
        "v": 1, "dev": DEVICE, "store": STORE, "log": log, "seq": first, "boot": 1,
        "mono": 1_000 * first, "utc": None, "q": "unknown", "historical": False,
        "lag": {"age_s": 0, "count": 1, "bytes": 12, "rate": 3, "drain_s": 7}, "gaps": [],
        "obs": [[n, 1_000 * n, 501, 230_000 + first + n] for n in range(last - first + 1)]})


def birth():
    return json.dumps({
        "v": 1, "state": "online", "dev": DEVICE, "session": [1, 1], "store": STORE,
        "version": "0", "interpreter": "cpython", "board": "test",
        "logs": {"telemetry": {"first": 1, "split": 1}, "records": {"first": 1, "split": 1}}})


class Device:
    """A device's end: publishes, and gathers the echoes."""

    def __init__(self, client):
        self._client = client

    async def send(self, kind, payload, retain=False):
        await self._client.publish("tidegate/1/%s/%s" % (DEVICE, kind), payload, qos=1,
                                   retain=retain)

    async def echo(self, wanted=lambda echo: True):
        """The next echo that is wanted."""
        async def look():
            async for message in self._client.messages:
                echo = json.loads(message.payload)
                assert abs(echo.pop("utc_ms") - time.time_ns() // 1_000_000) < 1_000 * PATIENCE_S
                if wanted(echo):
                    return echo

        return await asyncio.wait_for(look(), PATIENCE_S)


@asynccontextmanager
async def device(port):
    async with aiomqtt.Client(HOST, port, identifier=DEVICE) as client:
        await client.subscribe("tidegate/1/%s/confirm" % DEVICE, qos=1)
        yield Device(client)


@asynccontextmanager
async def receiving(store, port):
    sink = Sink(store, Link(HOST, port, retry_s_max=0.2))
    task = asyncio.ensure_future(sink.run())
    try:
        await asyncio.wait_for(sink.connected.wait(), PATIENCE_S)
        yield sink
    finally:
        await shell.end(task)


def play(folder, broker_name, script):
    """Runs `script(broker, store)` with a broker that stands and an empty store."""
    async def guarded():
        broker = Broker(broker_name, folder)
        store = Store(folder / "sink.db")
        try:
            await broker.start()
            await script(broker, store)
        finally:
            broker.kill()
            store.close()

    asyncio.run(guarded())


def stored(path, log="telemetry"):
    archive = Archive(path)
    try:
        return archive.rows(log).get((DEVICE, STORE), []), archive.report()
    finally:
        archive.close()


def upto(seq, log="telemetry"):
    return lambda echo: echo["log"] == log and echo["upto"] == seq


def test_each_key_is_stored_once_and_the_echo_says_what_is_committed(tmp_path, broker_name):
    async def script(broker, store):
        async with receiving(store, broker.port), device(broker.port) as end:
            await end.send("live", batch(1, 3))
            assert await end.echo(upto(3)) == {
                "store": STORE, "log": "telemetry", "upto": 3, "ahead": []}
            await end.send("live", batch(7, 9))
            await end.send("history", batch(2, 4))
            echo = await end.echo(upto(4))
            assert echo["ahead"] == [[7, 9]]
            await end.send("records", batch(1, 2, "records"))
            await end.echo(upto(2, "records"))
        rows, [records, telemetry] = stored(store.path)
        assert [row.seq for row in rows] == [1, 2, 3, 4, 7, 8, 9]
        assert (telemetry.repeats, telemetry.missing, records.stored) == (2, [(5, 6)], 2)

    play(tmp_path, broker_name, script)


def test_many_batches_in_a_burst_are_all_stored(tmp_path, broker_name):
    async def script(broker, store):
        async with receiving(store, broker.port), device(broker.port) as end:
            firsts = range(1, 3_001, 10)
            await asyncio.gather(*(end.send("live", batch(n, n + 9)) for n in firsts))
            await end.echo(upto(3_000))
        rows, [telemetry] = stored(store.path)
        assert len(rows) == 3_000 and telemetry.repeats == 0

    play(tmp_path, broker_name, script)


def test_what_is_malformed_is_counted_and_the_sink_goes_on(tmp_path, broker_name):
    async def script(broker, store):
        async with receiving(store, broker.port), device(broker.port) as end:
            for payload in (b"{", b"\xff", batch(1, 2).replace('"v": 1', '"v": 9')):
                await end.send("live", payload)
            await end.send("state", b"", retain=True)
            await end.send("live", batch(1, 2))
            await end.echo(upto(2))
        archive = Archive(store.path)
        assert archive.counters()["malformed"] == 3
        archive.close()

    play(tmp_path, broker_name, script)


def test_the_sink_comes_back_by_itself_when_the_broker_does(tmp_path, broker_name):
    async def script(broker, store):
        async with receiving(store, broker.port) as sink:
            broker.kill()
            while sink.connected.is_set():
                await asyncio.sleep(0.02)
            await broker.start()
            await asyncio.wait_for(sink.connected.wait(), PATIENCE_S)
            async with device(broker.port) as end:
                await end.send("live", batch(1, 1))
                await end.echo(upto(1))

    play(tmp_path, broker_name, script)


def test_a_session_older_than_the_sink_is_asked_once_to_send_again(tmp_path, broker_name):
    async def script(broker, store):
        async with device(broker.port) as end:
            await end.send("state", birth(), retain=True)
            await end.send("live", batch(1, 3))
            async with receiving(store, broker.port):
                first = await end.echo(lambda echo: echo["log"] == "telemetry")
                assert first == {"store": STORE, "log": "telemetry", "upto": 0, "ahead": [],
                                 "again": True}
                await end.send("history", batch(1, 3))
                assert "again" not in await end.echo(upto(3))
                await end.send("state", birth(), retain=True)
                assert "again" not in await end.echo(upto(3))

    play(tmp_path, broker_name, script)


def start_sink(folder, port):
    command = [sys.executable, "-m", "tidegate_tools.cli", "sink", "run", "--host", HOST,
               "--port", str(port), "--db", str(folder / "sink.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": PACKAGES})
    assert "receiving from" in process.stdout.readline()
    return process


def ended(process):
    """The exit status of a process that was told to end; the test fails where it does not."""
    try:
        process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    return process.returncode


def test_a_sink_killed_at_any_moment_has_confirmed_nothing_that_it_does_not_hold(
        tmp_path, broker_name):
    async def script(broker, store):
        echoed = 0
        for round_number in range(3):
            process = start_sink(tmp_path, broker.port)
            try:
                async with device(broker.port) as end:
                    first = 1 + 200 * round_number
                    await asyncio.gather(*(end.send("live", batch(n, n + 9))
                                           for n in range(max(1, first - 200), first + 200, 10)))
                    echo = await end.echo(lambda echo, known=echoed: echo["upto"] > known)
                    echoed = echo["upto"]
            finally:
                process.kill()
                process.communicate()
            rows, _ = stored(store.path)
            assert {row.seq for row in rows} >= set(range(1, echoed + 1))
        process = start_sink(tmp_path, broker.port)
        try:
            async with device(broker.port) as end:
                for n in range(1, 601, 10):
                    await end.send("live", batch(n, n + 9))
                await end.echo(upto(600))
        finally:
            process.terminate()
            await asyncio.to_thread(ended, process)
        rows, [telemetry] = stored(store.path)
        assert [row.seq for row in rows] == list(range(1, 601))
        assert telemetry.repeats > 0 and telemetry.conflicts == 0

    play(tmp_path, broker_name, script)


def test_alerts_of_a_sink_that_runs_reach_the_topic_the_lines_and_the_endpoint(
        tmp_path, free_port):
    async def script(broker, store):
        process = subprocess.Popen(
            [sys.executable, "-m", "tidegate_tools.cli", "sink", "alerts", str(store.path),
             "--json", "--period", "0.1", "--lag", "1", "--offline", "0",
             "--publish", "%s:%d" % (HOST, broker.port), "--metrics-port", str(free_port)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": PACKAGES})
        try:
            async with receiving(store, broker.port), aiomqtt.Client(HOST, broker.port) as watcher:
                await watcher.subscribe("tidegate/1/fleet/alerts", qos=1)
                async with device(broker.port) as end:
                    await end.send("state", birth(), retain=True)
                    await end.send("state", json.dumps({
                        "v": 1, "state": "offline", "dev": DEVICE, "session": [1, 1]}))
                message = await asyncio.wait_for(anext(watcher.messages), PATIENCE_S)
                event = json.loads(message.payload)
                assert (event["change"], event["kind"], event["device"]) == (
                    "raised", "offline", DEVICE)
                line = await asyncio.to_thread(process.stdout.readline)
                assert json.loads(line) == event
                with urllib.request.urlopen("http://%s:%d/" % (HOST, free_port)) as answer:
                    assert b'tidegate_alerts{kind="offline"} 1.0' in answer.read()
        finally:
            process.terminate()
            await asyncio.to_thread(ended, process)

    play(tmp_path, "amqtt", script)


def test_an_interrupted_sink_says_so_in_one_line_and_ends_with_130(tmp_path):
    async def script(broker, _store):
        process = start_sink(tmp_path, broker.port)
        process.send_signal(signal.SIGINT)
        started_s = time.monotonic()
        _, complaint = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130 and time.monotonic() - started_s < 5
        assert complaint.splitlines() == [
            "tidegate: the sink is stopped; what it confirmed is in %s" % (tmp_path / "sink.db")]

    play(tmp_path, "amqtt", script)
