"""The whole agent and time: ticks that wrap every few seconds, servers, a link that dies."""

import copy
import json

import pytest
from agent_world import UTC_MS, AgentWorld
from mqtt_peer import PINGREQ
from timed_world import TimedWorld

from tidegate.clock.monotonic import Monotonic
from tidegate.limits import TICKS_PERIOD_MS
from tidegate.link import session

HOUR_MS = 3_600_000


def up(world):
    for _ in range(100):
        if world.agent.session.phase == session.UP:
            return world
        world.run(1_000)
    raise AssertionError(world.agent.trail.lines)


def story(world):
    """What came of half an hour with a cut, a refusal and a reboot."""
    for fault in ("cut", "refused", "stalled", "reboot", "no pingresp"):
        world.run(200_000)
        world.begin(fault)
        world.run(70_000)
        world.heal()
    world.settle()
    world.check()
    return world


def told(world, offset_ms=0):
    """Everything that the server and the trail saw, with monotonic times less an offset."""
    batches = [
        (kind, dict(batch, mono=batch["mono"] - offset_ms))
        for kind, batch in world.receiver.batches
    ]
    lines = [line.split(" ", 1) for line in world.agent.trail.lines]
    return batches, [(int(ms) - offset_ms, text) for ms, text in lines], world.receiver.births


@pytest.fixture(scope="module")
def plain():
    """What is told of the story where nothing wraps."""
    return told(story(AgentWorld(11)))


@pytest.mark.parametrize("mask_ms", [(1 << 12) - 1, (1 << 20) - 1])
def test_ticks_that_wrap_every_few_seconds_change_nothing(mask_ms, monkeypatch, plain):
    expected = plain
    monkeypatch.setattr(AgentWorld, "ticks_mask_ms", mask_ms)
    world = story(AgentWorld(11))
    assert world.turn_count * 1_000 > 30 * mask_ms or mask_ms > 1 << 14
    assert told(world) == expected
    assert len(expected[0]) > 50 and len(expected[2]) > 4


def test_the_agent_s_own_ticks_wrap_within_the_story_and_change_nothing(monkeypatch, plain):
    expected = copy.deepcopy(plain)
    before_ms = TICKS_PERIOD_MS - 300_000

    class Late(Monotonic):
        def __init__(self, source_mask_ms):
            super().__init__(source_mask_ms)
            self.now_ms = before_ms

    monkeypatch.setattr("tidegate.agent.Monotonic", Late)
    world = story(AgentWorld(11))
    assert world.agent.monotonic.wrap_count == 1, "in the boot after the reboot, too"
    found = told(world, before_ms)
    # The base of a boot's times takes a few bytes more.
    for _, batch in found[0] + expected[0]:
        del batch["lag"]["bytes"]
    assert found == expected


def test_a_device_without_a_clock_asks_a_server_and_dates_all_it_took_before():
    world = TimedWorld(21)
    world.server.is_silent = True
    world.run(200_000)
    assert {batch["q"] for _, batch in world.receiver.batches} == {"unknown"}
    world.server.is_silent = False
    world.run(HOUR_MS // 3)
    assert world.agent.timekeeping.anchor.quality == 3
    assert len(world.errors_ms()) > 20 and all(abs(each) <= 30 for each in world.errors_ms())
    assert world.ports.clock.set[-1][1] is True
    assert abs(world.ports.clock.set[0][0] - UTC_MS - 200_000) < HOUR_MS
    world.settle()
    world.check()
    lines = [line for line in world.agent.trail.lines if "time" in line]
    assert any("time known quality=synced" in line for line in lines), lines


def test_the_receiver_tells_the_time_to_a_device_that_has_no_other_source():
    world = AgentWorld(25, is_dated=False)
    echo = world.receiver.echo

    def dated(store, log):
        topic, payload = echo(store, log)
        form = dict(json.loads(payload), utc_ms=UTC_MS + world.now_ms)
        return topic, json.dumps(form).encode()

    world.receiver.echo = dated
    up(world).run(300_000)
    qualities = [batch["q"] for _, batch in world.receiver.batches]
    assert qualities[0] == "unknown" and qualities[-1] == "estimated"
    _, last = world.receiver.batches[-1]
    assert abs(last["utc"] - UTC_MS - last["mono"]) < 1_000 and "late_ms" not in last
    assert world.agent.counters.clock_steps == 0
    for utc_ms in (True, "soon", -1, 5, None, 1 << 70):
        form = dict(json.loads(echo(world.agent.uplink.store_id, "telemetry")[1]), utc_ms=utc_ms)
        world.broker.deliver(b"tidegate/1/tg-000001/confirm", json.dumps(form).encode())
        world.run(1_000)
    assert world.agent.counters.turns_failed == world.agent.counters.messages_refused == 0
    _, last = world.receiver.batches[-1]
    assert abs(last["utc"] - UTC_MS - last["mono"]) < 1_000


@pytest.fixture
def hasty(monkeypatch):
    """Servers are asked each 3 minutes in place of 4 h, and 12 minutes are an hour."""
    monkeypatch.setattr("tidegate.clock.servers.SNTP_PERIOD_MS", 180_000)
    monkeypatch.setattr("tidegate.clock.anchor.CLOCK_STEP_PERIOD_MS", 720_000)


def test_a_drifting_crystal_costs_few_anchors_and_no_steps(hasty):
    world = TimedWorld(22)
    world.run(60_000)
    for _ in range(8):
        world.server.error_ms += 144
        world.run(240_000)
    assert world.agent.counters.clock_steps == 0
    anchors = [line for line in world.agent.trail.lines if "time corrected" in line]
    assert len(anchors) == 2, "1.15 s, half a second at a time"


@pytest.mark.parametrize("error_ms", [-370 * 24 * HOUR_MS, 10 * 365 * 24 * HOUR_MS])
def test_a_server_that_leaps_for_good_is_followed_once_an_hour_and_loses_nothing(error_ms, hasty):
    world = TimedWorld(23)
    world.run(60_000)
    world.server.error_ms = error_ms
    world.run(400_000)
    assert world.agent.counters.clock_steps == 1
    world.server.error_ms = 0
    world.run(360_000)
    assert world.agent.counters.clock_steps == 1
    world.run(700_000)
    assert world.agent.counters.clock_steps == 2
    assert abs(world.errors_ms()[-1]) <= 30
    world.settle()
    world.check()


def test_after_a_reboot_without_time_the_clock_port_is_told_the_least_that_it_can_be():
    world = TimedWorld(24)
    world.run(700_000)
    world.server.is_silent = True
    true_ms = UTC_MS + world.now_ms
    world.boot()
    clock = world.ports.clock
    world.agent.timekeeping.start(world.agent.spool)
    (floor_ms, is_known), = clock.set
    assert not is_known and true_ms - 400_000 < floor_ms <= true_ms
    assert world.agent.timekeeping.time_ms(world.agent.monotonic.now_ms) is None
    world.run(60_000)
    assert world.receiver.batches[-1][1]["utc"] is None, "it dates nothing"


@pytest.mark.parametrize("has_traffic", [True, False])
def test_a_device_finds_a_dead_link_within_45_s_at_any_moment(has_traffic):
    waits_ms = []
    for seed in range(13):
        world = AgentWorld(100 + seed)
        if not has_traffic:
            world.agent._source.step = lambda elapsed_ms, emit: None
        for _ in range(2):
            up(world).run(world.chance.below(90_000))
            assert world.agent.session.phase == session.UP
            world.network.stream.peer = None
            died_ms = world.now_ms
            while world.agent.session.phase == session.UP:
                world.run(50)
            waits_ms.append(world.now_ms - died_ms)
            assert "cause=server-silent" in world.agent.trail.lines[-1]
            world.heal()
    assert len(waits_ms) == 26 and max(waits_ms) <= 45_000
    assert min(waits_ms) > 10_000, "and not before it was asked"


def test_a_metered_link_may_take_five_minutes_and_asks_a_sixth_as_often():
    counts = {}
    for keep_alive_s in (55, 400):
        world = type("World", (AgentWorld,), {"options": {"keep_alive_s": keep_alive_s}})(31)
        world.agent._source.step = lambda elapsed_ms, emit: None
        up(world).run(HOUR_MS)
        counts[keep_alive_s] = world.broker.kinds().count(PINGREQ)
        world.network.stream.peer = None
        before = world.now_ms
        while world.agent.session.phase == session.UP:
            world.run(1_000)
        assert world.now_ms - before <= 750 * keep_alive_s
    assert counts[55] >= 6 * counts[400] > 6 * 15, counts
