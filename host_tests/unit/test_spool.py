"""The spool by what it promises: accepted is kept, in order, until it is confirmed."""

import hashlib

import pytest
from fakes import CutFlash, PowerCut, Random
from spool_world import SpoolWorld
from uplink_world import STORE, mounted

from tidegate.clock.monotonic import Monotonic
from tidegate.errors import SpoolError
from tidegate.limits import BLOCK_BYTES
from tidegate.hal.nor import RamFlash
from tidegate.observe.catalogue import RECORDS, TELEMETRY

MEDIA = [(1, True), (1, False), (16, False), (32, False), (256, True)]
MEDIA_IDS = [f"unit{unit}{'' if again else 'once'}" for unit, again in MEDIA]


@pytest.fixture(params=MEDIA, ids=MEDIA_IDS)
def world(request):
    return SpoolWorld(16, *request.param)


def test_seqs_count_from_1_in_each_log_by_itself(world):
    assert [world.append(1) for _ in range(3)] == [1, 2, 3]
    assert [world.append(b"x", RECORDS) for _ in range(2)] == [1, 2]
    assert world.append(1) == 4


def test_what_was_appended_is_read_back_in_order_with_its_time(world):
    for number, value in enumerate((5, -5, "text", b"\x00\xff", (1 << 64) - 1)):
        world.wait(number * 700_000)
        world.append(value)
    assert world.read() == (list(world.held[TELEMETRY].items()), [])


def test_a_reboot_keeps_everything_and_goes_on_counting(world):
    for _ in range(4):
        world.fill(20)
        world.fill(5, RECORDS)
        world.mount()
    for log in (TELEMETRY, RECORDS):
        assert world.read(log) == (list(world.held[log].items()), [])
    assert world.boots == [1, 2, 3, 4, 5]
    assert world.append(1) == 81


def test_a_reboot_hands_over_the_last_value_of_each_id(world):
    for value in (1, 2, 3):
        world.append(value, observation_id=501)
        world.append(str(value), observation_id=721)
        world.append("long " * 10 + str(value), observation_id=100)
    world.append(b"signed", RECORDS, 554)
    expected = world.restored()
    world.mount()
    assert world.restored() == expected
    assert expected[501] == (7, 3) and expected[721] == (8, "3")
    assert expected[554] == (1, hashlib.sha256(b"signed").digest())


def test_a_cursor_may_start_anywhere(world):
    world.fill(120)
    for seq in (1, 2, 60, 119, 120):
        assert [each for each, _ in world.read(seq=seq)[0]] == list(range(seq, 121))
    assert world.read(seq=121) == ([], [])


def test_a_cursor_at_the_head_sees_what_comes_later(world):
    world.fill(5)
    cursor = world.spool.cursor(TELEMETRY)
    cursor.seek(6)
    assert not cursor.next()
    world.append(77)
    assert cursor.next() and (cursor.seq, cursor.frame.value) == (6, 77)
    assert not cursor.next()
    cursor.unread()
    assert cursor.next() and cursor.seq == 6


def test_confirmed_ranges_survive_an_orderly_end(world):
    world.fill(200)
    world.confirm(1, 50)
    world.confirm(60, 70)
    world.confirm(100, 100)
    expected = [*range(51, 60), *range(71, 100), *range(101, 201)]
    assert world.unconfirmed() == expected
    world.spool.close()
    world.mount()
    assert world.unconfirmed() == expected


def test_a_cut_before_the_note_costs_confirmations_but_never_adds_any(world):
    world.fill(500)
    for first in range(1, 401, 10):
        world.confirm(first, first + 9)
    world.mount()
    left = world.unconfirmed()
    assert left == list(range(left[0], 501)), "what is confirmed is a prefix"
    assert left[0] <= 401
    assert left[0] > 401 - 64 - 10, "a note is due at least each 64 observations"


def test_confirming_tells_what_was_news(world):
    world.fill(10)
    assert world.confirm(1, 4) == 4
    assert world.confirm(3, 6) == 2
    assert world.confirm(1, 6) == 0
    assert world.confirm(8, 1_000) == 3, "only what exists can be confirmed"


def test_the_ring_turns_and_the_oldest_telemetry_gives_way_by_sectors(world):
    world.fill(8_000)
    found, holes = world.read()
    assert [seq for seq, _ in found] == list(range(found[0][0], 8_001))
    assert found == [(seq, world.held[TELEMETRY][seq]) for seq, _ in found]
    assert holes == [(1, found[0][0] - 1, "evicted")]
    assert len(found) > 100
    world.mount()
    assert world.read() == (found, holes)
    assert world.append(1) == 8_001


def test_the_ring_turns_many_times_over_confirmed_ones_without_a_hole(world):
    for _ in range(80):
        before = world.spool.logs[TELEMETRY].next_seq
        world.fill(100)
        found, holes = world.read(seq=before)
        assert [seq for seq, _ in found] == list(range(before, before + 100)) and not holes
        world.confirm(before, before + 99)
    assert world.unconfirmed() == []


def test_records_refuse_when_full_and_go_on_after_a_confirmation():
    world = SpoolWorld()
    taken = world.fill_up(RECORDS)
    assert taken > 100
    assert [world.append(b"value", RECORDS) for _ in range(3)] == [0, 0, 0]
    assert world.append(1), "telemetry has room of its own"
    assert world.read(RECORDS) == (list(world.held[RECORDS].items()), []), "nothing gave way"
    world.confirm(1, taken, RECORDS)
    again = world.append(b"value", RECORDS)
    assert again == taken + 1, "a refused append takes no seq"
    assert world.fill_up(RECORDS) > 100


def test_a_full_records_log_goes_on_after_a_reboot_and_a_confirmation():
    world = SpoolWorld()
    taken = world.fill_up(RECORDS)
    for _ in range(3):
        world.mount()
        assert world.append(b"value", RECORDS) == 0
    assert world.read(RECORDS)[0] == list(world.held[RECORDS].items())
    world.confirm(1, taken, RECORDS)
    assert world.append(b"value", RECORDS) > taken


def test_numbers_and_texts_take_at_most_a_twentieth_of_the_records():
    world = SpoolWorld(block_count=80)
    share_bytes = 20 * BLOCK_BYTES // 20
    for _ in range(40):
        for value in range(7):
            world.append(value, RECORDS, 280)
        world.mount()
    log = world.spool.logs[RECORDS]
    used_bytes = log.number * BLOCK_BYTES + log.offset
    assert share_bytes - 64 < used_bytes < share_bytes + 1_024
    assert world.append(1, RECORDS, 280) == 0 and log.refused_count
    assert world.append(b"a signed value", RECORDS), "which leaves room for these"
    world.confirm(1, log.next_seq - 1, RECORDS)
    assert world.append(2, RECORDS, 280), "confirmed facts no longer count"


def test_nothing_is_written_by_reading():
    world = SpoolWorld()
    world.fill(500)
    image = bytes(world.flash.image)
    world.read()
    world.read(RECORDS)
    assert bytes(world.flash.image) == image


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_bit_costs_observations_but_never_changes_one(seed):
    chance = Random(seed)
    world = SpoolWorld(block_count=8)
    world.fill(900)
    world.fill(40, RECORDS)
    used = [at for at, byte in enumerate(world.flash.image) if byte != 0xFF]
    bit = 1 << chance.below(8)
    world.flash.image[used[chance.below(len(used))]] ^= bit
    world.mount()
    for log in (TELEMETRY, RECORDS):
        found, holes = world.read(log)
        for seq, fields in found:
            assert world.held[log][seq] == fields, f"seed {seed}"
        read = [seq for seq, _ in found]
        named = [seq for first, last, _ in holes for seq in range(first, last + 1)]
        head = max(read + named, default=0)
        assert sorted(read + named) == list(range(1, head + 1)), f"seed {seed}: all accounted for"


@pytest.mark.parametrize("share_percent", [0, 1, 30, 60, 99])
def test_power_that_fails_inside_an_append_loses_nothing_that_was_acknowledged(share_percent):
    plain = RamFlash(8)
    cut = CutFlash(plain, 0, share_percent)
    world = SpoolWorld(flash=cut)
    for countdown in range(1, 40):
        first = world.spool.logs[TELEMETRY].next_seq
        cut.countdown = countdown
        with pytest.raises(PowerCut):
            for _ in range(400):
                world.wait(1)
                world.append(countdown)
        cut.countdown = 0
        world.mount()
        found = dict(world.read()[0])
        assert [seq for seq in world.held[TELEMETRY] if seq >= first and seq not in found] == []
        assert found.items() <= world.held[TELEMETRY].items()
        world.confirm(1, world.spool.logs[TELEMETRY].next_seq - 1)


def test_a_region_that_holds_something_else_is_refused_and_left_alone():
    flash = RamFlash(8)
    flash.image[:] = bytes(range(256)) * (len(flash.image) // 256)
    image = bytes(flash.image)
    with pytest.raises(SpoolError):
        SpoolWorld(flash=flash)
    assert bytes(flash.image) == image


def test_a_region_that_is_too_small_is_refused():
    monotonic = Monotonic((1 << 30) - 1)
    monotonic.update(0)
    with pytest.raises(SpoolError):
        mounted(RamFlash(7), monotonic)


def test_the_store_id_is_that_of_the_first_start_for_ever():
    world = SpoolWorld()
    assert world.spool.store_id == STORE
    world.mount()
    world.spool.close()
    assert world.spool.store_id == STORE
