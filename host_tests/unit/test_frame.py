"""A frame: its CRC against the published one, and that it comes back as it was written."""

import pytest

from tidegate.hal.nor import RamFlash
from tidegate.limits import BITS64_MAX, BLOCK_BYTES, OPAQUE_BYTES_MAX, SECTOR_AGE_MS_MAX
from tidegate.spool import frame

UNITS = [1, 16, 32, 256]
SEED = 0x123456
OBSERVATIONS = [
    (frame.NUMBER, 0, 1, 0),
    (frame.NUMBER, 127, 127, -1),
    (frame.NUMBER, 128, 128, 64),
    (frame.NUMBER, 16_383, 501, -65),
    (frame.NUMBER, SECTOR_AGE_MS_MAX, 4_095, BITS64_MAX),
    (frame.NUMBER, 5, 5, -(1 << 63)),
    (frame.TEXT, 5, 721, ""),
    (frame.TEXT, 5, 721, "æ 充 🔌"),
    (frame.OPAQUE, 5, 554, b""),
    (frame.OPAQUE, SECTOR_AGE_MS_MAX, 4_095, b"\xff" * OPAQUE_BYTES_MAX),
]


def crc24_of_rfc_4880(data):
    """Bit by bit, as section 6.1 of the RFC has it in C."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc & 0xFFFFFF


def build(writer, kind, delta_ms, observation_id, value, seed=SEED):
    if kind == frame.NUMBER:
        count = writer.number(delta_ms, observation_id, value)
    else:
        count = writer.data(kind, delta_ms, observation_id, value)
    return bytes(writer.finish(count, seed))


def written(observation, unit=1, seed=SEED):
    """(a flash that holds one frame at its start, the frame)."""
    flash = RamFlash(1, unit)
    data = build(frame.FrameWriter(frame.crc24_table(), unit), *observation, seed=seed)
    flash.program(0, data)
    return flash, data


def read(flash, offset=0, room_bytes=BLOCK_BYTES, seed=SEED):
    """(result, the fields read)."""
    reader = frame.Frame(frame.crc24_table())
    size = reader.read(flash, offset, room_bytes, seed)
    return size, (reader.kind, reader.delta_ms, reader.observation_id, reader.value)


@pytest.mark.parametrize("data", [b"", b"123456789", b"\x00", b"\xff" * 300, bytes(range(256))])
def test_the_crc_is_the_one_of_openpgp(data):
    table = frame.crc24_table()
    crc = frame.crc24(table, frame.CRC_FIRST, data, len(data))
    assert crc == crc24_of_rfc_4880(data)
    assert crc24_of_rfc_4880(b"123456789") == 0x21CF02, "the check value of its catalogue entry"


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("observation", OBSERVATIONS, ids=lambda each: repr(each)[:40])
def test_a_frame_comes_back_as_it_was_written(observation, unit):
    flash, data = written(observation, unit)
    assert len(data) % unit == 0
    size, fields = read(flash)
    assert fields == observation
    assert len(data) - unit < size <= len(data)
    assert data[size:] == b"\xff" * (len(data) - size), "padding clears no bits"


def test_a_number_takes_about_a_dozen_bytes():
    _, data = written((frame.NUMBER, 3_600_000, 501, 230_125))
    assert len(data) <= 13


def test_erased_flash_is_no_frame():
    assert read(RamFlash(1))[0] == 0


@pytest.mark.parametrize("room_bytes", [0, 1, 2, 3])
def test_where_no_frame_fits_there_is_none(room_bytes):
    flash = RamFlash(1)
    flash.program(0, b"\x00" * BLOCK_BYTES)
    assert read(flash, BLOCK_BYTES - room_bytes if room_bytes else 0, room_bytes)[0] == 0


@pytest.mark.parametrize("observation", OBSERVATIONS[2:5], ids=repr)
def test_every_flipped_bit_is_noticed(observation):
    flash, data = written(observation)
    for bit in range(len(data) * 8):
        flash.image[bit >> 3] ^= 1 << (bit & 7)
        size, _ = read(flash)
        assert size <= 0, f"bit {bit}"
        flash.image[bit >> 3] ^= 1 << (bit & 7)
    assert read(flash)[0] == len(data)


def test_every_torn_program_is_noticed():
    _, data = written((frame.NUMBER, 1_000, 501, 230_125))
    for count in range(len(data)):
        flash = RamFlash(1)
        if count:
            flash.program(0, data[:count])
        assert read(flash)[0] <= 0, f"{count} bytes"


def test_a_frame_of_another_seq_or_sector_is_refused():
    flash, data = written((frame.NUMBER, 1_000, 501, 230_125))
    for seed in (SEED ^ 1, SEED ^ 0x800000, 0):
        assert read(flash, seed=seed)[0] == -1
    assert len({frame.sector_seed(number) for number in range(10_000)}) == 10_000


def test_a_length_beyond_the_sector_is_damage():
    flash = RamFlash(1)
    flash.program(BLOCK_BYTES - 16, b"\x1f\xff\x0f" + b"\x00" * 13)
    assert read(flash, BLOCK_BYTES - 16, 16)[0] == -1


def test_reading_without_values_still_checks_and_leaves_the_value():
    flash, data = written((frame.OPAQUE, 1_000, 554, b"signed"))
    reader = frame.Frame(frame.crc24_table())
    reader.value = "untouched"
    assert reader.read(flash, 0, BLOCK_BYTES, SEED, False) == len(data)
    assert (reader.observation_id, reader.value) == (554, "untouched")


def test_one_writer_leaves_nothing_of_a_longer_frame_in_a_shorter_one():
    writer = frame.FrameWriter(frame.crc24_table(), 16)
    build(writer, frame.OPAQUE, 1, 2, b"\x00" * 200)
    again = build(writer, frame.NUMBER, 1, 2, 3)
    assert again == build(frame.FrameWriter(frame.crc24_table(), 16), frame.NUMBER, 1, 2, 3)
