"""The source `serial_meter`: each rule of SPEC section 9, one by one."""

import pytest
from meter_world import Listener

from tidegate_tools.meter_frames import PART, crc24, entries, frame, on_line, varint
from tidegate.clock.monotonic import Monotonic
from tidegate.diag.trail import Trail
from tidegate.limits import METER_SILENT_TURN_COUNT, METER_TAKE_UP_TURN_COUNT


def sent(seq, value=None, stamp=None, boot=1):
    """A frame with one number, by default all its own."""
    stamp = 1_000 * seq if stamp is None else stamp
    return on_line(frame(boot, seq, stamp, entries(501, seq if value is None else value)[0]))


def part(seq, whole, at, data, stamp=7, observation_id=554):
    content = (observation_id | PART << 12).to_bytes(2, "little")
    return on_line(frame(1, seq, stamp, content + varint(whole) + varint(at) + varint(len(data))
                         + data))


@pytest.fixture
def listener():
    return Listener()


def values(listener):
    return [value for _, value in listener.heard]


@pytest.mark.parametrize("share", range(1, 18))
def test_a_frame_cut_anywhere_costs_itself_alone(listener, share):
    whole = sent(1)
    listener.hear(sent(0) + whole[:share] + sent(2))
    assert values(listener) == [0, 2]
    assert listener.counts().pop("lost") == 1


def test_one_damaged_byte_costs_one_frame_at_most():
    data = b"".join(sent(seq, 1_000 * seq) for seq in range(4))
    for at in range(len(data)):
        byte = data[at:at + 1]
        for instead in (b"", b"\0", b"\xff", byte + b"\0", byte + b"\x05", byte + byte,
                        *(bytes((byte[0] ^ 1 << bit,)) for bit in range(8))):
            heard = values(Listener().hear(data[:at] + instead + data[at + 1:]))
            assert len(heard) >= 3 and set(heard) <= {0, 1_000, 2_000, 3_000}, (at, instead)


def test_what_comes_before_the_first_delimiter_is_nobodys_fault(listener):
    listener.hear(sent(0)[5:] + sent(1))
    assert values(listener) == [1] and listener.counts() == {}


def test_a_frame_that_never_ends_is_too_long_once_and_the_next_is_heard(listener):
    listener.hear(sent(0) + b"\0" + b"\x55" * 5_000 + sent(1))
    assert values(listener) == [0, 1]
    assert listener.counts() == {"too long": 1}


def test_a_frame_longer_than_it_says_is_damaged(listener):
    data = bytearray(frame(1, 0, 0, entries(501, 1)[0]))
    data[0] -= 1
    listener.hear(on_line(data) + sent(1))
    assert values(listener) == [1] and listener.counts() == {"damaged": 1}


def test_packet_errors_are_what_came_and_was_no_frame(listener):
    whole = frame(1, 0, 0, entries(501, 1)[0])
    wrong = whole[:-1] + bytes((whole[-1] ^ 1,))
    listener.hear(b"\0\x02x\0" + on_line(whole[:14]) + on_line(wrong) + b"\x99" * 700 + sent(5))
    assert listener.counts() == {"noise": 1, "cut short": 1, "damaged": 1, "too long": 1}
    assert listener.packet_errors == 4


@pytest.mark.parametrize("first, ahead, lost", [
    (0, 1, 0), (65_535, 1, 0), (65_000, 600, 599), (7, 32_767, 32_766)])
def test_what_is_ahead_is_taken_and_what_it_skips_is_lost(listener, first, ahead, lost):
    listener.hear(sent(first, 1) + sent(first + ahead, 2))
    assert values(listener) == [1, 2]
    assert listener.counts().get("lost", 0) == lost


@pytest.mark.parametrize("behind", [0, 1, 100, 32_768])
def test_what_is_not_ahead_is_dropped_whole(listener, behind):
    listener.hear(sent(40_000, 1) + sent(40_000 - behind, 2, stamp=9) + sent(40_001, 3))
    assert values(listener) == [1, 3]
    assert listener.counts() == {"repeated": 1}


def test_a_new_boot_begins_its_own_sequence_and_the_old_one_is_over(listener):
    listener.hear(sent(9, 1, boot=255) + sent(0, 2, boot=0) + sent(10, 3, boot=255)
                  + sent(1, 4, boot=0))
    assert values(listener) == [1, 2, 4]
    assert listener.counts() == {"restarted": 1, "repeated": 1}


def test_a_meter_that_forgot_its_boots_is_taken_up_after_a_minute(listener):
    listener.turn(sent(500, 0, boot=9))
    for seq in range(METER_TAKE_UP_TURN_COUNT):
        listener.turn()
        listener.turn(sent(seq, boot=3))
    assert values(listener) == [0]
    listener.turn(sent(60, boot=3))
    listener.turn(sent(61, boot=3))
    assert values(listener) == [0, 60, 61]
    assert "lost" not in listener.counts() and "restarted" not in listener.counts()


def test_a_frame_that_comes_for_ever_passes_once(listener):
    for _ in range(3 * METER_TAKE_UP_TURN_COUNT):
        listener.turn(sent(5))
    assert values(listener) == [5]


def test_a_repeat_of_stamp_and_value_never_passes(listener):
    for seq in range(20):
        listener.hear(sent(seq, 4, stamp=77))
    assert values(listener) == [4] and listener.counts() == {"stamp repeated": 19}


def test_a_standing_stamp_with_a_new_value_passes_and_so_does_an_old_value_later(listener):
    listener.hear(sent(0, 4, 77) + sent(1, 5, 77) + sent(2, 5, 78) + sent(3, 4, 77))
    assert values(listener) == [4, 5, 5, 4]


@pytest.mark.parametrize("value", ["Wifi", "", b"\0\1", b"x" * 900])
def test_the_rule_of_stamps_holds_for_texts_and_opaque_values(listener, value):
    observation_id = 150 if isinstance(value, str) else 554
    seq = 0
    for stamp in (5, 5, 5, 6):
        for entry in entries(observation_id, value):
            listener.hear(on_line(frame(1, seq, stamp, entry)))
            seq += 1
    assert values(listener) == [value, value] and listener.counts() == {"stamp repeated": 2}


@pytest.mark.parametrize("frames, incomplete, heard", [
    ([part(0, 4, 0, b"ab"), sent(1), part(2, 4, 2, b"cd")], 0, [1, b"abcd"]),
    ([part(0, 4, 0, b"ab"), part(3, 4, 2, b"CD")], 1, []),
    ([part(0, 4, 0, b"ab"), part(1, 4, 2, b"cd")], 0, [b"abcd"]),
    ([part(1, 4, 2, b"cd")], 1, []),
    ([part(0, 6, 0, b"ab"), part(2, 6, 4, b"ef")], 1, []),
    ([part(0, 4, 0, b"ab"), part(1, 4, 0, b"AB"), part(2, 4, 2, b"CD")], 1, [b"ABCD"]),
    ([part(0, 4, 0, b"ab"), part(1, 4, 2, b"cd", stamp=8)], 1, []),
    ([part(0, 4, 0, b"ab"), part(1, 4, 2, b"cd", observation_id=723)], 1, []),
    ([part(0, 4, 0, b"ab"), part(1, 5, 2, b"cde")], 1, []),
    ([part(0, 3, 0, b"abc")], 0, [b"abc"]),
], ids=["others between", "two values", "whole", "no first", "no middle",
        "no last", "two stamps", "two ids", "two sizes", "one"])
def test_an_opaque_value_passes_only_whole(listener, frames, incomplete, heard):
    listener.hear(b"".join(frames))
    assert values(listener) == heard
    assert listener.counts().get("incomplete", 0) == incomplete


def test_a_value_for_which_there_is_no_memory_is_counted_and_the_rest_goes_on(
    listener, monkeypatch
):
    def failing(size):
        raise MemoryError

    monkeypatch.setattr("tidegate.sources.meter_values.bytearray", failing, raising=False)
    listener.hear(part(0, 4, 0, b"ab") + part(1, 4, 2, b"cd") + sent(2))
    assert values(listener) == [2] and listener.counts() == {"incomplete": 1}


SHORT = [
    b"\xf5", b"\xf5\x01", b"\xf5\x01\x80", b"\xd1\x12\x05Wifi", b"\x2a\x22\x02x", b"\x2a\x32\x02",
    b"\x2a\x32\x04\x00\x03ab",
]
WRONG = [
    b"\xf5\x01" + b"\x80" * 10 + b"\x00", b"\xd1\x12\x01\xff", b"\xd1\x12\xc1\x02" + b"x" * 321,
    b"\x2a\x42\x00", b"\xf5\xf1\x00", b"\x2d\x03\x05", b"\x2a\x32\x00\x00\x00",
    b"\x2a\x32\x02\x01\x02ab", b"\x2a\x32\x02\x00\x00", b"\x2a\x32\x81\x40\x00\x01x",
    b"\x2a\x32\x02\x00\x03abc",
]
GOOD = entries(513, 5)[0]


@pytest.mark.parametrize("content", SHORT + [each + GOOD for each in WRONG])
def test_an_entry_that_is_none_ends_its_frame_and_is_counted(listener, content):
    listener.hear(on_line(frame(1, 0, 5, GOOD + content)) + sent(1))
    assert listener.heard == [(513, 5), (501, 1)]
    assert listener.counts() == {"malformed": 1}


def test_a_stamp_beyond_its_29_bits_is_malformed(listener):
    data = bytearray(frame(1, 0, 0, entries(501, 1)[0])[:-3])
    data[9] = 0x20
    listener.hear(on_line(bytes(data) + crc24(data).to_bytes(3, "big")))
    assert listener.heard == [] and listener.counts() == {"malformed": 1}


def test_an_id_that_the_catalogue_does_not_know_is_left_to_the_sampler(listener):
    listener.hear(on_line(frame(1, 0, 0, entries(4_095, 1)[0])))
    assert listener.heard == [(4_095, 1)]


def test_a_silent_meter_is_counted_once_for_each_silence(listener):
    for _ in range(3 * METER_SILENT_TURN_COUNT):
        listener.turn()
    assert listener.counts() == {"silent": 1}
    listener.turn(sent(0))
    for _ in range(METER_SILENT_TURN_COUNT):
        listener.turn()
    assert listener.counts() == {"silent": 2}


def test_a_line_that_fails_is_counted_and_heard_again_when_it_is_back(listener):
    listener.line.is_broken = True
    listener.turn()
    listener.line.is_broken = False
    listener.turn(sent(0))
    assert values(listener) == [0] and listener.counts() == {"line failed": 1}


def test_the_trail_has_the_first_and_then_each_power_of_two(listener):
    monotonic = Monotonic((1 << 30) - 1)
    monotonic.update(0)
    lines = []
    listener.source.follow(Trail(monotonic, lines.append))
    for _ in range(40):
        listener.turn(sent(0))
    assert lines == ["0 WARNING meter: " + each for each in (
        "repeated count=1", "repeated count=2", "repeated count=4", "repeated count=8",
        "silent count=1", "repeated count=16", "repeated count=32")]
    del lines[:]
    for seq in (100, 128, 131):
        listener.turn(sent(seq))
    assert lines == ["0 WARNING meter: lost count=99", "0 WARNING meter: lost count=128"]


def test_what_a_healthy_meter_does_is_no_warning(listener):
    monotonic = Monotonic((1 << 30) - 1)
    monotonic.update(0)
    lines = []
    listener.source.follow(Trail(monotonic, lines.append))
    listener.turn(sent(0, 1, 5) + sent(1, 1, 5) + sent(0, boot=2))
    assert lines == ["0 INFO meter: restarted count=1", "0 INFO meter: stamp repeated count=1"]
