"""Frames of any content, and frames that were damaged in any way."""

from frame_bench import flash_of, read, store
from hypothesis import given
from hypothesis import strategies as st

from tidegate.limits import DELTA_MS_MAX, OBSERVATION_ID_MAX
from tidegate.spool import frame
from tidegate.spool.crc import frame_seed

STAMPS = (st.integers(0, DELTA_MS_MAX), st.integers(1, OBSERVATION_ID_MAX))
OBSERVATIONS = st.one_of(
    st.tuples(st.just(frame.NUMBER), *STAMPS, st.integers(-(1 << 63), (1 << 64) - 1)),
    st.tuples(
        st.just(frame.TEXT),
        *STAMPS,
        st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    ),
    st.tuples(st.just(frame.OPAQUE), *STAMPS, st.binary(max_size=240)),
)
MEDIA = st.sampled_from([(1, True), (16, False), (32, False), (256, True), (256, False)])


@given(st.lists(OBSERVATIONS, max_size=12), MEDIA, st.data())
def test_whatever_is_written_in_a_row_is_read_back_in_a_row(observations, medium, data):
    first = data.draw(st.integers(0, 0xFFFFFF))
    seeds = [first ^ number for number in range(len(observations))]
    flash = flash_of(*medium)
    offsets = store(flash, observations, seeds)
    for number, offset in enumerate(offsets[:-1]):
        assert read(flash, offset, seeds[number])[1] == observations[number]


@given(st.lists(OBSERVATIONS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_damage_costs_frames_but_never_gives_a_wrong_value(observations, chance):
    seeds = [frame_seed(7, 1) ^ number for number in range(len(observations))]
    flash = flash_of(1)
    offsets = store(flash, observations, seeds)
    for _ in range(chance.randint(1, 3)):
        flash.image[chance.randrange(offsets[-1])] ^= 1 << chance.randrange(8)
    for number, offset in enumerate(offsets[:-1]):
        size, fields = read(flash, offset, seeds[number])
        assert size <= 0 or fields == observations[number]
