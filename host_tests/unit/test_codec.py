"""The codec over both shapes of umqtt.simple: bytes on the wire against packets made by hand."""

import importlib

import pytest
import umqtt180
from fake_network import FakeStream
from mqtt_peer import packet, publish, text

from tidegate.errors import LinkError
from tidegate.limits import DEVICE_ID_BYTES_MAX, PAYLOAD_BYTES_MAX, TOPIC_BYTES_MAX
from tidegate.link.codec import Codec
from tidegate.link.wire import Wire

VERSIONS = {"1.3.4": lambda: importlib.import_module("umqtt.simple"), "1.8.0": lambda: umqtt180}
WILL_TOPIC, WILL = b"tidegate/1/d/state", b'{"state":"offline"}'


@pytest.fixture(params=sorted(VERSIONS))
def end(request):
    """(codec, wire, stream, messages) on one version of umqtt.simple."""
    return joined(VERSIONS[request.param]())


def joined(simple):
    wire, stream, messages = Wire(), FakeStream(), []
    wire.attach(stream)
    codec = Codec(simple, wire, lambda topic, payload: messages.append((topic, payload)))
    return codec, wire, stream, messages


def connected(end, identity=(b"d", None, None), keep_alive_s=60):
    codec, wire, stream, messages = end
    codec.connect(identity, keep_alive_s, WILL_TOPIC, WILL)
    wire.flush()
    first = stream.sends[:]
    stream.sends.clear()
    return first


def receive(end, data):
    codec, wire, stream, _ = end
    stream.arrive(data)
    wire.fill()
    assert wire.next_packet()
    codec.receive()


def test_connect_without_a_user_is_this_packet(end):
    fields = text(b"d") + text(WILL_TOPIC) + text(WILL)
    assert connected(end) == [packet(0x10, b"\x00\x04MQTT\x04\x2e\x00\x3c" + fields)]


def test_connect_with_user_and_password_is_this_packet(end):
    fields = text(b"d") + text(WILL_TOPIC) + text(WILL) + text(b"user") + text(b"secret")
    expected = packet(0x10, b"\x00\x04MQTT\x04\xee\x04\x92" + fields)
    assert connected(end, (b"d", b"user", b"secret"), 1_170) == [expected]


def test_connect_with_an_empty_password_is_this_packet(end):
    fields = text(b"d") + text(WILL_TOPIC) + text(WILL) + text(b"user") + text(b"")
    expected = packet(0x10, b"\x00\x04MQTT\x04\xee\x00\x05" + fields)
    assert connected(end, (b"d", b"user", b""), 5) == [expected]


def test_the_largest_connect_that_the_configuration_allows_is_one_send(end):
    identity = (b"d" * DEVICE_ID_BYTES_MAX, b"u" * 128, b"p" * 1_024)
    sends = connected(end, identity)
    assert len(sends) == 1
    fields = b"".join(text(each) for each in (identity[0], WILL_TOPIC, WILL, *identity[1:]))
    assert sends[0] == packet(0x10, b"\x00\x04MQTT\x04\xee\x00\x3c" + fields)


def test_subscribe_to_the_longest_topic_is_this_packet(end):
    codec, wire, stream, _ = end
    connected(end)
    topic = b"t" * TOPIC_BYTES_MAX
    codec.subscribe(topic, 65_535)
    wire.flush()
    assert stream.sends == [packet(0x82, b"\xff\xff" + text(topic) + b"\x01")]


@pytest.mark.parametrize("packet_id", [1, 255, 256, 65_534, 65_535])
@pytest.mark.parametrize("retain", [False, True])
def test_publish_is_this_packet_whatever_its_id(end, packet_id, retain):
    codec, wire, stream, _ = end
    connected(end)
    codec.publish(b"a/b", b"payload", retain, packet_id)
    wire.flush()
    assert stream.sends == [publish(b"a/b", b"payload", packet_id, retain)]


@pytest.mark.parametrize("payload_bytes", [0, 1, 115, 116, 117, 118, 119, PAYLOAD_BYTES_MAX])
def test_publish_of_any_size_is_one_send(end, payload_bytes):
    codec, wire, stream, _ = end
    connected(end)
    payload = memoryview(bytearray(range(256)) * 16)[:payload_bytes]
    codec.publish(b"a/b", payload, False, 3)
    wire.flush()
    assert stream.sends == [publish(b"a/b", bytes(payload), 3)]


def test_publishes_in_a_row_need_no_answer_in_between(end):
    codec, wire, stream, _ = end
    connected(end)
    for packet_id in range(1, 9):
        codec.publish(b"t", b"x", False, packet_id)
    wire.flush()
    assert stream.sends == [b"".join(publish(b"t", b"x", each) for each in range(1, 9))]


def test_ping_and_disconnect_are_these_packets(end):
    codec, wire, stream, _ = end
    connected(end)
    codec.ping()
    codec.disconnect()
    wire.flush()
    assert stream.sent() == b"\xc0\x00\xe0\x00"
    assert stream.close_count == 0, "the session closes it once these bytes are out"


@pytest.mark.parametrize("payload", [b"", b"x", b"y" * 200])
def test_a_message_of_quality_1_is_taken_apart_and_acknowledged(end, payload):
    connected(end)
    receive(end, publish(b"down", payload, 513))
    assert end[3] == [(b"down", payload)]
    end[1].flush()
    assert end[2].sent() == b"\x40\x02\x02\x01"


def test_a_message_of_quality_0_is_taken_apart_without_an_answer(end):
    connected(end)
    receive(end, publish(b"down", b"retained", retain=True))
    assert end[3] == [(b"down", b"retained")]
    assert end[1].pending_bytes() == 0


@pytest.mark.parametrize(
    "data",
    [
        packet(0x34, text(b"t") + b"\x00\x01x"),  # QoS 2
        packet(0x30, b"\x00\x09t"),  # a topic longer than its packet
        packet(0x32, text(b"t") + b"\x00"),  # half a packet id
        packet(0x30, b"\x00"),
        packet(0x30, b""),
    ],
)
def test_a_message_that_is_none_is_an_error_that_the_session_knows(end, data):
    connected(end)
    with pytest.raises((LinkError, AssertionError, IndexError, TypeError)):
        receive(end, data)


def test_what_is_received_between_two_publishes_does_not_disturb_them(end):
    codec, wire, stream, messages = end
    connected(end)
    codec.publish(b"t", b"1", False, 1)
    receive(end, publish(b"down", b"echo", 9))
    codec.publish(b"t", b"2", False, 2)
    wire.flush()
    expected = publish(b"t", b"1", 1) + b"\x40\x02\x00\x09" + publish(b"t", b"2", 2)
    assert stream.sent() == expected


@pytest.mark.parametrize("version", sorted(VERSIONS))
def test_two_sessions_of_one_process_keep_to_their_own_wires(version):
    simple = VERSIONS[version]()
    ends = [joined(simple), joined(simple)]
    for _ in range(2):
        for device, end in zip((b"one", b"two"), ends, strict=True):
            assert text(device) in connected(end, (device, None, None))[0]
