"""One payload: what goes together, how it is dated, and what becomes of holes."""

import json

import pytest
from fakes import CutFlash, PowerCut
from uplink_world import STORE_HEX, UplinkWorld, arrived, facts, seqs, settle

from tidegate.limits import (
    BACKLOG_WAIT_MS,
    BATCH_COUNT_MAX,
    BITS64_MAX,
    DEVICE_ID_BYTES_MAX,
    OPAQUE_BYTES_MAX,
    PAYLOAD_BYTES_MAX,
    TEXT_BYTES_MAX,
)
from tidegate.observe.catalogue import RECORDS
from tidegate.uplink.codec_json import JsonCodec

VALUES = [
    0,
    1,
    -1,
    9,
    10,
    -10,
    230_125,
    -100_000,
    (1 << 30) - 1,
    1 << 30,
    -(1 << 31),
    (1 << 53) - 1,
    BITS64_MAX,
    "",
    "text",
    'quote " backslash \\ newline \n nul \0 tab \t',
    "æøå 充电 🔌",
    "\x1f" * TEXT_BYTES_MAX,
    b"",
    b"\x00\xff",
    bytes(range(256)),
    b"x" * OPAQUE_BYTES_MAX,
]


def drained(world):
    """Bring the session up, send everything. Result: the batches sent since then."""
    before = len(world.session.published)
    world.up()
    settle(world)
    return world.sent()[before:]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_arrives_as_it_was_appended(value):
    world = UplinkWorld()
    world.append(value, RECORDS)
    sent = drained(world)
    assert arrived(sent) == list(world.model["records"].items())


def test_a_batch_carries_these_members_and_no_others():
    world = UplinkWorld(device="tg-1")
    world.wait(61_000)
    world.append(230_125)
    world.wait(1_000)
    world.append(3)
    world.up()
    payload = json.loads(world.step(BACKLOG_WAIT_MS) and world.session.published[0][2])
    lag = payload.pop("lag")
    assert payload == {
        "v": 1,
        "dev": "tg-1",
        "store": STORE_HEX,
        "log": "telemetry",
        "seq": 1,
        "boot": 1,
        "mono": 61_000,
        "utc": None,
        "q": "unknown",
        "historical": True,
        "gaps": [],
        "obs": [[0, 0, 501, 230_125], [1, 1_000, 501, 3]],
    }
    assert sorted(lag) == ["age_s", "bytes", "count", "drain_s", "rate"]


def test_a_batch_holds_at_most_64_observations():
    world = UplinkWorld()
    world.fill(3 * BATCH_COUNT_MAX + 1)
    counts = [len(batch["obs"]) for _, _, batch in drained(world)]
    assert counts == [BATCH_COUNT_MAX] * 3 + [1]


def test_no_payload_exceeds_its_bound_and_large_values_lose_nothing():
    world = UplinkWorld(block_count=32)
    for number in range(12):
        world.append(bytes((number,)) * (OPAQUE_BYTES_MAX - 170 * number), RECORDS)
        world.append(number, RECORDS)
    sent = drained(world)
    assert max(len(payload) for _, _, payload in world.session.published) <= PAYLOAD_BYTES_MAX
    assert arrived(sent) == list(world.model["records"].items())
    assert len(sent) < 12 * 7, "small ones share a payload"


def test_the_largest_text_fits_beside_the_largest_envelope():
    largest = 10**10 - 1
    codec = JsonCodec()
    codec.begin(
        {
            "v": 1,
            "dev": "x" * DEVICE_ID_BYTES_MAX,
            "store": STORE_HEX,
            "log": "telemetry",
            "seq": largest,
            "boot": largest,
            "mono": 1000 * largest,
            "utc": 1000 * largest,
            "q": "estimated",
            "historical": False,
            "lag": {"age_s": largest, "count": largest, "bytes": 12, "rate": 3, "drain_s": 7},
            "gaps": [[largest, largest, "evicted", largest] + 2 * [[largest, 1000 * largest] * 2]],
        }
    )
    assert codec.add(0, 0, 4_095, "\x01" * TEXT_BYTES_MAX)
    payload = bytes(codec.finish())
    assert len(payload) <= PAYLOAD_BYTES_MAX
    assert json.loads(payload)["obs"][0][2] == 4_095


def test_a_batch_never_spans_two_boots():
    world = UplinkWorld()
    for _ in range(3):
        world.fill(5, pass_ms=1_000)
        world.mount()
    world.fill(5)
    batches = [batch for _, _, batch in drained(world)]
    assert [batch["boot"] for batch in batches] == [1, 2, 3, 4]
    assert [batch["mono"] for batch in batches] == [1_000, 1_000, 1_000, 10]
    assert dict(each for batch in batches for each in facts(batch)) == world.model["telemetry"]


def test_each_boot_is_dated_by_what_that_boot_knew():
    world = UplinkWorld()
    world.wait(500)
    world.append(1)
    world.date(1_700_000_000_000)
    world.append(2)
    world.mount()
    world.append(3)
    world.mount(utc_zero_ms=1_800_000_000_000)
    world.wait(250)
    world.append(4)
    dated = [(batch["boot"], batch["utc"], batch["q"]) for _, _, batch in drained(world)]
    assert dated[1:] == [(2, None, "unknown"), (3, 1_800_000_000_250, "rtc")]
    assert {each[0] for each in dated} == {1, 2, 3}


def test_this_boot_is_dated_also_before_the_time_was_known():
    world = UplinkWorld()
    world.wait(500)
    world.append(1)
    world.wait(500)
    world.date(1_700_000_000_000, 3)
    (_, _, batch) = drained(world)[0]
    assert (batch["utc"], batch["q"]) == (1_700_000_000_500, "synced")


def gaps(batches):
    """Every seq that a batch names as gone, {seq: reason}."""
    named = {}
    for _, _, batch in batches:
        for first, last, reason, count, *_ in batch["gaps"]:
            assert count == last - first + 1
            for seq in range(first, last + 1):
                assert seq not in named, f"seq {seq} is named twice"
                named[seq] = reason
    return named


def test_what_gave_way_is_named_as_evicted_and_everything_else_comes_once():
    world = UplinkWorld(is_echo=False)
    world.fill(3_000, pass_ms=1)
    sent = drained(world)
    gone = gaps(sent)
    assert gone and set(gone.values()) == {"evicted"}
    assert min(gone) == 1 and len(gone) == max(gone)
    assert seqs(sent) == list(range(max(gone) + 1, 3_001))
    assert world.unconfirmed() == 0


def test_what_gives_way_during_a_session_is_named_too():
    world = UplinkWorld(is_echo=False)
    world.fill(600, pass_ms=1)
    world.up()
    world.step(BACKLOG_WAIT_MS)
    world.session.is_open = False
    world.fill(3_000, pass_ms=1)
    world.puback_all()
    world.session.is_open = True
    settle(world)
    gone, sent = gaps(world.sent()), seqs(world.sent())
    assert gone and set(gone.values()) == {"evicted"}
    spans = [gap[4:] for _, _, batch in world.sent() for gap in batch["gaps"]]
    assert all(begin[0] == end[0] == 1 and begin[1] < end[1] for begin, end in spans)
    assert len(sent) == len(set(sent))
    assert sorted([*gone, *sent]) == list(range(1, 3_601))
    assert world.unconfirmed() == 0


def torn(world):
    """Power fails while an observation is written; the next boot finds a torn slot."""
    plain = world.flash
    world.flash = CutFlash(plain)
    world.mount()
    world.fill(5)
    world.flash.countdown = 1
    with pytest.raises(PowerCut):
        world.append(123_456_789)
    world.flash = plain
    world.mount()


@pytest.mark.parametrize("fresh_count", [0, 1, 5])
@pytest.mark.parametrize("is_sent_first", [False, True])
def test_a_torn_slot_is_no_reason_to_send_anything_twice(fresh_count, is_sent_first):
    world = UplinkWorld(is_echo=False)
    torn(world)
    if is_sent_first:
        world.up()
    world.fill(fresh_count)
    if is_sent_first:
        settle(world)
    else:
        drained(world)
    sent, gone = seqs(world.sent()), gaps(world.sent())
    assert sorted(sent) == sorted(world.model["telemetry"]), "each once"
    assert not set(gone) & set(sent) and set(gone.values()) <= {"cut"}
    assert "cut" in gone.values() or not fresh_count
    assert world.unconfirmed() == 0, "the torn slot is confirmed as a gap, and lag ends"


def test_a_hole_before_what_is_confirmed_already_is_named_without_repeating_it():
    world = UplinkWorld(is_echo=False)
    torn(world)
    world.up()
    world.fill(4)
    live = world.step(1)
    for packet_id, _, _ in live:
        world.puback(packet_id)
    world.down()
    again = drained(world)
    assert not set(seqs(again)) & set(seqs(live)), "confirmed ones do not come again"
    assert sorted(seqs(live) + seqs(again)) == sorted(world.model["telemetry"])
    assert world.unconfirmed() == 0


def test_a_damaged_stretch_is_named_as_lost_and_no_batch_spans_it():
    world = UplinkWorld(is_echo=False, block_count=16)
    world.fill(900)
    world.flash.image[2_000] ^= 0x04
    world.up()
    settle(world)
    sent, gone = seqs(world.sent()), gaps(world.sent())
    assert gone and set(gone.values()) == {"lost"}
    assert sorted([*sent, *gone]) == list(range(1, 901))
    for _, _, batch in world.sent():
        assert [each[0] for each in batch["obs"]] == list(range(len(batch["obs"])))
    assert world.unconfirmed() == 0


def test_what_was_confirmed_before_it_gave_way_is_not_named_as_gone():
    world = UplinkWorld(is_echo=False)
    world.fill(600, pass_ms=1)
    world.echo(0, [[50, 60], [100, 100]])
    world.fill(3_000, pass_ms=1)
    drained(world)
    sent, gone = seqs(world.sent()), gaps(world.sent())
    assert not set(gone) & {*range(50, 61), 100}
    assert sorted([*sent, *gone, *range(50, 61), 100]) == list(range(1, 3_601))
    assert world.unconfirmed() == 0


def test_a_batch_of_a_gap_alone_still_says_whose_it_is():
    world = UplinkWorld(is_echo=False)
    torn(world)
    for _, _, batch in drained(world):
        if not batch["obs"]:
            assert batch["gaps"] and batch["store"] == STORE_HEX and batch["log"] == "telemetry"
            assert batch["seq"] == batch["gaps"][-1][1] + 1


@pytest.mark.parametrize("late_ms", [1, 40_000])
def test_an_observation_that_was_held_back_keeps_its_moment_and_begins_a_batch(late_ms):
    world = UplinkWorld()
    world.wait(50_000)
    world.append(1)
    world.clock.now_ms -= late_ms
    world.append(2)
    world.clock.now_ms += late_ms
    world.append(3)
    sent = [facts(batch) for _, _, batch in drained(world)]
    assert [len(batch) for batch in sent] == [1, 2], "time never goes back inside a batch"
    assert sent[0] + sent[1] == list(world.model["telemetry"].items())
