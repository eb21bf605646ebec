"""Who confirms, what, and what confirms nothing."""

import json

import pytest
from uplink_world import STORE_HEX, UplinkWorld, arrived, seqs, settle

from tidegate.limits import BACKLOG_WAIT_MS, BATCH_COUNT_MAX, UNECHOED_COUNT_MAX, WINDOW_COUNT_MAX
from tidegate.observe.catalogue import RECORDS, TELEMETRY


def test_with_puback_the_broker_confirms():
    world = UplinkWorld(is_echo=False)
    world.fill(BATCH_COUNT_MAX + 6)
    world.up()
    first, second = world.step(BACKLOG_WAIT_MS)
    world.puback(second[0])
    assert world.unconfirmed() == BATCH_COUNT_MAX
    world.puback(first[0])
    assert world.unconfirmed() == 0


def test_with_echo_a_puback_only_opens_the_window():
    world = UplinkWorld()
    world.fill(10)
    world.up()
    world.step(BACKLOG_WAIT_MS)
    world.puback_all()
    assert world.unconfirmed() == 10
    assert world.echo(4, [[6, 7], [10, 10]])
    assert world.unconfirmed() == 3
    assert world.echo(10)
    assert world.unconfirmed() == 0


def test_a_second_puback_of_a_batch_frees_no_second_place():
    world = UplinkWorld()
    world.fill(20 * BATCH_COUNT_MAX, pass_ms=1)
    world.up()
    packet_id = world.step(BACKLOG_WAIT_MS)[0][0]
    world.puback(packet_id)
    world.puback(packet_id)
    world.puback(9_999)
    assert len(world.step(1)) == 1


BAD_ECHOES = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{}",
    b"{",
    b"\xff\xfe",
    b"[" * 2_000,
    b'{"store":"%s","log":"telemetry","upto":9}' % STORE_HEX.encode(),
    b'{"store":"%s","log":"telemetry","ahead":[]}' % STORE_HEX.encode(),
]


@pytest.mark.parametrize("payload", BAD_ECHOES)
def test_an_echo_that_is_none_confirms_nothing(payload):
    world = UplinkWorld()
    world.fill(10)
    assert world.uplink.on_echo(payload, 0) is False
    assert world.unconfirmed() == 10


@pytest.mark.parametrize(
    "members",
    [
        {"store": "ffffffffffffffff"},
        {"store": None},
        {"log": "telemetri"},
        {"log": 0},
        {"upto": -1},
        {"upto": "10"},
        {"upto": 9.0},
        {"upto": None},
        {"upto": True},
        {"ahead": None},
        {"ahead": 5},
        {"ahead": [5]},
        {"ahead": [[5]]},
        {"ahead": [[5, 6, 7]]},
        {"ahead": [["5", "6"]]},
        {"ahead": [[5, 6], [9, 7]]},
        {"ahead": [[0, 6]]},
        {"ahead": [[-3, -2]]},
        {"ahead": {"5": 6}},
    ],
)
def test_an_echo_with_one_bad_member_confirms_nothing_at_all(members):
    world = UplinkWorld()
    world.fill(10)
    form = {"store": STORE_HEX, "log": "telemetry", "upto": 3, "ahead": [[5, 6]]}
    form.update(members)
    assert world.uplink.on_echo(json.dumps(form).encode(), 0) is False
    assert world.unconfirmed() == 10


def test_an_echo_beyond_the_head_confirms_what_there_is():
    world = UplinkWorld()
    world.fill(10)
    assert world.echo(10**30, [[10**31, 10**32]])
    assert world.unconfirmed() == 0
    world.append(1)
    assert world.unconfirmed() == 1


def test_a_puback_of_the_session_before_confirms_nothing_in_this_one():
    world = UplinkWorld(is_echo=False)
    world.fill(3)
    world.up()
    packet_id = world.step(BACKLOG_WAIT_MS)[0][0]
    world.down()
    world.up()
    world.puback(packet_id)
    assert world.unconfirmed() == 3


def test_a_receiver_that_is_away_stops_the_backlog_but_not_live():
    world = UplinkWorld(block_count=256)
    world.fill(UNECHOED_COUNT_MAX + 2_000, pass_ms=1)
    world.up()
    settle(world)
    sent_count = len(seqs(world.sent()))
    bound = UNECHOED_COUNT_MAX + WINDOW_COUNT_MAX * BATCH_COUNT_MAX
    assert UNECHOED_COUNT_MAX <= sent_count <= bound
    world.append(1)
    assert [topic for _, topic, _ in world.step(10)] == ["live"]
    assert world.echo(UNECHOED_COUNT_MAX)
    settle(world)
    assert sorted(set(seqs(world.sent()))) == sorted(world.model["telemetry"])
    assert len(seqs(world.sent())) == len(world.model["telemetry"])


def test_the_next_session_sends_again_what_the_receiver_of_this_one_never_echoed():
    world = UplinkWorld(block_count=256)
    world.fill(UNECHOED_COUNT_MAX + 2_000, pass_ms=1)
    world.up()
    settle(world)
    before = len(world.session.published)
    world.down()
    world.up()
    settle(world)
    again = seqs(world.sent()[before:])
    assert again[:100] == list(range(1, 101)) and len(again) >= UNECHOED_COUNT_MAX


def test_telemetry_is_index_0_and_records_index_1_in_both_vocabularies():
    from tidegate.spool import spool

    assert (spool.TELEMETRY, spool.RECORDS) == (TELEMETRY, RECORDS) == (0, 1)


def test_a_receiver_that_began_late_is_sent_again_what_it_does_not_hold():
    world = UplinkWorld()
    world.fill(10)
    world.up()
    world.step(BACKLOG_WAIT_MS)
    world.puback_all()
    assert seqs(world.step(1)) == []
    form = {"store": STORE_HEX, "log": "telemetry", "upto": 3, "ahead": [[6, 8]], "again": True}
    assert world.uplink.on_echo(json.dumps(form).encode(), 0)
    again = world.step(1) + world.step(1)
    assert seqs(again) == [4, 5, 9, 10]
    assert all(batch["historical"] for _, _, batch in again)
    world.puback_all()
    assert seqs(world.step(BACKLOG_WAIT_MS)) == []


def parts_sent(world, count):
    """Let so many parts of a large value go out. Result: their packet ids."""
    world.up()
    world.append(b"x" * 5_000)
    world.session.can_publish = lambda payload_bytes: len(world.session.published) < count
    world.step()
    del world.session.can_publish
    return [packet_id for packet_id, _, _ in world.session.published]


def test_a_value_that_gives_way_between_its_parts_is_not_confirmed_by_those_that_were_sent():
    world = UplinkWorld(is_echo=False, block_count=16)
    sent = parts_sent(world, 2)
    world.session.is_open = False
    for _ in range(9_000):
        if world.spool.logs[TELEMETRY].gap is not None:
            break
        world.append(b"y" * 3_000)
        world.wait(1)
    world.session.is_open = True
    named = world.step(1_000)
    assert named[0][2]["gaps"][0][:3] == [1, 1, "evicted"]
    for packet_id in sent:
        world.puback(packet_id)
    assert world.spool.logs[TELEMETRY].ranges.skip(1) == 1, "nobody has it, nobody was told"
    world.puback(named[0][0])
    assert world.spool.logs[TELEMETRY].ranges.skip(1) > 1


def test_a_value_whose_parts_begin_anew_is_not_confirmed_by_those_sent_before():
    world = UplinkWorld(is_echo=False, block_count=16)
    [packet_id] = parts_sent(world, 1)
    world.uplink.split(TELEMETRY)
    world.puback(packet_id)
    assert world.unconfirmed() == 1
    settle(world)
    assert world.unconfirmed() == 0
    assert sorted(world.model["telemetry"].items()) == arrived(world.sent()[1:])
