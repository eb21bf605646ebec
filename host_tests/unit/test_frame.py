"""A frame: its CRC against the published one, and that it comes back as it was written."""

import pytest
from frame_bench import NEUTRAL, build, flash_of, read, store

from tidegate.limits import BITS64_MAX, DELTA_MS_MAX
from tidegate.spool import crc, frame
from tidegate.spool.frame import FrameWriter
from tidegate.spool.reader import BURNT, DAMAGED, NOTHING, FrameReader

MEDIA = [(1, True), (16, False), (32, False), (256, True), (256, False)]
SEED = 0x123456
LARGEST = 256 - 3 - 3 - 6
OBSERVATIONS = [
    (frame.NUMBER, 0, 1, 0),
    (frame.NUMBER, 127, 127, -1),
    (frame.NUMBER, 128, 256, 64),
    (frame.NUMBER, 16_383, 501, -65),
    (frame.NUMBER, DELTA_MS_MAX, 4_095, BITS64_MAX),
    (frame.NUMBER, 5, 5, -(1 << 63)),
    (frame.TEXT, 5, 721, ""),
    (frame.TEXT, 5, 721, "æ 充 🔌"),
    (frame.OPAQUE, 5, 554, b""),
    (frame.OPAQUE, DELTA_MS_MAX, 4_095, b"\xff" * LARGEST),
]


def crc24_of_rfc_4880(data):
    """Bit by bit, as section 6.1 of the RFC has it in C."""
    value = 0xB704CE
    for byte in data:
        value ^= byte << 16
        for _ in range(8):
            value <<= 1
            if value & 0x1000000:
                value ^= 0x1864CFB
    return value & 0xFFFFFF


@pytest.mark.parametrize("data", [b"", b"123456789", b"\x00", b"\xff" * 300, bytes(range(256))])
def test_the_crc_is_the_one_of_openpgp(data):
    assert crc.crc24(crc.FIRST, data, 0, len(data)) == crc24_of_rfc_4880(data)
    assert crc24_of_rfc_4880(b"123456789") == 0x21CF02, "the check value of its catalogue entry"


@pytest.mark.parametrize("unit, reprogram", MEDIA)
@pytest.mark.parametrize("observation", OBSERVATIONS, ids=lambda each: repr(each)[:40])
def test_a_frame_comes_back_as_it_was_written(observation, unit, reprogram):
    flash = flash_of(unit, reprogram)
    _, end = store(flash, [observation], [SEED])
    size, fields = read(flash)
    assert fields == observation
    assert end == (size if reprogram else -(-size // unit) * unit)
    assert flash.image[size:] == b"\xff" * (flash.block_bytes - size), "padding clears no bits"


@pytest.mark.parametrize("unit, reprogram", MEDIA)
def test_frames_follow_one_another_without_a_hole_where_a_unit_may_be_programmed_again(
    unit, reprogram
):
    flash = flash_of(unit, reprogram)
    seeds = list(range(len(OBSERVATIONS)))
    offsets = store(flash, OBSERVATIONS, seeds)
    for number, (offset, following) in enumerate(zip(offsets, offsets[1:])):
        size, fields = read(flash, offset, number)
        assert fields == OBSERVATIONS[number]
        assert following - offset == (size if reprogram else -(-size // unit) * unit)


def test_a_number_takes_about_a_dozen_bytes():
    flash = flash_of(1)
    store(flash, [(frame.NUMBER, 3_600_000, 501, 230_125)], [SEED])
    assert read(flash)[0] <= 12


def test_erased_and_burnt_flash_are_no_frames():
    flash = flash_of(1)
    assert read(flash)[0] == NOTHING
    flash.program(0, bytes(40))
    assert read(flash)[0] == BURNT
    assert FrameReader(flash).zeros(0, flash.block_bytes) == 40


@pytest.mark.parametrize("room_bytes", [0, 1, 2, 3, 4])
def test_where_no_frame_fits_there_is_none(room_bytes):
    flash = flash_of(1)
    flash.program(0, b"\x01" * flash.block_bytes)
    assert read(flash, flash.block_bytes - room_bytes)[0] == NOTHING


@pytest.mark.parametrize("observation", OBSERVATIONS[2:5], ids=repr)
def test_every_flipped_bit_is_noticed(observation):
    flash = flash_of(1)
    store(flash, [observation], [SEED])
    size = read(flash)[0]
    for bit in range(size * 8):
        flash.image[bit >> 3] ^= 1 << (bit & 7)
        assert read(flash)[0] <= 0, f"bit {bit}"
        flash.image[bit >> 3] ^= 1 << (bit & 7)
    assert read(flash)[0] == size


def test_every_torn_program_is_noticed():
    whole = flash_of(1)
    _, end = store(whole, [(frame.NUMBER, 1_000, 501, 230_125)], [SEED])
    for count in range(end):
        flash = flash_of(1)
        flash.image[:count] = whole.image[:count]
        assert read(flash)[0] <= 0, f"{count} bytes"


def test_a_frame_of_another_seq_sector_or_boot_is_refused():
    flash = flash_of(1)
    store(flash, [(frame.NUMBER, 1_000, 501, 230_125)], [SEED])
    for seed in (SEED ^ 1, SEED ^ 0x800000, 0, NEUTRAL):
        assert read(flash, seed=seed)[0] == DAMAGED
    seeds = {crc.frame_seed(number, boot) for number in range(300) for boot in range(30)}
    assert len(seeds) > 8_900


def test_a_boot_frame_is_read_under_any_boot():
    flash = flash_of(1)
    writer = FrameWriter(flash, 0)
    writer.begin(0)
    writer.boot(7, 1 << 28, 3, 1)
    writer.finish(NEUTRAL)
    flash.program(0, writer.view())
    reader = FrameReader(flash)
    assert reader.read(0, flash.block_bytes, SEED, NEUTRAL) == writer.end
    numbers = [reader.varint() for _ in range(4)]
    assert (reader.kind, numbers, reader.is_left()) == (frame.BOOT, [7, 1 << 28, 3, 1], False)


def test_a_length_beyond_the_sector_or_a_frame_is_damage():
    for length in (0x0FFF, 300):
        flash = flash_of(1)
        at = flash.block_bytes - 400
        head = bytes((frame.OPAQUE << 5 | frame.LONG, length & 0xFF, length >> 8))
        flash.program(at, head + b"\x01" * 13)
        assert read(flash, at)[0] == DAMAGED


def test_one_writer_leaves_nothing_of_a_longer_frame_in_a_shorter_one():
    for unit, reprogram in MEDIA:
        flash, at = flash_of(unit, reprogram), 40 if reprogram else 0
        writer = FrameWriter(flash, 0)
        build(writer, (frame.OPAQUE, 1, 2, bytes(200)), at)
        again = bytes(build(writer, (frame.NUMBER, 1, 2, 3), at))
        fresh = FrameWriter(flash, 0)
        assert again == bytes(build(fresh, (frame.NUMBER, 1, 2, 3), at))


def test_no_flipped_bit_makes_a_frame_that_of_a_neighbouring_seq():
    flash = flash_of(1)
    for seq in range(40):
        flash.erase(0)
        seed = SEED ^ crc.seq_seed(seq)
        store(flash, [(frame.NUMBER, 1_000, 501, 230_125)], [seed])
        for bit in range(read(flash, seed=seed)[0] * 8):
            flash.image[bit >> 3] ^= 1 << (bit & 7)
            for other in range(seq - 3, seq + 4):
                assert read(flash, seed=SEED ^ crc.seq_seed(other & 0xFFFFFFF))[0] <= 0
            flash.image[bit >> 3] ^= 1 << (bit & 7)
