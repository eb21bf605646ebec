"""Checks of suppression with a real spool, for both interpreters: `portable_checks` runs them."""

from agent_world import OWN_IDS, AgentWorld
from fakes import Random
from sampling import Device
from spool_world import SpoolWorld

from tidegate.diag.counters import Counters
from tidegate.link import session
from tidegate.observe.catalogue import (
    BOUND, DEADBAND, ID, KIND, MAX, MIN, NUMBER, POLICY, ROWS, TEXT, TREND,
)
from tidegate.observe.sampler import Sampler
from tidegate.spool.crc import FIRST, crc24

BUSY = 702
# Of all decisions of `check_decisions`: what both interpreters must come to.
DECISIONS_CRC = 16_407_619


def still_value(row):
    """One value of a row, the largest ones among them."""
    if row[KIND] == NUMBER:
        return row[MAX] if row[ID] % 3 == 0 else max(row[MIN], min(row[MAX], row[ID] * 37))
    # Some are compared as they are, some by their digest.
    text = ("%d " % row[ID] * 20)[: min(row[MAX], 12 if row[ID] % 2 else 64)]
    return text if row[KIND] == TEXT else text.encode() * 9


def noise(row, number):
    """What a sample may differ by in a world that stands still."""
    if row[POLICY] not in (DEADBAND, TREND) or row[ID] % 3 == 0:
        return 0
    return (0, 1, -1)[number % 3] * (row[BOUND] // 3)


class StillSource:
    """Every observation of the catalogue, each second, and nothing ever happens."""

    def __init__(self):
        self._number = 0

    def step(self, elapsed_ms, emit):
        self._number += 1
        for row in ROWS:
            value = still_value(row)
            if row[KIND] == NUMBER:
                shifted = value + noise(row, self._number)
                value = shifted if row[MIN] <= shifted <= row[MAX] else value
            emit(row[ID], value)


def sampled_counts(world):
    """How many observations that come from samples are stored of each log."""
    return {key: sum(fact[2] not in OWN_IDS for fact in each.values())
            for key, each in world.receiver.stored.items()}


class StillWorld(AgentWorld):
    """An agent in such a world."""

    def source(self):
        return StillSource()


def check_after_a_reboot_an_unchanged_world_sends_birth_and_health_and_nothing_else():
    world = StillWorld(51)
    # What is confirmed is noted every 10 min at the latest.
    world.run(700_000)
    stored = sampled_counts(world)
    assert sum(stored.values()) == len(ROWS)
    for is_orderly in (True, False, False, True):
        if is_orderly:
            world.agent.close()
        world.boot()
        world.run(300_000)
        assert world.agent.session.phase == session.UP
        topics = [topic for topic, _, _, _ in world.broker.publishes()]
        assert topics == [b"tidegate/1/tg-000001/state", b"tidegate/1/tg-000001/live"], topics
        assert world.agent.counters.sampled >= 290 * len(ROWS)
        assert world.agent.counters.recorded == 1
    assert sampled_counts(world) == stored
    assert world.receiver.repeat_count == 0


def offer_others(source, sampler):
    """All but the one whose changes wear the ring."""
    source.step(0, lambda observation_id, value: (
        observation_id == BUSY or sampler.offer(observation_id, value)))


def check_comparators_outlive_a_ring_that_has_gone_round():
    world = SpoolWorld(block_count=16)
    taken = []

    def append(log, kind, observation_id, value, now_ms):
        taken.append(observation_id)
        return world.spool.append(log, kind, observation_id, value, now_ms)

    source, number = StillSource(), 0
    for boot in range(5):
        sampler = Sampler(world.latest.catalogue, world.latest, append, Counters())
        del taken[:]
        for _ in range(1_500):
            number += 1
            now_ms = world.wait(100)
            sampler.begin_turn(now_ms)
            if number % 90 == 1:
                offer_others(source, sampler)
            sampler.end_turn()
            world.spool.logs[0].confirm(1, world.append(number & 1, 0, BUSY))
            world.spool.idle(now_ms)
        assert len(taken) == (0 if boot else len(ROWS) - 1), (boot, taken)
        if boot % 2:
            world.spool.close()
        world.mount()
    assert world.spool.logs[0].next_seq > 7_500


def check_both_interpreters_decide_alike():
    chance, device, now_ms = Random(5), Device(0, ROWS, 300), 0
    levels = {row[ID]: still_value(row) for row in ROWS}
    decisions = []
    for _ in range(400):
        now_ms += (40, 1_000, 1_000, 1_001, 5_000, 61_000, 901_000)[chance.below(7)]
        if not chance.below(60):
            device.boot()
        device.is_full = not chance.below(15)
        device.turn(now_ms)
        for _ in range(6):
            row = ROWS[chance.below(len(ROWS))]
            value = levels[row[ID]]
            if row[KIND] == NUMBER and not chance.below(3):
                reach = max(3, row[BOUND] + row[BOUND] // 2)
                value += chance.between(-reach, reach)
                levels[row[ID]] = max(row[MIN], min(row[MAX], value))
            stamp = (None, None, None, 1, 2)[chance.below(5)]
            decisions.append(device.offer(row[ID], value, stamp))
        device.end()
    numbers = [each[1:] if each[1] == NUMBER else each[2:3] for each in device.durable]
    told = repr((decisions, numbers)).encode()
    assert len(set(decisions)) > 5
    assert crc24(FIRST, told, 0, len(told)) == DECISIONS_CRC, crc24(FIRST, told, 0, len(told))


CHECKS = (
    check_after_a_reboot_an_unchanged_world_sends_birth_and_health_and_nothing_else,
    check_comparators_outlive_a_ring_that_has_gone_round, check_both_interpreters_decide_alike,
)
