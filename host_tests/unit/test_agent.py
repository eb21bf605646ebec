"""The whole agent on fake ports, in a simulated world that goes wrong all the time."""

import json
import sys

import pytest
from agent_world import DEVICE, FAULTS, UTC_MS, AgentWorld
from mqtt_peer import CONNACK, PINGRESP, SUBACK, SUBSCRIBE, as_json

from tidegate.hal.nor import RamFlash
from tidegate.limits import WINDOW_COUNT_MAX
from tidegate.link import session
from tidegate.spool.crc import FIRST, crc24, put_crc

LOSSLESS_AT_THE_BROKER = tuple(fault for fault in FAULTS if fault != "deaf")


def lived(seed, seconds, confirm="echo", is_dated=True):
    world = AgentWorld(seed, confirm, is_dated)
    try:
        world.live(seconds)
        world.settle()
        world.check()
    except Exception as error:
        last = "\n".join(world.agent.trail.lines[-8:])
        raise AssertionError(f"seed {seed} at {world.now_ms} ms: {error}\n{last}") from error
    return world


def test_two_hours_of_cuts_and_reboots_lose_nothing_and_store_each_key_once():
    world = lived(1, 7_200)
    assert sum(map(len, world.expected.values())) > 500
    assert world.boot_count > 3 and world.broker.open_count > 20
    assert len(world.faults) > len(set(FAULTS)) // 2, f"not much went wrong: {world.faults}"
    assert world.receiver.repeat_count < 500, "repeats are what a lost confirmation costs"


def test_half_an_hour_without_knowing_the_time_loses_nothing():
    world = lived(2, 1_800, is_dated=False)
    assert {batch["q"] for _, batch in world.receiver.batches} == {"unknown"}


def test_half_an_hour_confirmed_by_the_broker_loses_nothing(monkeypatch):
    monkeypatch.setattr("agent_world.FAULTS", LOSSLESS_AT_THE_BROKER)
    lived(3, 1_800, "puback")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1_000, 1_040))
def test_two_hours_of_any_kind(seed, monkeypatch):
    if seed % 2:
        monkeypatch.setattr("agent_world.FAULTS", LOSSLESS_AT_THE_BROKER)
    lived(seed, 7_200, "puback" if seed % 2 else "echo", seed % 3 > 0)


@pytest.mark.parametrize("spoil", ["dropped", "altered", "invented", "gap"])
def test_the_check_of_this_world_finds_a_fault_that_is_planted(spoil):
    world = AgentWorld(4)
    world.run(120_000)
    world.settle()
    world.check()
    stored = world.receiver.stored[world.agent.uplink.store_id, "telemetry"]
    if spoil == "dropped":
        del stored[7]
    elif spoil == "altered":
        stored[7] = (*stored[7][:3], -1)
    elif spoil == "invented":
        stored[max(stored) + 1] = stored[7]
    else:
        world.receiver.gaps[world.agent.uplink.store_id, "telemetry"].append([7, 7, "lost"])
    with pytest.raises(AssertionError):
        world.check()


def up(world):
    for _ in range(100):
        if world.agent.session.phase == session.UP:
            return world
        world.run(1_000)
    raise AssertionError(world.agent.trail.lines)


def test_the_birth_is_retained_comes_first_and_says_who_is_there():
    world = up(AgentWorld(5))
    world.run(3_000)
    topic, payload, _, retain = world.broker.publishes()[0]
    assert (topic, retain) == (b"tidegate/1/tg-000001/state", True)
    birth = json.loads(payload)
    logs = birth.pop("logs")
    assert birth == {
        "v": 1,
        "state": "online",
        "dev": DEVICE,
        "session": [1, 1],
        "store": world.agent.uplink.store_id,
        "version": "0.1.0",
        "interpreter": "{} {}.{}.{}".format(sys.implementation.name, *sys.version_info[:3]),
        "board": "fake",
    }
    assert sorted(logs) == ["records", "telemetry"]
    assert all(logs[name]["first"] == 1 <= logs[name]["split"] for name in logs)


def test_the_will_is_the_opposite_of_the_birth_with_the_same_session():
    world = up(AgentWorld(6))
    world.boot()
    up(world)
    world.broker.cut()
    world.run(1_000)
    up(world)
    body = world.broker.packets[0][1]
    assert body[7] == 0x2E, "clean session, will retained with QoS 1, neither user nor password"
    at = body.index(b"/state") + len(b"/state")
    will = json.loads(body[at + 2 : at + 2 + body[at] * 256 + body[at + 1]])
    assert will == {"v": 1, "state": "offline", "dev": DEVICE, "session": [2, 2]}
    birth = json.loads(world.broker.publishes()[0][1])
    assert birth["session"] == [2, 2]


@pytest.mark.parametrize(
    "username, password, flags, tail",
    [
        ("", "", 0x2E, b""),
        ("", "unused", 0x2E, b""),
        ("user", "secret", 0xEE, b"\x00\x04user\x00\x06secret"),
        ("user", "", 0xEE, b"\x00\x04user\x00\x00"),
    ],
)
def test_the_configuration_s_identity_reaches_the_broker(username, password, flags, tail):
    world = AgentWorld(7)
    world.configuration.update(username=username, password=password)
    world.boot()
    up(world)
    body = world.broker.packets[0][1]
    assert body[7] == flags and body.endswith(tail)


def test_without_a_link_of_its_own_the_agent_tries_nothing_and_keeps_sampling():
    world = AgentWorld(8)
    world.network.up = False
    world.run(600_000)
    assert (world.agent.counters.attempts, world.network.streams) == (0, [])
    assert world.agent.counters.recorded > 60
    world.network.up = True
    world.run(2_000)
    assert world.agent.session.phase == session.UP, "an attempt that was due is made at once"


def test_a_backlog_fills_the_window_without_waiting_for_answers():
    world = AgentWorld(9)
    world.network.up = False
    world.run(3_000_000)
    world.network.up = True
    world.broker.answers = {CONNACK, SUBACK, PINGRESP}
    up(world)
    pacing = world.agent.uplink.pacing
    pacing.rate = pacing.ceiling
    world.run(20_000)
    topics = [topic.split(b"/")[-1] for topic, _, _, _ in world.broker.publishes()]
    assert topics.count(b"history") + topics.count(b"records") >= WINDOW_COUNT_MAX // 2
    assert WINDOW_COUNT_MAX <= len(topics) <= 1 + WINDOW_COUNT_MAX, "birth, a window of batches"


def test_a_turn_that_sent_or_got_something_confirmed_asks_for_the_next_at_once():
    world = up(AgentWorld(9))
    counters = world.agent.counters
    moved_count = 0
    for _ in range(300):
        before = counters.batches_sent + counters.batches_confirmed
        world.ports.clock.now_ms = world.now_ms - world.began_ms
        wait_ms = world.agent.step(world.ports.clock.ticks_ms())
        if counters.batches_sent + counters.batches_confirmed > before:
            moved_count += 1
            assert wait_ms == 0, "what it made room for would wait for the next sample"
        world.now_ms += max(1, wait_ms)
    assert moved_count > 25


@pytest.mark.parametrize("confirm", ["echo", "puback"])
def test_a_signed_value_of_8_kib_arrives_whole_also_over_a_lost_session(confirm):
    world = up(AgentWorld(18, confirm))
    value = bytes(range(256)) * 32
    world.run(3_000)
    world.agent.sampler.offer(554, value)
    world.accepted(554, value, world.turn[1])
    world.run(20)
    world.broker.cut()
    world.run(20_000)
    world.settle()
    world.check()
    assert world.receiver.part_count >= 6
    assert as_json(value) in [fact[3] for fact in world.expected["records"]]


def test_a_backlog_drains_at_the_pace_of_the_answers_not_of_the_samples():
    world = AgentWorld(10)
    world.network.up = False
    world.run(3_600_000)
    held = world.agent.uplink.lag.count(0)
    assert held > 250
    world.network.up = True
    up(world)
    world.run(8_000)
    assert world.agent.uplink.lag.count(0) < 100


def test_every_turn_says_within_a_second_when_the_next_one_is_due():
    world = AgentWorld(11)
    world.network.names = None
    waits = set()
    for _ in range(200):
        world.ports.clock.now_ms = world.now_ms - world.began_ms
        wait_ms = world.agent.step(world.ports.clock.ticks_ms())
        waits.add(wait_ms)
        world.now_ms += max(1, wait_ms)
    assert max(waits) <= 1_000 and world.turn_count == 0
    assert world.agent.counters.sampled > 0


def test_foreign_messages_are_refused_and_noted():
    world = up(AgentWorld(12))
    world.broker.subscriptions.append(b"elsewhere")
    world.broker.deliver(b"elsewhere", b"x")
    world.broker.deliver(b"tidegate/1/tg-000001/confirm", b"{]")
    world.run(1_000)
    noted = [line for line in world.agent.trail.lines if "message refused" in line]
    assert len(noted) == 2 and world.agent.session.phase == session.UP


def test_an_orderly_end_says_goodbye_and_keeps_what_is_confirmed():
    world = up(AgentWorld(13))
    world.run(20_000)
    world.settle()
    confirmed = world.agent.spool.logs[0].ranges.watermark
    assert confirmed > 10
    world.agent.close()
    assert world.broker.packets[-1][0] == 0xE0
    world.boot()
    assert world.agent.spool.logs[0].ranges.watermark == confirmed


def test_the_time_is_taken_from_the_clock_port_once_it_knows():
    world = AgentWorld(14, is_dated=False)
    world.run(10_000)
    assert world.agent.timekeeping.anchor.utc_zero_ms is None
    world.ports.clock.utc_zero_ms = UTC_MS
    world.run(2_000)
    assert world.agent.timekeeping.anchor.utc_zero_ms == UTC_MS


def test_subscriptions_are_made_before_anything_is_published():
    world = up(AgentWorld(15))
    assert world.broker.kinds()[:2] == [0x10, SUBSCRIBE]
    assert world.broker.subscriptions == [
        b"tidegate/1/tg-000001/confirm",
        b"tidegate/1/fleet/hint",
        b"tidegate/1/tg-000001/cmd",
        b"tidegate/1/tg-000001/state",
    ]


def test_an_agent_that_needs_the_time_for_its_token_says_so_and_tries_again():
    world = AgentWorld(15, is_dated=False)
    world.configuration.update(profile="azure", sas_key="a2V5", tls="unverified")
    world.boot()
    world.run(120_000)
    assert world.network.streams == [] and world.agent.counters.recorded > 10
    assert any("cause=time-not-known phase=idle" in line for line in world.agent.trail.lines)
    world.ports.clock.utc_zero_ms = UTC_MS
    world.run(120_000)
    assert world.broker.packets[0][1].count(b"SharedAccessSignature sr=sea%2Fdevices%2F") == 1


@pytest.mark.parametrize("content", ["foreign", "newer"])
def test_a_region_that_cannot_be_mounted_is_set_aside_and_the_charger_boots(content):
    flash = RamFlash(64)
    if content == "foreign":
        flash.image[:] = bytes(range(256)) * (len(flash.image) // 256)
    else:
        world = AgentWorld(5)
        world.run(5_000)
        flash.image[:] = world.flash.image[: len(flash.image)]
        flash.image[2] += 1
        put_crc(flash.image, 13, crc24(FIRST, flash.image, 0, 13))
    image = bytes(flash.image)
    world = AgentWorld(6, flash=flash)
    world.run(20_000)
    assert bytes(flash.image) == image
    assert any("spool set aside" in line for line in world.agent.trail.lines)
    assert world.expected["telemetry"] and world.receiver.stored, "it delivers all the same"
