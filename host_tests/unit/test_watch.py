"""What the agent watches of itself: its turns, what gets on, the heap; when it tells health."""

import pytest
from agent_world import AgentWorld
from test_agent import up
from test_remote import result
from test_run import LoopPorts
from test_vitals import told

from tidegate import run
from tidegate.diag import watch
from tidegate.limits import (
    BATCH_COUNT_MAX, HEALTH_PERIOD_MS, PRESSURE_EASE_MS, STEP_BUDGET_MS, TURN_FAILURE_COUNT_MAX,
    WINDOW_COUNT_MAX,
)
from tidegate.observe.catalogue import HEALTH_ID


def test_short_memory_makes_batches_and_window_smaller_and_they_grow_again():
    world = up(AgentWorld(68))
    agent, real, calls = world.agent, world.agent.uplink.step, []

    def step(now_ms):
        calls.append(now_ms)
        if len(calls) < TURN_FAILURE_COUNT_MAX:
            raise MemoryError
        real(now_ms)

    agent.uplink.step = step
    assert run.run(agent, LoopPorts(world, 6)) == 0
    assert world.ports.memory.collect_count >= TURN_FAILURE_COUNT_MAX - 1
    sizes = (agent.uplink._batch.count_max, agent.uplink.window_count)
    assert sizes == (BATCH_COUNT_MAX >> 3, 2)
    assert any("memory short" in line for line in agent.trail.lines)
    world.receiver.batches.clear()
    world.now_ms = world.began_ms + world.ports.clock.now_ms
    assert result(up(world), "health")["memory_short"] == TURN_FAILURE_COUNT_MAX - 1
    world.run(60_000)
    assert 0 < max(len(batch["obs"]) for _, batch in world.receiver.batches) <= sizes[0]
    world.run(PRESSURE_EASE_MS + 120_000)
    assert agent.uplink._batch.count_max == 2 * sizes[0]
    world.run(3 * PRESSURE_EASE_MS)
    assert agent.uplink._batch.count_max == BATCH_COUNT_MAX
    assert agent.uplink.window_count == WINDOW_COUNT_MAX
    world.settle()
    world.check()


def test_a_turn_over_its_budget_names_the_part_that_took_the_time():
    world = up(AgentWorld(69))
    agent, clock = world.agent, world.ports.clock
    real = agent.spool.idle

    def idle(now_ms):
        clock.now_ms += 400
        real(now_ms)

    agent.spool.idle = idle
    world.run(20_000)
    lines = [line for line in agent.trail.lines if "turn over budget" in line]
    assert all("part=spool part_ms=400 turn_ms=400" in line for line in lines)
    assert [line.split("count=")[1].split()[0] for line in lines][:4] == ["1", "2", "4", "8"]
    assert agent.vitals.watch.longest_ms[watch.SPOOL] == 400 > STEP_BUDGET_MS
    assert agent.vitals.watch.slow_count > 8


def stalls(world):
    return [line for line in world.agent.trail.lines if "progress" in line]


@pytest.mark.parametrize("seed", [70, 71])
def test_a_healthy_hour_stalls_nowhere(seed):
    world = up(AgentWorld(seed))
    world.run(3_600_000)
    assert not stalls(world) and world.agent.vitals.progress.stall_count == 0


def test_a_receiver_that_confirms_nothing_is_told_apart_from_a_source_that_gives_nothing():
    world = up(AgentWorld(72))
    world.receiver.echoes = False
    world.run(1_500_000)
    lines = stalls(world)
    assert lines and all("of=confirmations" in line for line in lines)
    assert len(lines) <= 5 and world.agent.vitals.progress.stall_count == 1
    world.receiver.echoes = True
    world.settle()
    world.run(120_000)
    assert "progress again" in stalls(world)[-1]
    world.agent._source.step = lambda elapsed_ms, emit: None
    world.run(900_000)
    assert "of=samples" in stalls(world)[-1]


def test_a_spool_whose_idle_work_does_not_erase_is_told():
    world = up(AgentWorld(73, block_count=16))
    log = world.agent.spool.logs[0]
    log.idle = lambda now_ms: None
    log.offset = log.block_bytes - 500
    log.prepared = -1
    world.agent._source.step = lambda elapsed_ms, emit: emit(501, 230_000)
    world.run(900_000)
    assert any("ALARM no progress" in line and "of=erasing" in line for line in stalls(world))


def test_health_is_told_at_the_first_session_and_then_every_two_hours():
    world = up(AgentWorld(74))
    world.run(2_000)
    assert len(told(world, HEALTH_ID)) == 1
    world.broker.cut()
    world.run(60_000)
    assert world.agent.counters.sessions == 2 and len(told(world, HEALTH_ID)) == 1
    world.run(HEALTH_PERIOD_MS + 2_000)
    assert len(told(world, HEALTH_ID)) == 2
    world.settle()
    world.check()


def test_the_heap_is_swept_in_idle_turns_only_and_its_low_mark_is_told():
    world = up(AgentWorld(75))
    vitals, memory = world.agent.vitals, world.ports.memory
    for free_bytes, wait_ms in ((5_000, 1_000), (4_000, 10), (4_000, 1_000), (6_400, 1_000)):
        world.run(11_000)
        memory.free_bytes = free_bytes
        vitals.idle(wait_ms)
        vitals.idle(wait_ms)
    assert memory.collect_count == 3
    assert result(world, "health")["heap_free_min"] == 4_000 // 64 * 64
