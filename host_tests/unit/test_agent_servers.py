"""The whole agent with two servers: failover, return, exercise, and what it tells of its link."""

import json

import pytest
from agent_world import DEVICE, UTC_MS, AgentWorld
from fake_network import FakeNetwork, FakeStream
from mqtt_peer import PUBACK, Broker
from test_agent import up
from test_remote import result

from tidegate.config import schema
from tidegate.limits import (
    BACKOFF_DRIVER_MS_MIN, BACKOFF_PERIOD_MS, BACKOFF_POWER_MS_MAX, FAILOVER_AFTER_MS,
    LINK_FAILURE_COUNT_MAX, LINK_TOLD_COUNT, REPLY_BYTES_MAX, RETURN_AFTER_MS,
)
from tidegate.link import causes, session

PORTS = (1883, 1884)


class TwoServers(FakeNetwork):
    """A server behind each of two ports; those in `gone` refuse. The third never stands."""

    def __init__(self, brokers):
        super().__init__()
        self.brokers = brokers
        self.gone = {1885}

    def open(self, address):
        self.opened.append(address)
        if address[1] in self.gone:
            raise OSError(111)
        broker = self.brokers[PORTS.index(address[1])]
        self.streams.append(FakeStream(broker))
        broker.opened(self.stream)
        return self.stream


class World(AgentWorld):
    """Both brokers hand what they get to one receiver, as bridges to one sink do."""

    def boot(self):
        if not isinstance(self.network, TwoServers):
            self.home, self.away = self.broker, Broker(self.receiver)
            self.network = TwoServers((self.home, self.away))
            self.configuration = schema.check({
                "device_id": DEVICE, "host": "sea", "more_servers": "shore:1884 hill:1885"})
        super().boot()

    def lose_home(self):
        self.network.gone.add(PORTS[0])
        self.home.cut()

    def told(self):
        return self.agent.reconnect.told(LINK_FAILURE_COUNT_MAX, self.agent.monotonic.now_ms)


def test_who_lost_home_goes_to_the_next_server_late_with_the_same_keys_and_returns():
    world = World(51)
    world.run(120_000)
    world.home.answers.discard(PUBACK)
    world.receiver.echoes = False
    repeat_count = world.receiver.repeat_count
    world.run(40_000)
    unconfirmed_count = world.agent.uplink.unconfirmed_count()
    assert unconfirmed_count and world.agent.session.phase == session.UP
    world.receiver.echoes = True
    world.lose_home()
    lost_ms = world.now_ms
    world.run(FAILOVER_AFTER_MS - 5_000)
    assert not world.away.open_count, "home is waited for"
    world.run(BACKOFF_PERIOD_MS + 10_000)
    assert world.told()["server"] == [1, "shore", 1884, False]
    assert 0 <= world.agent.endpoints.left_ms - lost_ms - FAILOVER_AFTER_MS <= BACKOFF_PERIOD_MS
    world.run(60_000)
    assert world.agent.session.phase == session.UP
    assert world.agent.uplink.unconfirmed_count() < unconfirmed_count
    assert world.receiver.repeat_count > repeat_count, "what was in flight came under its keys"
    world.network.gone.discard(PORTS[0])
    world.home.answers.add(PUBACK)
    world.run(2 * RETURN_AFTER_MS)
    assert world.told()["server"][0] == 0 and world.agent.session.phase == session.UP
    world.settle()
    world.check()


def test_an_exercise_moves_delivers_returns_and_tells_its_timings():
    world = up(World(52))
    world.run(61_000)
    assert result(world, "failover", counter=1, arg="120") == {"for_s": 120}
    world.run(BACKOFF_PERIOD_MS + 1_000)
    assert world.agent.endpoints.move_count == 1 and world.away.open_count == 1
    world.run(130_000)
    assert world.told()["server"][0] == 0 and world.agent.session.phase == session.UP
    told = result(world, "link")["rehearsal"]
    assert told["moved"] and told["batches"] > 0
    assert 120_000 <= told["there_ms"] <= 121_000
    assert 0 <= told["move_ms"] < 2_000 and 0 <= told["return_ms"] < 2_000
    assert any("rehearsal done" in line for line in world.agent.trail.lines)
    world.settle()
    world.check()


def test_an_exercise_that_no_server_takes_ends_at_home_and_says_so():
    world = up(World(53))
    world.network.gone.add(PORTS[1])
    assert result(world, "failover", counter=1, arg="120") == {"for_s": 120}
    world.run(BACKOFF_PERIOD_MS + 30_000)
    up(world)
    assert world.told()["rehearsal"] == {"moved": False} and world.told()["server"][0] == 0


def test_an_attempt_that_hangs_is_left_for_the_next_server_when_it_is_time():
    world = up(World(54))
    world.home.answers.clear()
    world.home.cut()
    world.run(FAILOVER_AFTER_MS + BACKOFF_PERIOD_MS + 5_000)
    assert world.agent.session.phase == session.UP and world.told()["server"][0] == 1
    assert 1885 not in [port for _, port in world.network.opened], "it goes where it planned to"


def test_the_link_tells_its_failures_and_the_wait():
    world = up(World(55))
    world.run(61_000)
    world.lose_home()
    world.run(200_000)
    told = world.told()
    assert told["phase"] == "idle" and told["linked"] and told["servers"] == 3
    assert 0 < told["wait_ms"] <= told["window_ms"]
    assert told["cause"] == causes.CONNECT_REFUSED and told["hint"] is None
    assert told["plan"][0] == "failover" and 0 < told["plan"][1] <= 1_500_000
    attempts = [each[3] for each in told["failures"]]
    assert attempts == list(range(attempts[0], attempts[0] + len(attempts)))
    assert told["attempt"] == attempts[-1]
    mono_ms, phase, cause, _, action, window_ms, wait_ms = told["failures"][0]
    assert (phase, cause, action) == ("up", causes.CLOSED_BY_PEER, "ramp")
    assert 0 <= wait_ms < window_ms and mono_ms <= world.now_ms
    for _ in range(20):
        world.agent.reconnect.down(session.CONNECT, causes.CONNECT_REFUSED, 0)
    assert len(world.told()["failures"]) == LINK_FAILURE_COUNT_MAX


def test_the_longest_answer_fits_a_reply():
    world = up(World(56))
    agent = world.agent
    hint = {"window_s": 3_600, "until": UTC_MS // 1_000 + 80_000, "outage": True}
    world.broker.deliver(b"tidegate/1/fleet/hint", json.dumps(hint).encode())
    world.run(1_000)
    agent.reconnect._servers = (("h" * 253, 65_535, True),) * 2
    agent.reconnect._rehearsal = {
        "moved": True, "move_ms": 1 << 28, "there_ms": 1 << 28, "return_ms": 1 << 28,
        "batches": 100_000}
    agent.backoff.attempt_count = 99_999
    agent.reconnect._failures = [
        (1 << 42, "subscribe", max(causes.TABLE, key=len), 99_999, "double", 3_600_000,
         3_600_000)] * LINK_FAILURE_COUNT_MAX
    told = result(world, "link")
    assert len(told["failures"]) == LINK_TOLD_COUNT and told["hint"] == hint
    assert len(json.dumps({"dev": "d" * 64, "id": "i" * 36, "v": 1, "ok": True, "result": told})
               ) <= REPLY_BYTES_MAX
    assert result(world, "link", 2, arg="9") == "argument refused"
    assert len(result(world, "link", 3, arg="1")["failures"]) == 1


@pytest.mark.parametrize("observation_id, is_driver", [(714, True), (722, True), (710, False)])
def test_a_driver_ends_the_wait_within_a_second_and_a_tariff_does_not(observation_id, is_driver):
    world = up(World(57))
    world.run(61_000)
    world.lose_home()
    world.run(400_000)
    agent = world.agent
    while agent.backoff.wait_ms(agent.monotonic.now_ms) < BACKOFF_DRIVER_MS_MIN:
        world.run(1_000)
    before = agent.counters.attempts
    value = "card" if observation_id == 722 else 7
    agent.sampler.offer(observation_id, value)
    world.oracle.sample(observation_id, value)
    world.run(1_001)
    assert agent.counters.attempts - before == is_driver


def test_what_a_charger_finds_out_as_it_starts_is_no_driver():
    world = World(58)
    world.lose_home()
    world.run(1_000)
    assert world.agent.backoff.window_ms == BACKOFF_POWER_MS_MAX
    assert not any("driver" in line for line in world.agent.trail.lines)
