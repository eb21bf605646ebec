"""The host's side of SPEC section 9: it makes the very bytes of the vectors."""

import meter_checks
import pytest
from meter_world import Listener

from tidegate_tools import meter_frames
from tidegate_tools.meter_frames import cobs, entries, frame, on_line, packed

VECTORS = {name: (bytes.fromhex(text), heard) for name, text, heard, _ in meter_checks.VECTORS}


@pytest.mark.parametrize("name, seq_stamps", [
    ("numbers", [(0, 1_000)]), ("texts", [(0, 5)]), ("an opaque value", [(0, 5)]),
])
def test_the_encoder_makes_the_bytes_of_a_vector(name, seq_stamps):
    data, heard = VECTORS[name]
    [content] = packed([entry for sample in heard for entry in entries(*sample)])
    assert b"".join(on_line(frame(1, seq, stamp, content)) for seq, stamp in seq_stamps) == data


def test_the_crc_is_that_of_rfc_4880():
    assert meter_frames.crc24(b"123456789") == 0x21CF02


@pytest.mark.parametrize("data, coded", [
    (b"", b"\x01"), (b"\0", b"\x01\x01"), (b"\0\0", b"\x01\x01\x01"), (b"a\0b", b"\x02a\x02b"),
    (b"x" * 253, b"\xfe" + b"x" * 253), (b"x" * 254, b"\xff" + b"x" * 254 + b"\x01"),
    (b"x" * 254 + b"\0", b"\xff" + b"x" * 254 + b"\x01\x01"),
    (b"x" * 255, b"\xff" + b"x" * 254 + b"\x02x"),
])
def test_cobs_is_that_of_its_paper(data, coded):
    assert cobs(data) == coded


@pytest.mark.parametrize("size", [1, 253, 254, 255, 399, 400, 401, 800, 801, 2_048, 8_192])
@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"x"])
def test_an_opaque_value_of_any_size_comes_whole(size, fill):
    listener = Listener()
    value = fill * (size - 1) + b"!"
    for seq, content in enumerate(entries(554, value)):
        data = on_line(frame(1, seq, 7, content))
        assert len(data) <= 512 + 5 and data.count(0) == 2
        listener.hear(data)
    assert listener.heard == [(554, value)] and listener.counts() == {}


def test_more_entries_than_a_frame_holds_go_into_several_in_their_order():
    samples = [(501 + n % 3, n * 70_001 - 9_000_000) for n in range(400)]
    contents = packed([entry for sample in samples for entry in entries(*sample)])
    assert len(contents) > 3
    listener = Listener().hear(b"".join(
        on_line(frame(3, 65_534 + seq, 1 << 28, content)) for seq, content in enumerate(contents)))
    assert listener.heard == samples and listener.counts() == {}
