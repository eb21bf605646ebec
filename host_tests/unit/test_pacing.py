"""How fast the backlog drains: against servers of fixed capacity, on a simulated clock."""

import pytest
from uplink_world import UplinkWorld, seqs

from tidegate.limits import (
    BACKLOG_RATE_MAX, BACKLOG_RATE_MIN, BATCH_COUNT_MAX, UNCONFIRMED_MS_MAX,
)
from tidegate.observe.catalogue import RECORDS, TELEMETRY
from tidegate.uplink.pacing import Pacing


def drain(capacity_per_s, seconds, round_trip_ms=100, pacing=None):
    """A server with a queue. Result: [(s, rate, confirmed, waiting in its queue)]."""
    pacing = pacing or Pacing()
    pacing.begin(0)
    queue, free_ms, confirmed, history = [], 0, 0, []
    for now_ms in range(0, seconds * 1_000, 10):
        while queue and queue[0][0] <= now_ms:
            _, sent_ms = queue.pop(0)
            pacing.confirmed(BATCH_COUNT_MAX, now_ms - sent_ms, now_ms)
            confirmed += BATCH_COUNT_MAX
        while pacing.wait_ms(now_ms) == 0:
            free_ms = max(free_ms, now_ms) + BATCH_COUNT_MAX * 1_000 // capacity_per_s
            queue.append((free_ms + round_trip_ms, now_ms))
            pacing.sent(BATCH_COUNT_MAX)
        if now_ms % 1_000 == 0:
            history.append((now_ms // 1_000, pacing.rate, confirmed, len(queue)))
    return history


def test_the_drain_starts_with_one_batch_a_second_and_doubles_while_confirmations_are_prompt():
    history = drain(1_000_000, 12)
    rates = [rate for _, rate, _, _ in history]
    assert rates[0] == BACKLOG_RATE_MIN
    assert rates == sorted(rates)
    assert rates[-1] == BACKLOG_RATE_MAX


@pytest.mark.parametrize("capacity_per_s", [100, 300, 1_000, 3_000])
def test_a_slow_server_is_used_but_not_buried(capacity_per_s):
    history = drain(capacity_per_s, 120)
    settled = history[30:]
    assert settled[-1][2] - settled[0][2] > 0.8 * capacity_per_s * (settled[-1][0] - settled[0][0])
    waiting_s_max = max(queue for _, _, _, queue in settled) * BATCH_COUNT_MAX / capacity_per_s
    assert waiting_s_max < 4


def test_what_is_in_flight_is_at_most_one_seconds_worth():
    pacing = Pacing()
    pacing.begin(0)
    pacing.rate = 1_000
    for now_ms in range(0, 60_000, 10):
        if pacing.wait_ms(now_ms) == 0:
            pacing.sent(BATCH_COUNT_MAX)
        assert pacing.in_flight_count <= pacing.rate
    assert pacing.in_flight_count > pacing.rate - BATCH_COUNT_MAX
    assert pacing.wait_ms(60_000) == -1


def test_the_operators_limit_holds_and_zero_stops_the_drain():
    pacing = Pacing()
    pacing.limit(200)
    confirmed = drain(1_000_000, 60, pacing=pacing)[-1][2]
    assert 190 * 59 - BATCH_COUNT_MAX <= confirmed <= 200 * 60 + BATCH_COUNT_MAX
    pacing.limit(0)
    assert pacing.wait_ms(100_000) == -1
    pacing.limit(None)
    assert pacing.rate == BACKLOG_RATE_MIN and pacing.ceiling == BACKLOG_RATE_MAX


def test_a_late_confirmation_halves_the_rate_once_for_all_that_was_in_flight_together():
    pacing = Pacing()
    pacing.begin(0)
    pacing.rate = 1_024
    pacing.confirmed(BATCH_COUNT_MAX, 100, 10_000)
    before = pacing.rate
    for now_ms in range(12_000, 12_100, 10):
        pacing.confirmed(BATCH_COUNT_MAX, 1_500, now_ms)
    assert pacing.rate == before // 2


def test_a_new_session_drains_slowly_at_first_and_live_does_not_wait_for_it():
    world = UplinkWorld()
    world.fill(20 * BATCH_COUNT_MAX, pass_ms=1)
    world.up(is_paced=True)
    first = world.step(2_000)
    assert len(seqs(first)) == BATCH_COUNT_MAX
    for _ in range(5):
        world.fill(1)
        assert [topic for _, topic, _ in world.step(1_000)] == ["live"]
    world.puback(first[0][0])
    assert world.step(1_000) == [], "the server has it, the receiver has not"
    world.echo(seqs(first)[-1])
    assert [topic for _, topic, _ in world.step(1_000)] == ["history"]


def paced_world():
    """A session whose first batch of the backlog the server has, and the receiver never echoes."""
    world = UplinkWorld()
    world.fill(20 * BATCH_COUNT_MAX, pass_ms=1)
    world.up(is_paced=True)
    world.puback(world.step(2_000)[0][0])
    assert world.step(1_000) == []
    return world


def test_a_confirmation_that_never_comes_holds_the_backlog_up_for_a_minute_only():
    world = paced_world()
    assert world.step(UNCONFIRMED_MS_MAX - 4_000) == []
    world.step(4_000)
    assert [topic for _, topic, _ in world.sent()] == ["history"] * 2


def test_a_receiver_that_asks_again_is_sent_the_backlog_at_once():
    world = paced_world()
    world.uplink.split(TELEMETRY)
    first = world.sent()[0][2]["seq"]
    assert [batch["seq"] for _, _, batch in world.step(1_000)] == [first]


def test_the_parts_of_a_value_do_not_wait_for_its_confirmation():
    world = UplinkWorld(block_count=64)
    world.append(bytes(8_000), RECORDS)
    world.up(is_paced=True)
    world.wait(2_000)
    for _ in range(12):
        for packet_id, _, _ in world.step(1_000):
            world.puback(packet_id)
    parts = [batch["obs"][0][3] for _, _, batch in world.sent()]
    assert len(parts) > 3 and parts[-1]["at"] + len(parts[-1]["b64"]) * 3 // 4 >= 8_000


@pytest.mark.parametrize("capacity_per_s", [1_400, 5_900, 20_000])
def test_a_fleet_that_comes_back_together_does_not_bury_its_receiver(capacity_per_s):
    fleet, line = [Pacing() for _ in range(50)], []
    for pacing in fleet:
        pacing.begin(0)
    # The first confirmations come late: all are busy with coming back.
    free_ms, done, waiting_ms_max = 4_000, 0, 0
    for now_ms in range(0, 90_000, 20):
        while line and line[0][0] <= now_ms:
            _, pacing, sent_ms = line.pop(0)
            pacing.confirmed(BATCH_COUNT_MAX, now_ms - sent_ms, now_ms)
            done += BATCH_COUNT_MAX
        for pacing in fleet:
            while pacing.wait_ms(now_ms) == 0:
                pacing.sent(BATCH_COUNT_MAX)
                free_ms = max(free_ms, now_ms) + BATCH_COUNT_MAX * 1_000 / capacity_per_s
                line.append((free_ms, pacing, now_ms))
        waiting_ms_max = max(waiting_ms_max, free_ms - now_ms)
    # Each has one batch on its way before it knows anything.
    assert waiting_ms_max < 5_000 + 50 * BATCH_COUNT_MAX * 1_000 / capacity_per_s
    assert done > 0.8 * 86 * capacity_per_s
