"""Any damage to the bytes of a meter's line: nothing is made up, and what comes whole is heard."""

from hypothesis import given
from hypothesis import strategies as st
from meter_world import Listener

from tidegate_tools.meter_frames import ENTRIES_BYTES_MAX, entries, frame, on_line

# Each value comes once, so that a repeat shows. The longest comes in three parts.
IDS = (501, 507, 513, 710, 721, 554, 723)


def value_of(observation_id, number):
    if observation_id == 721:
        return f"session {number}"
    if observation_id == 723:
        return (b"\0%d" % number)+ b"\0session" * 110
    return b"\0OCMF %d" % number if observation_id == 554 else number * 7 - 300


ANY_BOOT, EARLY_BOOT, LATER_BOOT = st.integers(0, 255), st.integers(0, 20), st.just(100)


@st.composite
def streams(draw, boots=ANY_BOOT):
    """[(coded frame, the samples that it completes)] of a meter that may start anew.

    The sequence begins anywhere; frames of a moment have its stamp.
    """
    boot, seq, number = draw(boots), draw(st.integers(0, 65_535)), 0
    frames = []
    for moment in range(draw(st.integers(1, 10))):
        if draw(st.integers(0, 5)) == 0:
            boot, seq = (boot + 1) & 0xFF, 0
        contents, samples = [b""], [[]]
        for observation_id in draw(st.lists(st.sampled_from(IDS), max_size=6)):
            sample = (observation_id, value_of(observation_id, number))
            for entry in entries(*sample):
                if len(contents[-1]) + len(entry) > ENTRIES_BYTES_MAX:
                    contents.append(b"")
                    samples.append([])
                contents[-1] += entry
            samples[-1].append(sample)
            number += 1
        for content, completed in zip(contents, samples):
            stamp_ms = 100_000 * boot + 1_000 * moment
            frames.append((on_line(frame(boot, seq, stamp_ms, content)), completed))
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


@given(streams(EARLY_BOOT), streams(LATER_BOOT), st.data())
def test_everything_behind_any_damage_is_heard(before, behind, chance):
    """Whatever stood before: bytes lost, put in, turned, or a frame that never ended.

    What is behind is of a later boot, so that the sequence lets all of it pass.
    """
    listener = Listener().hear(chance.draw(damaged(b"".join(coded for coded, _ in before))))
    count = len(listener.heard)
    listener.hear(b"".join(coded for coded, _ in behind))
    assert listener.heard[count:] == [sample for _, samples in behind for sample in samples]


@given(st.binary(max_size=3_000))
def test_noise_alone_yields_nothing(data):
    listener = Listener().hear(data)
    assert listener.heard == [] and listener.source.taken_count == 0


@given(streams(), st.integers(1, 600))
def test_a_whole_stream_is_heard_whole_however_it_arrives(frames, chunk_bytes):
    listener = Listener(chunk_bytes)
    listener.hear(b"".join(coded for coded, _ in frames))
    assert listener.heard == [sample for _, samples in frames for sample in samples]
    assert set(listener.counts()) <= {"restarted", "silent"}
