"""The whole agent crashes, hangs, stalls and runs out of memory, in its simulated world."""

import json

import pytest
from agent_world import AgentWorld
from test_agent import up
from test_remote import result
from test_run import LoopPorts

from tidegate import run
from tidegate.diag import watch
from tidegate.hal.posix import PosixScratch
from tidegate.limits import (
    BATCH_COUNT_MAX, CRASH_COUNT_MAX, HEALTH_PERIOD_MS, PRESSURE_EASE_MS, REPLY_BYTES_MAX,
    SAFE_S, STEP_BUDGET_MS, TURN_FAILURE_COUNT_MAX, WINDOW_COUNT_MAX,
)
from tidegate.link import session
from tidegate.observe.catalogue import CRASH_ID, HEALTH_ID
from tidegate_tools import health as host
from tidegate_tools.values import from_json

SOFT, WATCHDOG = 5, 3


def told(world, observation_id):
    """What the receiver holds of an id, in order of its seqs."""
    found = []
    for name in ("telemetry", "records"):
        stored = world.receiver.stored.get((world.agent.uplink.store_id, name), {})
        found += [stored[seq][3] for seq in sorted(stored) if stored[seq][2] == observation_id]
    return found


def plant(world, part, error=None):
    """From now on each turn fails in that part."""
    def fail(*arguments):
        raise error or RuntimeError("planted")

    if part == "sample":
        world.agent._source.step = fail
    else:
        world.agent.uplink.step = fail


def crash(world, part="sample"):
    """One boot that ends with a crash."""
    plant(world, part)
    assert run.run(world.agent, LoopPorts(world, 10_000)) == run.CRASH_STATUS
    world.now_ms = world.began_ms + world.ports.clock.now_ms


def test_turns_that_fail_one_after_the_other_end_the_boot_and_the_next_one_tells_it_once():
    world = up(AgentWorld(61))
    crash(world, "exchange")
    assert world.ports.watchdog.feed_count == 0
    world.boot(SOFT)
    world.settle()
    [text] = told(world, CRASH_ID)
    crashed = json.loads(text)
    assert (crashed["boot"], crashed["how"], crashed["part"]) == (1, "turns failed", "exchange")
    assert crashed["error"] == "RuntimeError: planted"
    assert crashed["at"].startswith("test_vitals.py:") and crashed["trail"]
    for _ in range(2):
        world.boot(SOFT)
        world.settle()
    assert told(world, CRASH_ID) == [text]
    world.check()


def test_the_largest_crash_fits_a_reply():
    world = up(AgentWorld(61))
    found = world.agent.vitals.boot
    found.number = 10 ** 9
    found.crashed("turns failed", ("E" * 99, "f" * 99), "exchange", 10 ** 9, ["x" * 999] * 9)
    world.agent.vitals.watch.longest_ms[:] = [10 ** 6] * 5
    errors = result(world, "health", "n" * 29, arg="errors")
    assert len(errors["crash"]["trail"]) == 4
    spare = 64 - len("tg-000001")
    assert len(json.dumps(world.receiver.replies[-1])) + spare <= REPLY_BYTES_MAX


def test_an_exception_outside_of_a_turn_is_a_crash_as_well():
    world = up(AgentWorld(62))
    ports = LoopPorts(world, 10)

    def fail(*arguments):
        raise OSError(9)

    ports.wait = fail
    assert run.run(world.agent, ports) == run.CRASH_STATUS
    world.boot(SOFT)
    world.settle()
    assert json.loads(told(world, CRASH_ID)[0])["how"] == "exception"


def test_a_crash_is_not_told_again_where_the_cut_came_before_that_was_noted():
    world = up(AgentWorld(63))
    crash(world)
    kept = world.keep.load("crash")
    world.boot(SOFT)
    world.settle()
    world.keep.save("crash", kept)
    world.boot()
    assert world.agent.vitals.boot.is_pending
    world.settle()
    assert len(told(world, CRASH_ID)) == 1 and not world.agent.vitals.boot.is_pending


def test_a_crash_that_finds_no_room_waits_and_is_told_when_there_is_some():
    world = up(AgentWorld(64))
    crash(world)
    world.boot(SOFT)
    real = world.agent.sampler._append
    world.agent.sampler._append = lambda log, *rest: 0 if log else real(log, *rest)
    world.run(180_000)
    assert world.agent.vitals.boot.is_pending
    assert world.agent.counters.full < 6, "it asks once a minute"
    world.agent.sampler._append = real
    world.run(120_000)
    assert len(told(world, CRASH_ID)) == 1


def test_a_reset_by_the_watchdog_names_the_part_that_hung():
    world = up(AgentWorld(65))

    def hang(now_ms):
        raise KeyboardInterrupt

    world.agent.spool.idle = hang
    with pytest.raises(KeyboardInterrupt):
        world.run(60_000)
    world.boot(WATCHDOG)
    world.settle()
    crashed = json.loads(told(world, CRASH_ID)[0])
    assert (crashed["how"], crashed["part"]) == ("watchdog", "spool")
    assert 0 <= crashed["up_s"] < 60


def test_after_five_crashes_nothing_is_sampled_for_an_hour_and_all_else_works():
    world = up(AgentWorld(66))
    for _ in range(CRASH_COUNT_MAX):
        crash(world)
        world.boot(SOFT)
    agent = world.agent
    plant(world, "sample")
    up(world)
    world.run(20_000)
    assert agent.counters.sampled < 20, "what it says of itself only"
    assert agent.counters.turns_failed == 0
    assert world.receiver.births[-1]["safe"] is True
    assert any("ALARM safe mode" in line for line in agent.trail.lines)
    health = result(world, "health")
    assert (health["safe"], health["crashes"]) == (1, CRASH_COUNT_MAX)
    errors = result(world, "health", 2, arg="errors")
    assert (errors["safe"], errors["cause"]) == (True, "soft reset")
    assert errors["crash"]["part"] == "sample"
    assert len(told(world, CRASH_ID)) == CRASH_COUNT_MAX
    del agent._source.step
    world.run(1_000 * SAFE_S)
    assert agent.counters.sampled > 20
    assert any("WARNING safe mode left" in line for line in agent.trail.lines)
    assert "safe" not in world.receiver.births[0]
    assert host.parse(from_json(told(world, HEALTH_ID)[-1]))["safe"] == 0
    world.settle()
    assert not any(world.agent.uplink.lag.count(log) for log in (0, 1))


def test_a_turn_that_fails_while_sending_ends_the_session_and_loses_nothing():
    world = up(AgentWorld(67))
    agent = world.agent
    real, calls = agent.session.publish, []

    def publish(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise RuntimeError("planted")
        return real(*arguments)

    agent.session.publish = publish
    ports = LoopPorts(world, 60)
    assert run.run(agent, ports) == 0
    assert agent.counters.turns_failed == 1 and agent.counters.sessions == 2
    world.now_ms = world.began_ms + world.ports.clock.now_ms
    world.boot()
    world.settle()
    world.check()


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


def test_only_the_watchdog_leaves_crumbs_of_a_process(tmp_path):
    path = str(tmp_path / "scratch")
    first = PosixScratch(path)
    assert (first.load(), first.was_bitten) == (b"", False)
    record = bytearray(b"abc")
    first.save(record)
    assert not PosixScratch(path).was_bitten
    record[0] = 0x7A
    first.bitten()
    second = PosixScratch(path)
    assert (second.load(), second.was_bitten) == (b"zbc", True)
    assert not PosixScratch(path).was_bitten


def test_the_session_of_a_turn_that_failed_elsewhere_goes_on():
    world = up(AgentWorld(76))
    plant(world, "sample")
    agent = world.agent
    with pytest.raises(RuntimeError):
        world.run(5_000)
    agent.vitals.failed(RuntimeError("planted"))
    assert agent.session.phase == session.UP
