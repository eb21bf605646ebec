"""What fits the spool of a board, and what the longest append asks of the flash."""

import pytest
from fakes import Random
from spool_world import SpoolWorld

from tidegate.limits import BLOCK_BYTES, CONFIRM_NOTE_COUNT
from tidegate.observe.catalogue import RECORDS, TELEMETRY

MIB = 1 << 20
MEDIA = [(1, True), (16, False), (32, False), (256, True)]
MEDIA_IDS = ["unit1", "unit16once", "unit32once", "unit256"]


class Counting:
    """(programs, erases) of a flash since it was asked last."""

    def __init__(self, flash):
        self.flash = flash
        self.before = (0, 0)

    def spent(self):
        now = (self.flash.program_count, self.flash.erase_count)
        spent = tuple(each - old for each, old in zip(now, self.before))
        self.before = now
        return spent


@pytest.mark.parametrize("medium", MEDIA, ids=MEDIA_IDS)
def test_records_hold_a_thousand_signed_values_and_a_hundred_sessions(medium):
    chance = Random(700)
    # A quarter of a region is the log `records`: here that is 1 MiB.
    world = SpoolWorld(4 * MIB // BLOCK_BYTES, *medium)
    sizes = [700] * 1_000 + [2_048] * 100
    for size in sizes:
        world.wait(5_000)
        assert world.append(chance.data(size), RECORDS, 554), "refused"
    world.mount()
    found, holes = world.read(RECORDS)
    assert found == list(world.held[RECORDS].items()) and not holes
    assert len(found) == len(sizes)


@pytest.mark.parametrize("medium", MEDIA, ids=MEDIA_IDS)
def test_the_longest_numeric_append_is_one_program(medium):
    world = SpoolWorld(10, *medium)
    log = world.spool.logs[TELEMETRY]
    counting = Counting(world.flash)
    longest = (0, 0)
    for second in range(2_000):
        world.wait(1_000 if second % 200 else 1 << 28)
        world.spool.idle(world.monotonic.now_ms)
        counting.spent()
        for number in range(3):
            assert world.append(second * 1_001 + number)
            longest = max(longest, counting.spent())
        # In the second half nobody confirms, so that the oldest gives way.
        if second < 1_000:
            world.confirm(1, log.next_seq - 1)
    assert log.number > 2 * log.geometry.block_count and log.evicted_count > 0
    assert longest == (1, 0)


def test_the_first_record_of_a_boot_also_notes_the_boot():
    world = SpoolWorld(16)
    world.fill(30, RECORDS)
    world.mount()
    world.spool.idle(world.wait(1_000))
    counting = Counting(world.flash)
    counting.spent()
    assert world.append(b"signed", RECORDS, 554)
    programs, erases = counting.spent()
    assert programs <= 3 and erases <= 1
    assert world.append(b"signed", RECORDS, 554)
    assert counting.spent() == (1, 0)


def test_notes_of_confirmations_come_once_for_many():
    world = SpoolWorld(16)
    world.fill(4 * CONFIRM_NOTE_COUNT)
    counting = Counting(world.flash)
    counting.spent()
    for seq in range(1, 4 * CONFIRM_NOTE_COUNT + 1):
        world.confirm(seq, seq)
    assert counting.spent() == (4, 0)
