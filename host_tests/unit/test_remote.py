"""What a command does to the whole agent: reply, counter, restart; and the hint's rate."""

import json

import pytest
from agent_world import DEVICE, UTC_MS, AgentWorld
from test_agent import up
from test_run import LoopPorts

from tidegate import run
from tidegate.limits import BACKLOG_RATE_MAX
from tidegate.link import session

TOPIC = b"tidegate/1/tg-000001/cmd"


def ask(world, verb, number=1, run_ms=500, **members):
    """The replies that one command brought."""
    before = len(world.receiver.replies)
    form = dict({"v": 1, "id": f"{verb}-{number}", "verb": verb}, **members)
    world.broker.deliver(TOPIC, json.dumps(form).encode())
    world.run(run_ms)
    return world.receiver.replies[before:]


def result(world, verb, number=1, **members):
    [reply] = ask(world, verb, number, **members)
    assert (reply["id"], reply["dev"]) == (f"{verb}-{number}", DEVICE)
    return reply["result"] if reply["ok"] else reply["error"]


def test_each_verb_that_reads_is_answered_and_fits_a_reply():
    world = up(AgentWorld(31))
    world.run(5_000)
    assert result(world, "ping")["mono_ms"] > 0
    known = result(world, "time")
    assert (known["utc_ms"] - known["mono_ms"], known["q"]) == (UTC_MS, "rtc")
    status = result(world, "status")
    assert (status["boot"], status["phase"], status["counter"]) == (1, "up", 0)
    assert status["recorded"] == world.agent.counters.recorded
    assert status["commands"] == [2, 0, 0]
    assert result(world, "trail")["lines"] == world.agent.trail.lines[-4:]
    assert result(world, "fly") == "unknown verb"


def test_a_counter_survives_a_power_cut_and_a_command_is_not_done_again_after_it():
    world = up(AgentWorld(32))
    assert "count" in result(world, "again", counter=41)
    assert result(world, "again", "replayed", counter=41) == "counter too low"
    world.boot()
    up(world)
    assert result(world, "again", counter=41) == "counter too low"
    assert result(world, "status")["counter"] == 41
    assert "count" in result(world, "again", 2, counter=42)
    stored = world.receiver.stored[world.agent.uplink.store_id, "records"]
    assert [fact[3] for fact in stored.values() if fact[2] == 4_001] == [41, 42]


def test_reconnect_answers_first_and_comes_back_by_itself():
    world = up(AgentWorld(33))
    opened = world.broker.open_count
    assert "in_ms" in result(world, "reconnect", counter=1)
    world.run(5_000)
    assert world.broker.open_count == opened + 1 and world.agent.session.phase == session.UP


def test_restart_ends_the_loop_in_order_with_a_status_of_its_own():
    world = up(AgentWorld(34))
    ports = LoopPorts(world, 10_000)
    world.broker.deliver(TOPIC, b'{"v":1,"id":"r","verb":"reboot","counter":1}')
    assert run.run(world.agent, ports) == run.RESTART_STATUS
    assert world.receiver.replies[-1]["ok"]
    assert world.ports.terminal.lines[-1].endswith("INFO agent ended\n")


@pytest.mark.parametrize("argument, good", [
    ("0 60", True), ("50 60", True), ("20000 86400", True), ("20001 60", False), ("50 0", False),
    ("50 86401", False), ("-1 60", False), ("50", False), ("50  60", False), ("\u00b2 60", False)])
def test_the_backlog_is_slowed_by_command_for_a_while(argument, good):
    world = up(AgentWorld(35))
    answer = result(world, "backlog", counter=1, arg=argument)
    assert (answer == "argument refused") is not good
    rate = int(argument.split()[0]) if good else BACKLOG_RATE_MAX
    assert world.agent.uplink.pacing.ceiling == rate
    if argument == "50 60":
        world.run(58_000)
        assert world.agent.uplink.pacing.ceiling == 50
        world.run(3_000)
        assert world.agent.uplink.pacing.ceiling == BACKLOG_RATE_MAX


def test_a_hint_slows_the_backlog_until_it_ends_or_is_taken_back():
    world = up(AgentWorld(36))
    hint = {"window_s": 300, "backlog_obs_per_s": 7, "until": (UTC_MS + world.now_ms) // 1000 + 30}
    for payload, ceiling in ((json.dumps(hint).encode(), 7), (b"", BACKLOG_RATE_MAX),
                             (json.dumps(hint).encode(), 7)):
        world.broker.deliver(b"tidegate/1/fleet/hint", payload)
        world.run(1_000)
        assert world.agent.uplink.pacing.ceiling == ceiling
    world.run(31_000)
    assert world.agent.uplink.pacing.ceiling == BACKLOG_RATE_MAX


def test_a_rehearsal_without_another_server_is_not_possible():
    world = up(AgentWorld(37))
    assert result(world, "failover", counter=1, arg="60") == "not possible"
    assert result(world, "failover", 2, counter=2, arg="soon") == "argument refused"


def test_a_flood_of_commands_neither_stops_the_samples_nor_the_batches():
    world = up(AgentWorld(38))
    sampled = world.agent.counters.sampled
    for number in range(300):
        world.broker.deliver(TOPIC, b'{"v":1,"id":"f%d","verb":"status"}' % number)
    world.run(20_000)
    assert len(world.receiver.replies) <= 8 + 21
    assert world.agent.remote.commands.dropped_count >= 300 - 8 - 21
    assert world.agent.session.phase == session.UP
    assert world.agent.counters.sampled > sampled
    world.settle()
    assert all(world.agent.uplink.lag.count(log) == 0 for log in (0, 1))


def test_a_late_will_of_an_earlier_session_is_taken_back_once_in_a_while():
    world = up(AgentWorld(39))
    topic = b"tidegate/1/tg-000001/state"
    late = b'{"v":1,"state":"offline","dev":"tg-000001","session":[1,0]}'
    birth = world.broker.retained[topic]
    world.broker.deliver(topic, late)
    world.run(1_000)
    assert len(world.receiver.births) == 1, "that stood before the birth"
    world.run(2_000)
    for _ in range(5):
        world.broker.deliver(topic, late)
        world.broker.deliver(topic, birth)
    world.run(1_000)
    assert len(world.receiver.births) == 2
    assert world.receiver.births[0] == world.receiver.births[1] == json.loads(birth)
