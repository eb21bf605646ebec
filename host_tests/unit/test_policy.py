"""Policies other than the catalogue's: checked by name, kept through a reboot, without a burst."""

import json

import pytest
from agent_world import AgentWorld
from fakes import FakeKeep
from sampling import DRIFT, LABEL, POWER, ROWS, STATE, VOLTS, Device
from test_agent import up
from test_remote import result

from tidegate.config import schema
from tidegate.errors import CatalogueError, ConfigurationError
from tidegate.limits import HEARTBEAT_S_MAX
from tidegate.observe import catalogue, policy
from tidegate.observe.catalogue import Catalogue

LEAST = {"device_id": "tg-000001", "host": "sea"}


class Notes:
    """Of a trail, what was noted."""

    def __init__(self):
        self.events = []

    def note(self, level, event, **facts):
        self.events.append((event, facts))


def policies(given=None, keep=None):
    notes = Notes()
    return policy.Policies(Catalogue(ROWS), given or {}, keep or FakeKeep(), notes), notes.events


def bound(found, observation_id=VOLTS):
    """What is in force of one observation."""
    return dict((row[0], row) for row in found.rows())[observation_id][catalogue.BOUND]


@pytest.mark.parametrize("given, words", [
    ([], "policies: a table"),
    ({99: {"bound": 1}}, "policies: 99: no such observation"),
    ({"x": {"bound": 1}}, "policies: x: no such observation"),
    ({VOLTS: 5}, "policies: 20: a table"),
    ({VOLTS: {"width": 1}}, "policies: 20: width: no such name"),
    ({VOLTS: {"bound": 0}}, "policies: 20: bound: .* above 0"),
    ({VOLTS: {"bound": "1"}}, "policies: 20: bound: a whole number"),
    ({VOLTS: {"bound": True}}, "policies: 20: bound: a whole number"),
    ({VOLTS: {"bound": 1 << 60}}, "policies: 20: bound: a whole number"),
    ({VOLTS: {"policy": "wild"}}, "policies: 20: policy: unknown"),
    ({VOLTS: {"policy": 1}}, "policies: 20: policy: unknown"),
    ({LABEL: {"policy": "deadband", "bound": 1}}, "policies: 40: policy: only numbers"),
    ({VOLTS: {"policy": "trend"}}, "policies: 20: max_hold_s: "),
    ({DRIFT: {"max_hold_s": 1}}, "policies: 30: max_hold_s: .* not less than settle_s"),
    ({DRIFT: {"zero_band": 1}}, "policies: 30: zero_band: only a deadband"),
    ({VOLTS: {"settle_s": -1}}, "policies: 20: settle_s: negative"),
    ({VOLTS: {"heartbeat_s": HEARTBEAT_S_MAX + 1}}, "policies: 20: heartbeat_s: "),
    ({VOLTS: {"settle_s": 40}}, "policies: 20: heartbeat_s: .* twice settle_s"),
    ({POWER: {"bound_above": 1}}, "policies: 70: bound_above: .* not below bound"),
    ({POWER: {"threshold": -1}}, "policies: 70: threshold: negative"),
    ({POWER: {"is_per_mille": 2}}, "policies: 70: is_per_mille: 0 or 1"),
])
def test_a_policy_that_contradicts_itself_is_refused_by_the_name_of_its_key(given, words):
    with pytest.raises(CatalogueError, match=words):
        policy.rows(Catalogue(ROWS), given)


def test_what_is_wrong_is_found_at_load_before_anything_starts():
    with pytest.raises(ConfigurationError, match="policies: a table"):
        schema.check({**LEAST, "policies": [1]})
    with pytest.raises(ConfigurationError, match="^policies: 501: bund: no such name; known are"):
        schema.check({**LEAST, "policies": {"501": {"bund": 1}}})


def test_a_change_is_kept_beside_earlier_ones_and_default_takes_it_back():
    keep = FakeKeep()
    found, _ = policies({VOLTS: {"bound": 7}}, keep)
    assert found.change(VOLTS, {"bound": 9}) and found.change(VOLTS, {"settle_s": 2})
    again, events = policies({VOLTS: {"bound": 7}}, keep)
    assert (bound(again), events) == (9, [])
    assert policy.names_of(again.rows()[1]) == {
        "policy": "deadband", "bound": 9, "zero_band": 0, "settle_s": 2, "heartbeat_s": 60,
        "max_hold_s": 0}
    assert again.change(VOLTS, {"settle_s": 2}) and keep.save_count == 2, "nothing to write"
    assert again.change(VOLTS, {})
    assert bound(policies({VOLTS: {"bound": 7}}, keep)[0]) == bound(again) == 7


def test_a_change_that_is_refused_or_not_durable_leaves_all_as_it_was():
    keep = FakeKeep()
    found, _ = policies(keep=keep)
    with pytest.raises(CatalogueError, match="bound"):
        found.change(VOLTS, {"bound": 0})
    keep.save = lambda name, record: False
    assert not found.change(VOLTS, {"bound": 9})
    assert bound(found) == 5 and keep.records == {}


@pytest.mark.parametrize("record", [
    b"{", b"[]", b"7", b'{"99":{"bound":1}}', b'{"20":{"bound":0}}', b'{"20":3}', b"\xff"])
def test_a_kept_record_that_fits_no_more_is_left_aside_and_told(record):
    keep = FakeKeep()
    keep.records["policies"] = record
    found, events = policies({VOLTS: {"bound": 7}}, keep)
    assert bound(found) == 7
    assert [event for event, _ in events] == ["policies kept are left aside"]
    assert found.change(VOLTS, {"bound": 9}) and json.loads(keep.records["policies"])


def test_a_policy_that_is_exact_or_a_trend_needs_nothing_of_a_deadband_s():
    changed = policy.rows(Catalogue(ROWS), {POWER: {"policy": "exact"}, "20": {
        "policy": "trend", "max_hold_s": 10}})
    assert changed[6][catalogue.POLICY :] == (0, 0, 0, 5, 90, 0, -900, 900)
    assert changed[1][catalogue.POLICY : catalogue.MIN] == (2, 5, 0, 0, 60, 10)


def test_a_change_of_all_policies_makes_no_burst_in_a_world_that_stands_still():
    device = Device()
    world = ((STATE, 1), (VOLTS, 5), (DRIFT, 9), (LABEL, "a"), (POWER, 50))
    for second in range(50):
        device.turn(second * 1_000)
        for observation_id, value in world:
            device.offer(observation_id, value)
        device.end()
    told = len(device.durable)
    device.change({VOLTS: {"bound": 1, "heartbeat_s": 20}, DRIFT: {"bound": 1, "heartbeat_s": 30},
                   LABEL: {"heartbeat_s": 5}, POWER: {"policy": "trend", "max_hold_s": 9},
                   STATE: {"settle_s": 3}})
    for second in range(50, 54):
        device.turn(second * 1_000)
        for observation_id, value in world:
            assert device.offer(observation_id, value) == "unchanged"
        device.end()
    assert len(device.durable) == told


def test_what_waits_for_its_settle_time_still_arrives_when_the_policy_changes():
    device = Device()
    for second, value in enumerate((0, 20, 30)):
        device.turn(second * 1_000)
        device.offer(POWER, value)
        device.end()
    assert device.reports(POWER) == [(0, 0), (20, 1_000)]
    device.change({POWER: {"bound": 6}})
    device.turn(3_000)
    device.end()
    assert device.reports(POWER)[2:] == [(30, 2_000)]


def test_a_command_changes_a_policy_at_the_next_sample_and_a_reboot_does_not_take_it_back():
    world = up(AgentWorld(41))
    assert result(world, "policy", 1, counter=1, arg="702 heartbeat_s 10")["policy"] == {
        "policy": "exact", "bound": 0, "zero_band": 0, "settle_s": 0, "heartbeat_s": 10,
        "max_hold_s": 0}
    for boot in (1, 2):
        before = world.agent.counters.recorded
        world.run(60_000)
        assert 4 <= world.agent.counters.recorded - before < 40, "its heartbeats, and no burst"
        assert result(world, "observation", boot, arg="702")["policy"]["heartbeat_s"] == 10
        world.boot()
        up(world)
    found = result(world, "policy", 2, counter=2, arg="702 default")
    assert found["policy"]["heartbeat_s"] == 0
    world.boot()
    up(world)
    assert result(world, "observation", 9, arg="702")["policy"]["heartbeat_s"] == 0


@pytest.mark.parametrize("argument, error", [
    ("702", "argument refused"), ("702 bound", "argument refused"), ("", "argument refused"),
    ("9 bound 1", "argument refused"), ("501 default 1", "policies: 501: default: no such name"),
    ("501 bound -1", "policies: 501: bound: "), ("501 bound x", "policies: 501: bound: "),
    ("501 policy wild", "policies: 501: policy: unknown"),
])
def test_a_command_with_a_wrong_policy_is_answered_with_the_key_that_is_wrong(argument, error):
    world = up(AgentWorld(42))
    assert result(world, "policy", counter=1, arg=argument).startswith(error)
    assert world.agent.policies.rows() == list(Catalogue().rows)


def test_a_policy_needs_the_counter_of_a_command_that_changes_something():
    world = up(AgentWorld(43))
    assert result(world, "policy", arg="501 bound 3000") == "counter missing"


def test_what_became_of_the_samples_is_told_by_observation_and_reason():
    world = up(AgentWorld(44))
    world.run(5_000)
    found = result(world, "observation", arg="702")
    assert found["not_reported"]["unchanged"] > 0 and found["seq"] > 0
    assert result(world, "observation", 2, arg="1") == "argument refused"
