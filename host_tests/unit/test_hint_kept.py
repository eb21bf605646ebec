"""The hint through a reboot: kept with its date, forgotten when stale, no wear of flash."""

import json

import pytest
from agent_world import UTC_MS, AgentWorld
from fakes import FakeKeep
from test_agent import up

from tidegate.limits import (
    BACKLOG_RATE_MAX, BACKOFF_PERIOD_MS, HINT_AGE_S_MAX, HINT_LOOK_MS, HINT_REDATE_S,
    HINT_SAVE_MS_MIN, TICKS_MASK_MS,
)
from tidegate.link import hint

NOW_S = 1_774_000_000
HINT = (330, 20, 0, True, NOW_S)
TOPIC = b"tidegate/1/fleet/hint"


def kept_with(given=None, now_ms=0):
    kept = hint.Kept(FakeKeep())
    if given:
        kept.take(given, now_ms)
    return kept


def again(kept, now_s):
    """(what a reboot finds, what is wrong with it)."""
    fresh = hint.Kept(kept._keep)
    wrong = fresh.recall(now_s)
    return fresh.hint, wrong


def test_it_is_found_again_until_it_is_stale():
    kept = kept_with(HINT)
    assert again(kept, NOW_S + HINT_AGE_S_MAX - 1) == (HINT, hint.OK)
    assert again(kept, 0) == (HINT, hint.OK), "while the time is unknown it holds"
    assert again(kept, NOW_S + HINT_AGE_S_MAX) == (None, hint.STALE)
    assert again(kept_with(), NOW_S) == (None, hint.MISSING)
    kept.take(None, HINT_SAVE_MS_MIN)
    assert again(kept, NOW_S) == (None, hint.MISSING), "taken back is taken back"


@pytest.mark.parametrize("record, wrong", [
    (b"\x00\xff", hint.NO_JSON), (b"{", hint.NO_JSON), (b"[]", hint.NO_JSON),
    (b'{"window_s":-1}', hint.NO_WINDOW), (b'{"window_s":300,"received":"x"}', hint.BAD_UNTIL),
    (b" " * 300, hint.TOO_LONG)])
def test_an_absurd_record_is_none_and_is_removed(record, wrong):
    kept = kept_with()
    kept._keep.records["hint"] = record
    assert kept.recall(NOW_S) == wrong and kept.hint is None
    kept.look(NOW_S, HINT_LOOK_MS)
    assert kept._keep.records["hint"] == b""


@pytest.mark.parametrize("now_ms", [0, TICKS_MASK_MS - 1_000])
def test_what_comes_again_with_each_session_is_saved_only_to_renew_its_date(now_ms):
    kept = kept_with(HINT, now_ms)
    for number in range(1, 100):
        later = (now_ms + number * 600_000) & TICKS_MASK_MS
        kept.take(HINT[:4] + (NOW_S + 600 * number,), later)
    assert kept._keep.save_count == 1 + 99 * 600 // HINT_REDATE_S
    assert again(kept, NOW_S + 99 * 600)[1] == hint.OK


def test_a_stream_of_hints_is_saved_now_and_then_and_ends_with_the_newest():
    kept = kept_with(HINT)
    for number in range(1, 5_000):
        kept.take((100 + number % 900, 20, 0, False, NOW_S), number * 300)
    assert kept._keep.save_count == 1 + 4_999 * 300 // HINT_SAVE_MS_MIN
    last = kept.hint
    assert again(kept, NOW_S)[0] != last
    kept.look(NOW_S, 5_000 * 300 + HINT_SAVE_MS_MIN)
    assert again(kept, NOW_S)[0] == last


@pytest.mark.parametrize("received_s", [0, NOW_S + 10 * HINT_AGE_S_MAX])
def test_a_hint_without_a_date_or_from_the_future_is_of_the_day_the_time_is_known(received_s):
    kept = kept_with(HINT[:4] + (received_s,))
    assert not kept.look(0, HINT_LOOK_MS) and kept.hint[4] == received_s
    assert not kept.look(NOW_S, HINT_SAVE_MS_MIN)
    assert again(kept, NOW_S)[0] == HINT
    assert again(kept, NOW_S + HINT_AGE_S_MAX) == (None, hint.STALE)


def test_a_medium_that_fails_is_tried_again_and_costs_nothing_else():
    kept = kept_with()
    kept._keep.save = lambda name, record: False
    kept.take(HINT, 0)
    del kept._keep.save
    assert kept.hint == HINT and again(kept, NOW_S)[1] == hint.MISSING
    kept.look(NOW_S, HINT_SAVE_MS_MIN)
    assert again(kept, NOW_S) == (HINT, hint.OK)


# The whole agent.

def give(world, **members):
    world.broker.deliver(TOPIC, json.dumps(members).encode() if members else b"")
    world.run(1_000)


def said(world, words):
    return [line for line in world.agent.trail.lines if words in line]


def period_ms(world):
    return world.agent.backoff.period_ms


def test_a_rebooted_agent_waits_within_the_window_and_drains_at_the_rate_of_before():
    world = up(AgentWorld(71))
    assert len(said(world, "INFO no hint why=missing")) == 1
    give(world, window_s=3_200, backlog_obs_per_s=9)
    world.boot()
    assert said(world, "hint of before holds window_s=3200")
    assert period_ms(world) == 3_066_667
    assert world.agent.backoff.window_ms == 3_066_667, "power-up: drawn over the period"
    assert world.agent.uplink.pacing.ceiling == 9


def test_a_hint_ends_while_the_agent_runs_and_at_a_boot_behind_its_end():
    world = up(AgentWorld(72))
    until_s = (UTC_MS + world.now_ms) // 1_000 + 600
    give(world, window_s=300, backlog_obs_per_s=9, until=until_s)
    world.run(500_000)
    assert period_ms(world) == 287_500
    world.run(240_000)
    assert said(world, "INFO hint ended")
    assert period_ms(world) == BACKOFF_PERIOD_MS
    assert world.agent.uplink.pacing.ceiling == BACKLOG_RATE_MAX
    give(world, window_s=300, until=until_s + 900)
    world.broker.cut()
    world.now_ms += 1_000_000
    world.boot()
    assert said(world, "INFO no hint why=stale"), (world.keep.records, world.agent.trail.lines)
    assert period_ms(world) == BACKOFF_PERIOD_MS


def test_an_absurd_hint_brings_the_defaults_back_and_is_told_once():
    world = up(AgentWorld(73))
    give(world, window_s=300)
    for _ in range(3):
        give(world, window_s="much")
    assert len(said(world, "WARNING hint refused why=window_s-absurd")) == 1
    assert period_ms(world) == BACKOFF_PERIOD_MS
    world.run(HINT_SAVE_MS_MIN)
    world.boot()
    assert said(world, "INFO no hint why=missing")


def test_a_record_that_is_spoilt_is_reported_and_the_defaults_hold():
    world = AgentWorld(74)
    world.keep.records["hint"] = b'{"window_s": 33'
    world.boot()
    assert said(world, "WARNING no hint why=no-JSON-object")
    assert period_ms(world) == BACKOFF_PERIOD_MS


def test_status_says_which_hint_holds():
    world = up(AgentWorld(75))
    give(world, window_s=300, backlog_obs_per_s=9)
    world.broker.deliver(b"tidegate/1/tg-000001/cmd", b'{"v":1,"id":"s","verb":"status"}')
    world.run(1_000)
    window_s, rate, until_s, is_outage, received_s = world.receiver.replies[-1]["result"]["hint"]
    assert (window_s, rate, until_s, is_outage) == (300, 9, 0, False)
    assert 0 <= received_s - UTC_MS // 1_000 <= world.now_ms // 1_000
