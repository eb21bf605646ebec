"""Real brokers at their worst: stopped for a minute, killed without a memory, started again.

With `confirm = echo` the sink holds each key once whatever the broker forgets, and the live
picture never goes back in time. TLS: `test_tls_broker`.
"""

import asyncio
import os
import signal
import time

import pytest
from peer_world import PeerWorld, lost, play

from tidegate_tools.agent_process import DEVICE
from tidegate_tools.broker import BROKERS, find_mosquitto
from tidegate_tools.queries import Archive

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
STOP_S = 60
FOUND_S = 45
SPEED = 20
PATIENCE_S = 30


@pytest.fixture(params=sorted(BROKERS))
def broker(request):
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    return request.param


async def watch(world):
    """Look at the live picture again and again. Errors: AssertionError where it goes back."""
    newest, look_count = {}, 0
    archive = Archive(world.store.path)
    try:
        while True:
            await asyncio.sleep(0.05)
            look_count += 1
            for observation_id, row in archive.live(DEVICE).items():
                before = newest.get(observation_id, row)
                assert before.seq <= row.seq, (before, row)
                newest[observation_id] = row
    except asyncio.CancelledError:
        return look_count, len(newest)
    finally:
        archive.close()


async def stop_and_go(world, stop_s):
    """SIGSTOP: connections stand, the system acknowledges bytes, and nobody answers."""
    await world.report()
    world.mark()
    os.kill(world.broker.pid, signal.SIGSTOP)
    begun_s = time.monotonic()
    try:
        await world.hear("cause=server-silent", PATIENCE_S + stop_s)
        found_s = time.monotonic() - begun_s
        await asyncio.sleep(stop_s - found_s)
    finally:
        os.kill(world.broker.pid, signal.SIGCONT)
    # A machine that is busy is late by less than this, whatever the speed.
    assert found_s <= FOUND_S / world.speed + 1, "keep-alive 60 s"
    world.mark()
    await world.hear("session up", PATIENCE_S, pokes=True)


async def kill_and_start(world):
    """SIGKILL: all that it took but did not hand on is gone, for it keeps nothing on disk."""
    world.mark()
    world.broker.kill()
    await world.hear("session lost", PATIENCE_S)
    await world.broker.start()
    await world.hear("session up", PATIENCE_S, pokes=True)


def visit(folder, broker, speed):
    async def scene(world):
        await world.hear("session up", PATIENCE_S * 3, pokes=True)
        task = asyncio.ensure_future(watch(world))
        await stop_and_go(world, STOP_S / speed)
        await kill_and_start(world)
        report = await world.report()
        ledger = await world.settle()
        task.cancel()
        look_count, id_count = await task
        assert look_count > 20 and id_count > 5
        assert report["failed"] == 0
        assert not lost(ledger), ledger.verdict()
        assert ledger.total("expected") > 30

    play(PeerWorld(folder, speed, broker=broker), scene)


def test_a_minute_of_standstill_and_a_death_lose_nothing(tmp_path, broker):
    visit(tmp_path, broker, SPEED)


@pytest.mark.long
def test_a_whole_minute_of_standstill_loses_nothing(tmp_path, broker):
    visit(tmp_path, broker, 1)
