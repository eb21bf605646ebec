"""The whole agent crashes and hangs in its simulated world, and what comes of it."""

import json

import pytest
from agent_world import AgentWorld
from test_agent import up
from test_remote import result
from test_run import LoopPorts

from tidegate import run
from tidegate.diag.watch import PART_NAMES
from tidegate.hal.posix import PosixScratch
from tidegate.limits import CRASH_COUNT_MAX, REPLY_BYTES_MAX, SAFE_S
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
    world.agent.vitals.watch.longest_ms[:] = [10 ** 6] * len(PART_NAMES)
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
