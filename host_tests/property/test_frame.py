"""Frames of any content, and frames that were damaged in any way."""

from hypothesis import given
from hypothesis import strategies as st

from tidegate.hal.nor import RamFlash
from tidegate.limits import BLOCK_BYTES, OBSERVATION_ID_MAX, SECTOR_AGE_MS_MAX
from tidegate.spool import frame

OBSERVATIONS = st.tuples(
    st.integers(0, SECTOR_AGE_MS_MAX),
    st.integers(1, OBSERVATION_ID_MAX),
    st.one_of(
        st.integers(-(1 << 63), (1 << 64) - 1),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
        st.binary(max_size=400),
    ),
)
TABLE = frame.crc24_table()


def build(writer, observation, seed):
    delta_ms, observation_id, value = observation
    if isinstance(value, int):
        return bytes(writer.finish(writer.number(delta_ms, observation_id, value), seed))
    kind = frame.TEXT if isinstance(value, str) else frame.OPAQUE
    return bytes(writer.finish(writer.data(kind, delta_ms, observation_id, value), seed))


def read_all(flash, seeds):
    """Frames from the start of the flash, as many as are whole and in the order of `seeds`."""
    reader = frame.Frame(TABLE)
    unit = flash.program_unit_bytes
    offset, found = 0, []
    for seed in seeds:
        size = reader.read(flash, offset, BLOCK_BYTES - offset, seed)
        if size <= 0:
            break
        found.append((reader.delta_ms, reader.observation_id, reader.value))
        offset += -(-size // unit) * unit
    return found


def store(observations, unit, seeds):
    """(flash, observations that fitted, bytes written)."""
    flash, writer = RamFlash(1, unit), frame.FrameWriter(TABLE, unit)
    offset, fitting = 0, []
    for observation, seed in zip(observations, seeds, strict=True):
        data = build(writer, observation, seed)
        if offset + len(data) > BLOCK_BYTES:
            break
        flash.program(offset, data)
        offset += len(data)
        fitting.append(observation)
    return flash, fitting, offset


@given(st.lists(OBSERVATIONS, max_size=12), st.sampled_from([1, 16, 32, 256]), st.data())
def test_whatever_is_written_in_a_row_is_read_back_in_a_row(observations, unit, data):
    first = data.draw(st.integers(0, 0xFFFFFF))
    seeds = [first ^ number for number in range(len(observations))]
    flash, fitting, _ = store(observations, unit, seeds)
    assert read_all(flash, seeds)[: len(fitting)] == fitting


@given(st.lists(OBSERVATIONS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_damage_costs_frames_but_never_gives_a_wrong_value(observations, chance):
    seeds = [frame.sector_seed(7) ^ number for number in range(len(observations))]
    flash, fitting, size = store(observations, 1, seeds)
    for _ in range(chance.randint(1, 3)):
        flash.image[chance.randrange(size)] ^= 1 << chance.randrange(8)
    found = read_all(flash, seeds)
    assert found == fitting[: len(found)]
