"""Any damage to the bytes of a meter's line: nothing is made up, and what comes whole is heard."""

from hypothesis import given
from hypothesis import strategies as st
from meter_world import Listener

from tidegate_tools.meter_frames import entries, frame, on_line, packed

# Each value comes once, so that a repeat shows.
IDS = (501, 507, 513, 710, 721, 554)


def value_of(observation_id, number):
    if observation_id == 721:
        return f"session {number}"
    return b"\0OCMF %d" % number if observation_id == 554 else number * 7 - 300


@st.composite
def streams(draw):
    """[(coded frame, its samples)] of a meter that may start anew, from any place on."""
    boot, seq, number = draw(st.integers(0, 255)), draw(st.integers(0, 65_535)), 0
    frames = []
    for _ in range(draw(st.integers(1, 10))):
        if draw(st.integers(0, 5)) == 0:
            boot, seq = (boot + 1) & 0xFF, 0
        samples = []
        for observation_id in draw(st.lists(st.sampled_from(IDS), max_size=6)):
            samples.append((observation_id, value_of(observation_id, number)))
            number += 1
        [content] = packed([entry for sample in samples for entry in entries(*sample)])
        frames.append((on_line(frame(boot, seq, 1_000 * len(frames), content)), samples))
        seq = (seq + 1) & 0xFFFF
    return frames


@st.composite
def damaged(draw, data):
    """Cut out, put in, turned, repeated or exchanged pieces of a run of bytes."""
    data = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        at, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        what = draw(st.sampled_from(("cut", "insert", "flip", "repeat", "reorder")))
        piece = bytes(data[at:end])
        if what == "cut":
            del data[at:end]
        elif what == "insert":
            data[at:at] = draw(st.binary(max_size=40) | st.just(b"\0"))
        elif what == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif what == "repeat":
            data[end:end] = piece
        elif what == "reorder":
            middle = draw(st.integers(0, len(piece)))
            data[at:end] = piece[middle:] + piece[:middle]
    return bytes(data)


@given(streams(), st.data())
def test_no_damage_yields_what_was_not_sent_or_anything_twice(frames, chance):
    sent = [sample for _, samples in frames for sample in samples]
    data = chance.draw(damaged(b"".join(coded for coded, _ in frames)))
    listener = Listener(chance.draw(st.sampled_from((1, 5, 64, 1 << 20))))
    listener.hear(data)
    places = [sent.index(sample) for sample in listener.heard]
    assert places == sorted(set(places)), "each once, in the order in which it was sent"


@given(streams(), streams(), st.data())
def test_the_frame_behind_any_damage_is_heard_whole(before, behind, chance):
    """Whatever stood before: bytes lost, put in, turned, or a frame that never ended."""
    data = chance.draw(damaged(b"".join(coded for coded, _ in before)))
    listener = Listener().hear(data)
    count = len(listener.heard)
    # Of a later boot than any before, so that the sequence lets all of it pass.
    boot = listener.source._boot
    later = [(on_line(frame(boot + 1, seq, 5_000 + seq, b"".join(
        entry for sample in samples for entry in entries(*sample)))), samples)
        for seq, (_, samples) in enumerate(behind)]
    listener.hear(b"".join(coded for coded, _ in later))
    assert listener.heard[count:] == [sample for _, samples in later for sample in samples]


@given(st.binary(max_size=3_000))
def test_noise_alone_yields_nothing(data):
    listener = Listener().hear(data)
    assert listener.heard == [] and listener.source.taken_count == 0


@given(streams(), st.integers(1, 600))
def test_a_whole_stream_is_heard_whole_however_it_arrives(frames, chunk_bytes):
    listener = Listener(chunk_bytes)
    listener.hear(b"".join(coded for coded, _ in frames))
    assert listener.heard == [sample for _, samples in frames for sample in samples]
    assert set(listener.counts()) <= {"restarted"}
