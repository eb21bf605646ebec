"""A configuration on trial on the whole agent: tried, kept, and taken back by itself."""

import pytest
from agent_world import UTC_MS
from config_world import DEAD, World
from fakes import FakeKeep
from test_agent import up

from tidegate.limits import BACKOFF_LINK_MS_MAX, TRIAL_START_COUNT_MAX
from tidegate.link import session


def cut_off(world, time="60s"):
    """A change of the host with which the device cannot reach anybody."""
    assert "staged" in world.config("set host " + DEAD)
    before = len(world.network.asked)
    reply = world.config("save confirm " + time)
    assert (reply["changes"], reply["effect"]) == (["host"], "session")
    world.run(8_000)
    assert DEAD in world.network.asked[before:]
    assert world.agent.session.phase != session.UP
    return reply["keep_within_s"]


def test_a_device_that_is_cut_off_is_back_at_its_old_server_within_its_time_and_says_why():
    world = up(World(61))
    span_s = cut_off(world)
    began_ms = world.now_ms - 8_000
    while world.agent.session.phase != session.UP:
        world.run(1_000)
        assert world.now_ms - began_ms < (span_s + 5) * 1_000, world.agent.trail.lines
    assert world.network.asked[-1] == "sea" and world.agent.spool.boot == 1
    world.run(3_000)
    assert world.told() == [{
        "what": "reverted", "why": "not kept within 60 s, server not reached", "by": "command",
        "generation": 2, "keys": ["host"]}]
    assert world.config("show")["values"]["host"] == "sea"
    assert any("configuration reverted" in line for line in world.agent.trail.lines)
    world.run(600_000)
    assert len(world.told()) == 1
    world.settle()
    world.check()


@pytest.mark.parametrize("pass_s", [1, 20, 45])
def test_a_power_cut_in_the_trial_only_gives_it_its_time_again_and_some_starts(pass_s):
    world = up(World(62))
    cut_off(world)
    for number in range(TRIAL_START_COUNT_MAX):
        world.run(1_000 * pass_s)
        world.boot()
        assert world.agent.configuring.ask("get host", 0)[1]["value"] == DEAD, number
    world.run(1_000)
    world.boot()
    world.run(63_000)
    assert world.agent.session.phase == session.UP and world.network.asked[-1] == "sea"
    world.run(3_000)
    assert world.told()[0]["why"] == "not kept in 3 starts"
    world.boot()
    up(world).run(3_000)
    assert len(world.told()) == 1, "a start does not tell it again"


def test_a_trial_is_kept_when_its_server_was_reached_and_somebody_says_so():
    world = up(World(63))
    world.run(60_000)
    assert "staged" in world.config("set host lake")
    assert "keep_within_s" in world.config("save confirm 30s")
    assert world.config("keep") == "the server was not reached with it yet"
    before = len(world.receiver.snapshots)
    world.run(8_000)
    told = sum(len(each["obs"]) for each in world.receiver.snapshots[before:])
    assert told > 9, "a server that it was not with does not know the live picture"
    assert world.agent.session.phase == session.UP and world.network.asked[-1] == "lake"
    assert world.config("show")["trial_left_s"] in range(15, 30)
    assert world.config("set port 1") == "a trial runs: keep it or revert it first"
    generation = world.config("keep")["generation"]
    world.run(120_000)
    assert [(each["what"], each["keys"], each["generation"]) for each in world.told()] == [
        ("kept", ["host"], generation)]
    world.boot()
    up(world)
    assert world.network.asked[-1] == "lake" and world.agent.spool.boot == 2
    found = world.config("get host")
    assert (found["value"], found["by"], found["boot"]) == ("lake", "command", 1)
    assert UTC_MS // 1_000 <= found["utc_s"] <= UTC_MS // 1_000 + 200


def test_a_change_that_is_about_to_take_effect_is_not_overtaken_by_the_next():
    world = up(World(79))
    world.console("set confirm puback")
    assert world.console("save")["effect"] == "restart"
    world.console("set host lake")
    assert world.console("save confirm").startswith("the change before takes effect")
    world.run(3_000)
    assert world.agent.spool.boot == 2 and world.console("diff") == {"changes": {}}


def test_a_server_that_was_reached_is_not_enough():
    world = up(World(64))
    world.config("set host lake")
    world.config("save confirm 30s")
    world.run(40_000)
    assert world.agent.session.phase == session.UP and world.network.asked[-1] == "sea"
    assert world.told()[0]["why"] == "not kept within 30 s, server reached"


def test_a_key_of_the_next_start_restarts_the_agent_and_its_trial_goes_on():
    world = up(World(65))
    world.config("set confirm puback")
    world.config("set profile azure")
    assert world.config("check") == "tls: on where profile is azure: a hub takes nothing else"
    assert world.config("save confirm") == world.config("check")
    world.config("unset profile")
    assert world.config("check") == {"changes": ["confirm"], "effect": "restart", "confirm": False}
    world.run(60_000)
    assert world.config("save confirm 1m")["effect"] == "restart"
    before = len(world.receiver.snapshots)
    world.run(8_000)
    assert sum(len(each["obs"]) for each in world.receiver.snapshots[before:]) > 9
    assert world.agent.spool.boot == 2 and world.agent.session.phase == session.UP
    assert world.agent.backoff.window_ms == BACKOFF_LINK_MS_MAX, "that was no power-up"
    assert world.agent.configuring.ask("get confirm", 0)[1]["value"] == "puback"
    world.run(62_000)
    assert world.agent.spool.boot == 3
    assert world.agent.backoff.window_ms == BACKOFF_LINK_MS_MAX
    up(world)
    world.run(3_000)
    assert world.config("get confirm")["value"] == "echo"
    assert [each["what"] for each in world.told()] == ["reverted"]


def test_a_revert_before_the_trial_has_begun_changes_nothing():
    world = up(World(68))
    for setting in ("host " + DEAD, "codec packed"):
        world.config("set " + setting)
        assert world.console("save confirm")["keep_within_s"] == 300
        assert "generation" in world.console("revert")
        world.run(5_000)
        assert (world.agent.spool.boot, world.agent.counters.sessions) == (1, 1)
        assert world.console("show")["values"]["host"] == "sea"


def test_full_records_do_not_lose_what_is_to_be_told():
    world = up(World(73))
    real_append, is_full = world.agent.sampler._append, [True]

    def append(log, *rest):
        return 0 if is_full[0] and log == 1 else real_append(log, *rest)

    world.agent.sampler._append = append
    world.config("set host lake")
    world.config("save confirm 30s")
    world.run(90_000)
    assert world.told() == []
    is_full[0] = False
    world.run(65_000)
    assert [each["what"] for each in world.told()] == ["reverted"]


def test_a_revert_that_flash_refuses_holds_until_the_next_start():
    world = up(World(74))
    world.config("set host lake")
    world.config("save confirm 30s")
    real_save = FakeKeep.save
    world.keep.save = lambda name, record: False
    world.run(40_000)
    assert world.network.asked[-1] == "sea" and world.agent.session.phase == session.UP
    assert "flash-refused-it" in "".join(world.agent.trail.lines)
    world.keep.save = lambda name, record: real_save(world.keep, name, record)
    world.boot()
    world.run(100_000)
    assert world.network.asked[-1] == "sea" and world.told()[-1]["what"] == "reverted"


@pytest.mark.parametrize("seed", [77, 78])
def test_whatever_goes_wrong_meanwhile_a_device_ends_with_what_was_kept(seed):
    world = up(World(seed))
    kept, outcomes = "sea", {}
    for number in range(10):
        host = (DEAD, "lake%d" % number)[world.chance.below(2)]
        assert world.console("set host " + host) == {"staged": 1}
        began_ms = world.now_ms
        assert "generation" in world.console("save confirm 60s")
        world.begin(("link down", "reboot", "cut", "stalled")[world.chance.below(4)])
        world.run(1_000 * world.chance.between(1, 40))
        world.heal()
        world.run(1_000 * world.chance.between(1, 10))
        reply = world.console("keep")
        if "generation" in reply:
            kept = host
        outcomes["generation" in reply] = outcomes.get("generation" in reply, 0) + 1
        while world.agent.configuring.store.trial:
            world.run(1_000)
            assert world.now_ms - began_ms < 200_000
        world.run(2_000)
        assert world.agent.configuring.store.running["host"] == kept != DEAD
    assert len(outcomes) == 2, outcomes
    world.settle()
    assert world.network.asked[-1] == kept
    world.check()
