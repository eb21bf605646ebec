"""The wire against a stream that gives and takes as it pleases."""

import pytest
from fake_network import FakeStream
from mqtt_peer import publish

from tidegate.errors import LinkError
from tidegate.limits import (
    PAYLOAD_BYTES_MAX, RX_BYTES_MAX, SKIPPED_BYTES_MAX, TX_BYTES_MAX, TX_KEPT_BYTES,
)
from tidegate.link import causes
from tidegate.link.wire import Wire


def attached():
    wire, stream = Wire(), FakeStream()
    wire.attach(stream)
    return wire, stream


def drain(wire):
    """Whole packets that the wire hands out now, each read as umqtt.simple reads it."""
    packets = []
    while wire.next_packet():
        data = b""
        for _ in range(RX_BYTES_MAX + 1):
            try:
                data += wire.read(1)
            except LinkError:
                break
        else:
            raise AssertionError("a packet without an end")
        packets.append(data)
    return packets


def test_many_small_writes_are_one_send():
    wire, stream = attached()
    for piece in (b"\x32", b"\x07", b"\x00\x01t", b"\x00\x05", b"hi"):
        wire.write(piece)
    assert stream.sends == [], "nothing leaves before flush"
    assert wire.pending_bytes() == 9
    assert wire.flush() is True
    assert stream.sends == [b"\x32\x07\x00\x01t\x00\x05hi"]
    assert wire.pending_bytes() == 0
    assert wire.flush() is False
    assert len(stream.sends) == 1


def test_write_with_a_count_takes_only_so_many_bytes():
    wire, stream = attached()
    assert wire.write(bytearray(b"\x10\x20\x30\x40"), 2) == 2
    assert wire.write(b"abc") == 3
    wire.flush()
    assert stream.sent() == b"\x10\x20abc"


@pytest.mark.parametrize("room_bytes", [1, 2, 7, 99])
def test_partial_sends_lose_and_repeat_nothing(room_bytes):
    wire, stream = attached()
    stream.room_bytes = room_bytes
    expected = b""
    for number in range(40):
        piece = bytes((number,)) * 5
        wire.write(piece)
        expected += piece
        if number % 3 == 0:
            wire.flush()
    for _ in range(200):
        wire.flush()
    assert stream.sent() == expected
    assert wire.pending_bytes() == 0
    assert max(map(len, stream.sends)) <= room_bytes


def test_flush_says_that_nothing_went_out_when_the_system_takes_nothing():
    wire, stream = attached()
    stream.room_bytes = 0
    wire.write(b"abc")
    assert wire.flush() is False
    assert wire.pending_bytes() == 3


def test_room_keeps_a_place_for_small_packets():
    wire, _ = attached()
    assert wire.room_bytes() == TX_BYTES_MAX - TX_KEPT_BYTES
    wire.write(b"x" * wire.room_bytes())
    assert wire.room_bytes() == 0
    for _ in range(TX_KEPT_BYTES // 4):
        wire.write(b"\x40\x02\x00\x01")
    with pytest.raises(LinkError):
        wire.write(b"\x40\x02\x00\x01")


def test_room_comes_back_once_all_is_sent():
    wire, _ = attached()
    wire.write(b"x" * 1_000)
    assert wire.room_bytes() == TX_BYTES_MAX - TX_KEPT_BYTES - 1_000
    wire.flush()
    assert wire.room_bytes() == TX_BYTES_MAX - TX_KEPT_BYTES


def test_a_buffer_that_never_runs_quite_empty_does_not_overflow():
    wire, stream = attached()
    wire.write(b"start")
    expected = b"start"
    for number in range(3 * TX_BYTES_MAX // 4):
        stream.room_bytes = 4
        piece = number.to_bytes(4, "big")
        wire.write(piece)
        expected += piece
        wire.flush()
    assert wire.pending_bytes() == 5, "the buffer was never empty in between"
    stream.room_bytes = None
    wire.flush()
    assert stream.sent() == expected


PACKETS = (
    b"\x20\x02\x00\x00",
    publish(b"a/b", b"payload", 7),
    b"\xd0\x00",
    publish(b"t", b"z" * 300, 8),
    b"\x40\x02\xff\xff",
)


@pytest.mark.parametrize("cut", range(1, len(PACKETS[1])))
def test_a_packet_split_at_any_byte_is_handed_out_whole(cut):
    wire, stream = attached()
    whole = PACKETS[1]
    stream.arrive(whole[:cut])
    wire.fill()
    assert wire.next_packet() == 0, "a part of a packet is no packet"
    stream.arrive(whole[cut:])
    wire.fill()
    assert drain(wire) == [whole]


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 5, 64, 1_000])
def test_any_chunks_give_the_same_packets(chunk_bytes):
    wire, stream = attached()
    stream.chunk_bytes = chunk_bytes
    stream.arrive(b"".join(PACKETS) * 20)
    found = []
    while wire.fill():
        found += drain(wire)
    assert found == list(PACKETS) * 20


def test_several_packets_of_one_read_come_one_by_one():
    wire, stream = attached()
    stream.arrive(b"".join(PACKETS))
    assert wire.fill() == sum(map(len, PACKETS))
    assert [wire.next_packet() for _ in range(6)] == [0x20, 0x32, 0xD0, 0x32, 0x40, 0]


def test_a_packet_of_the_buffer_s_size_passes_whole_and_one_byte_more_without_its_payload():
    for more_bytes in (0, 1):
        wire, stream = attached()
        payload = b"x" * (RX_BYTES_MAX - len(publish(b"t", b"", 7)) - 1 + more_bytes)
        whole = publish(b"t", payload, 7)
        assert len(whole) == RX_BYTES_MAX + more_bytes
        stream.arrive(whole)
        found = []
        while wire.fill():
            found += drain(wire)
            assert wire.dropped_bytes == (len(payload) if more_bytes and found else 0)
        assert found == [b"\x32\x85\x00\x00\x01t\x00\x07" if more_bytes else whole]


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1_000, 1_024])
@pytest.mark.parametrize("size", [RX_BYTES_MAX, 3 * RX_BYTES_MAX, 20_000])
@pytest.mark.parametrize("packet_id", [0, 0x1234])
def test_a_publish_above_the_buffer_loses_its_payload_and_nothing_else_is_lost(
    chunk_bytes, size, packet_id
):
    wire, stream = attached()
    stream.chunk_bytes = chunk_bytes
    large = publish(b"a/b", b"\x20\x02" * (size // 2), packet_id)
    stream.arrive(b"".join((PACKETS[1], large, PACKETS[3], large, large, PACKETS[2])))
    found = []
    while wire.fill():
        while first := wire.next_packet():
            assert wire.read(1)[0] == first
            count = 0
            for shift in (0, 7, 14):
                byte = wire.read(1)[0]
                count |= (byte & 0x7F) << shift
                if byte < 0x80:
                    break
            found.append((first, wire.dropped_bytes, wire.read(count)))
            with pytest.raises(LinkError):
                wire.read(1)
    first, fields = large[0], b"\x00\x03a/b" + (b"\x12\x34" if packet_id else b"")
    cut = (first, size, fields)
    assert found[1] == found[3] == found[4] == cut
    assert [each[1] for each in found] == [0, size, 0, size, size, 0]
    assert [found[at][2] for at in (0, 2, 5)] == [PACKETS[1][2:], PACKETS[3][3:], b""]


def head(first, remaining, fields=b""):
    """The begin of a packet that says it has that many bytes behind its length."""
    digits = bytes((remaining >> shift & 0x7F | 0x80) for shift in (0, 7, 14, 21))
    return bytes((first,)) + digits[:3] + bytes((digits[3] & 0x7F,)) + fields


@pytest.mark.parametrize("start", [
    head(0x32, SKIPPED_BYTES_MAX - 4, b"\x00\x01t\x00\x07"),
    head(0x20, 2_000), head(0x40, 2_000), head(0xD0, 2_000), head(0x34, 2_000),
    head(0x32, 2_000, b"\x07\xd0"), head(0x32, 2_000, b"\x03\xf8" + b"t" * 1_000)],
    ids=["absurd", "connack", "puback", "pingresp", "QoS 2", "topic beyond its end",
         "topic of the buffer's size"])
def test_what_is_larger_than_any_message_or_no_message_is_refused(start):
    wire, stream = attached()
    stream.arrive(start)
    wire.fill()
    with pytest.raises(LinkError) as caught:
        wire.next_packet()
    assert caught.value.cause == causes.PROTOCOL


def test_the_largest_message_of_all_is_skipped():
    wire, stream = attached()
    start = head(0x32, SKIPPED_BYTES_MAX - 5, b"\x00\x01t\x00\x07")
    stream.arrive(start + b"z" * (SKIPPED_BYTES_MAX - len(start)) + b"\xd0\x00")
    fill_count, found = 0, []
    while wire.fill():
        fill_count += 1
        found += drain(wire)
    assert found == [b"\x32\x85\x80\x80\x00\x00\x01t\x00\x07", b"\xd0\x00"]
    assert fill_count <= SKIPPED_BYTES_MAX // (RX_BYTES_MAX - len(start)) + 2


def test_a_new_connection_knows_nothing_of_what_the_one_before_was_skipping():
    wire, stream = attached()
    stream.arrive(publish(b"t", b"z" * 9_000, 7)[:5_000])
    while wire.fill():
        assert wire.next_packet() == 0
    fresh = FakeStream()
    wire.attach(fresh)
    fresh.arrive(publish(b"t", b"z" * 2_000, 8))
    while wire.fill():
        if wire.next_packet():
            break
    assert wire.dropped_bytes == 2_000


@pytest.mark.parametrize("head", [b"\x30\x80\x80\x80\x80\x01", b"\x30\xff\xff\xff\xff"])
def test_a_remaining_length_of_five_bytes_is_refused(head):
    wire, stream = attached()
    stream.arrive(head)
    wire.fill()
    with pytest.raises(LinkError) as caught:
        wire.next_packet()
    assert caught.value.cause == causes.PROTOCOL


def test_a_remaining_length_of_four_bytes_is_read_to_its_end():
    wire, stream = attached()
    stream.arrive(b"\x30\x83\x80\x80\x00abc")
    wire.fill()
    assert wire.next_packet() == 0x30
    assert wire.read(8) == b"\x30\x83\x80\x80\x00abc"


@pytest.mark.parametrize("garbage", [b"\x00", b"\x00\x00", b"\x00\x02ab\xd0\x00"])
def test_a_packet_of_type_zero_is_refused_not_skipped(garbage):
    wire, stream = attached()
    stream.arrive(garbage)
    wire.fill()
    with pytest.raises(LinkError) as caught:
        wire.next_packet()
    assert caught.value.cause == causes.PROTOCOL


def test_a_full_buffer_of_small_packets_is_read_on_after_they_were_taken():
    wire, stream = attached()
    stream.arrive(b"\xd0\x00" * RX_BYTES_MAX)
    assert wire.fill() == RX_BYTES_MAX
    assert wire.fill() == 0, "no room, no read: this is not the end of the stream"
    assert len(drain(wire)) == RX_BYTES_MAX // 2
    assert wire.fill() == RX_BYTES_MAX


def test_a_peer_that_closed_is_told_apart_from_a_quiet_one():
    wire, stream = attached()
    assert wire.fill() == 0
    stream.ended = True
    with pytest.raises(LinkError) as caught:
        wire.fill()
    assert caught.value.cause == causes.CLOSED_BY_PEER


def test_reading_beyond_the_packet_is_refused():
    wire, stream = attached()
    stream.arrive(b"\x30\x03abc\xd0\x00")
    wire.fill()
    wire.next_packet()
    assert wire.read(4) == b"\x30\x03ab"
    with pytest.raises(LinkError):
        wire.read(2)


def test_an_answer_laid_ready_is_read_before_what_has_arrived():
    wire, stream = attached()
    stream.arrive(b"\x40\x02\x00\x09")
    wire.fill()
    wire.next_packet()
    wire.lay_answer(b"\x20\x02\x00\x00")
    assert wire.read(4) == b"\x20\x02\x00\x00"
    assert wire.read(4) == b"\x40\x02\x00\x09"


@pytest.mark.parametrize("counts", [(1, 1, 2), (4,), (2, 2), (1, 3), (1, 1, 1, 1)])
def test_an_answer_in_pieces_is_read_in_any_others(counts):
    wire, _ = attached()
    wire.lay_pieces((b"\x40", b"\x02", bytearray(b"\x01\x02")))
    assert b"".join(bytes(wire.read(count)) for count in counts) == b"\x40\x02\x01\x02"
    with pytest.raises(LinkError):
        wire.read(1)


@pytest.mark.parametrize("waiting", [b"", b"\xc0\x00", b"\x40\x02\x00\x01"])
def test_a_payload_made_in_the_send_buffer_goes_out_whole_behind_what_waited(waiting):
    wire, stream = attached()
    payload = bytes(number % 251 for number in range(PAYLOAD_BYTES_MAX))
    wire.write(waiting)
    assert wire.room_bytes() >= 200 + PAYLOAD_BYTES_MAX
    wire.payload_room[:] = payload
    wire.write(b"h" * 200)
    wire.write(wire.payload_room[:PAYLOAD_BYTES_MAX])
    wire.flush()
    assert stream.sent() == waiting + b"h" * 200 + payload


def test_attach_starts_afresh():
    wire, stream = attached()
    stream.arrive(b"\x30\x7fpart")
    wire.fill()
    wire.write(b"never sent")
    wire.lay_answer(b"never read")
    fresh = FakeStream()
    wire.attach(fresh)
    fresh.arrive(b"\xd0\x00")
    wire.flush()
    wire.fill()
    assert fresh.sends == []
    assert drain(wire) == [b"\xd0\x00"]


def test_detach_closes_the_stream_once():
    wire, stream = attached()
    wire.detach()
    wire.detach()
    assert stream.close_count == 1
    assert wire.stream is None
