"""Blocks that fail and bits that flip where start-up could take them for another thing."""

import pytest
from fakes import FailingFlash
from spool_world import SpoolWorld

from tidegate.limits import BLOCK_BYTES
from tidegate.observe.catalogue import RECORDS, TELEMETRY
from tidegate.spool import frame, room

BLOCK_COUNT = 12
# Its frame has 16 bytes of body, so that the tag differs from a burnt byte in one bit.
SIXTEEN_BYTES_VALUE = 1 << 62
DELTA_MS = 1 << 26


@pytest.mark.parametrize("unit", [16, 32])
def test_a_tag_that_reads_as_burnt_costs_one_frame_where_a_unit_takes_one_program(unit):
    world = SpoolWorld(BLOCK_COUNT, unit, False)
    world.append(0)
    world.wait(DELTA_MS)
    world.append(SIXTEEN_BYTES_VALUE)
    log = world.spool.logs[TELEMETRY]
    cursor = world.spool.cursor(TELEMETRY)
    cursor.seek(2)
    assert cursor.next()
    at = log.geometry.offset(cursor.number) + cursor.before
    assert world.flash.image[at] == frame.NUMBER << 5 | 16
    world.append(3)
    world.flash.image[at] = frame.BURNT
    del world.held[TELEMETRY][2]
    world.mount()
    found, holes = world.read()
    assert dict(found) == world.held[TELEMETRY]
    assert [hole[:2] for hole in holes] == [(2, 2)]
    assert world.append(4) and world.spool.logs[TELEMETRY].offset % unit == 0


def test_a_block_that_fails_at_the_start_is_noted_behind_what_is_burnt():
    flash = FailingFlash(BLOCK_COUNT)
    world = SpoolWorld(flash=flash)
    world.append(b"signed", RECORDS, 554)
    log = world.spool.logs[RECORDS]
    failing = (log.number + 1) % log.geometry.block_count
    flash.failing = (log.geometry.offset(failing) // BLOCK_BYTES,)
    world.mount()
    world.append(b"again", RECORDS, 554)
    assert world.spool.logs[RECORDS].retired == [failing]
    world.mount()
    assert world.spool.report[RECORDS].retired == (failing,)
    assert dict(world.read(RECORDS)[0]) == world.held[RECORDS]


def test_a_retired_block_does_not_count_as_reserve():
    flash = FailingFlash(BLOCK_COUNT)
    world = SpoolWorld(flash=flash)
    log = world.spool.logs[TELEMETRY]
    block_count = log.geometry.block_count
    flash.failing = (5,)
    for _ in range(3 * block_count):
        number = log.number
        while log.number == number:
            world.wait(1)
            world.append(7)
        ahead = log.number
        for _ in range(log.data_reserve_count):
            ahead += 2 if (ahead + 1) % block_count == 5 else 1
        # Found out when it is to be opened: the head is then one block nearer to the tail.
        assert ahead - block_count < log.oldest or number < 5
    assert log.retired == [5]


def test_a_start_with_a_full_head_has_its_reserve_again():
    world = SpoolWorld(BLOCK_COUNT)
    full_count = 0
    for number in range(300):
        world.fill(61 + number % 7)
        before = world.spool.logs[TELEMETRY].number
        world.mount()
        log = world.spool.logs[TELEMETRY]
        if log.number > before:
            full_count += 1
            last = log.next_number(log.number, log.data_reserve_count)
            assert last - log.geometry.block_count < log.oldest
    assert full_count > 3


@pytest.mark.parametrize("unit", [1, 16, 32])
def test_two_torn_headers_in_a_row_become_no_head_where_a_unit_takes_one_program(unit):
    world = SpoolWorld(BLOCK_COUNT, unit, False)
    world.append(b"signed", RECORDS, 554)
    world.spool.close()
    world.mount()
    log = world.spool.logs[RECORDS]
    # As if a start had opened the sector behind one that now reads as nothing, and was cut.
    header = log.header
    header.number, header.first_seq = log.number + 2, log.next_seq
    header.previous_end = log.geometry.header_bytes
    opening = bytearray(b"\xff" * BLOCK_BYTES)
    header.put_twice(opening)
    at = log.geometry.offset(header.number)
    world.flash.image[at:at + BLOCK_BYTES] = opening
    world.append(b"again", RECORDS, 554)
    world.append(b"once more", RECORDS, 554)
    world.mount()
    assert dict(world.read(RECORDS)[0]) == world.held[RECORDS]


def test_what_is_erased_two_blocks_ahead_passes_over_no_older_sector():
    world = SpoolWorld(BLOCK_COUNT, 16, False)
    world.fill_up(RECORDS)
    block_count = world.spool.logs[RECORDS].geometry.block_count
    for _ in range(block_count):
        log = world.spool.logs[RECORDS]
        if log.next_number(log.number) - block_count >= log.oldest:
            break
        world.mount()
        world.spool.logs[RECORDS].wake(world.wait(0))
    oldest, behind = log.oldest, log.number + 2 - block_count
    assert oldest < behind <= log.number, "starts have used the reserve up"
    held = len(world.read(RECORDS)[0])
    at = log.geometry.offset(behind)
    world.flash.image[at:at + 2 * log.geometry.header_bytes] = bytes(2 * log.geometry.header_bytes)
    room.distrust_next(log)
    assert log.oldest == oldest
    found, _ = world.read(RECORDS)
    assert found[0][0] == 1 and len(found) < held
