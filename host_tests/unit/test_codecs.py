"""The three codecs carry the same content, and fit what SPEC says, byte by byte."""

import base64
import json

import codec_vectors
import pytest

from tidegate.limits import PAYLOAD_BYTES_MAX
from tidegate.uplink.codec_packed import PackedCodec
from tidegate_tools.decode import Observation, Part, decode
from tidegate_tools.errors import DecodeError
from tidegate_tools.parts import Assembly
from tidegate_tools.values import to_text

DEVICE = "d" * 64
TOPICS = {"telemetry": "history", "records": "records"}


def received(members, payload):
    return decode("tidegate/1/%s/%s" % (DEVICE, TOPICS[members["log"]]), payload)


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_each_codec_carries_what_was_put_in(seed):
    made = iter(codec_vectors.payloads(seed))
    for members, observations in codec_vectors.batches(seed):
        for _ in range(3):
            name, count, payload = next(made)
            assert count >= 1 and len(payload) <= PAYLOAD_BYTES_MAX
            batch = received(members, payload)
            assert [(each.id, each.mono_ms - members["mono"], each.value)
                    for each in batch.observations] == [
                (observation_id, delta_ms, to_text(value))
                for _, delta_ms, observation_id, value in observations[:count]], name
            assert [each.seq for each in batch.observations] == [
                members["seq"] + number for number in range(count)]
            assert (batch.boot, batch.quality, batch.historical, batch.log) == (
                members["boot"], members["q"], members["historical"], members["log"])
            assert (batch.lag_age_s, batch.lag_count) == (
                members["lag"]["age_s"], members["lag"]["count"])
            assert batch.gaps == tuple(members["gaps"])
            utc_ms = members["utc"]
            assert batch.utc_zero_ms == (None if utc_ms is None else utc_ms - members["mono"])
            assert batch.late_ms == members.get("late_ms")


def test_a_value_in_parts_is_put_together_from_each_codec():
    assembly, whole = Assembly(), {}
    for name, count, payload in codec_vectors.part_payloads():
        assert len(payload) <= PAYLOAD_BYTES_MAX
        batch = received(codec_vectors.envelope(0), payload)
        [part] = batch.parts
        assert (len(part.data), part.id, batch.observations) == (count, 554, ())
        assert name not in whole, "it was complete before its last part"
        observation = assembly.take("a stream", part)
        if observation is not None:
            whole[name] = observation.value
    assert whole == dict.fromkeys(("json", "packed", "collection"), to_text(codec_vectors.LARGE))


def test_parts_that_were_cut_elsewhere_the_second_time_still_make_the_value():
    assembly = Assembly()
    value = bytes(range(200))

    def take(first, last):
        return assembly.take("s", Part(9, 1, 5, 554, first, 200, value[first:last]))

    assert take(0, 100) is None and take(0, 90) is None and take(150, 200) is None
    assert take(90, 150) == Observation(9, 1, 5, 554, to_text(value))
    assert take(0, 100) is None, "it begins anew"
    assert assembly.take("s", Part(9, 2, 5, 554, 100, 200, value[100:])) is None, "another boot"


def test_a_snapshot_of_each_codec_carries_its_seqs():
    for _, _, payload in codec_vectors.snapshot_payloads():
        members = codec_vectors.envelope(0)
        batch = received(members, payload)
        assert batch.is_snapshot
        assert batch.observations == tuple(
            Observation(members["seq"] + delta, members["boot"], members["mono"] + delta_ms,
                        observation_id, to_text(value))
            for delta, delta_ms, observation_id, value in codec_vectors.SNAPSHOT)


def test_micropython_makes_the_same_payloads(micropython):
    source = codec_vectors.__file__
    lines = micropython(source).stdout.split("\n")[:-1]
    expected = [*codec_vectors.payloads(7), *codec_vectors.part_payloads(),
                *codec_vectors.snapshot_payloads()]
    assert len(lines) == len(expected)
    for line, (name, count, payload) in zip(lines, expected):
        their_name, their_count, digits = line.split()
        theirs = bytes.fromhex(digits)
        assert (their_name, int(their_count)) == (name, count)
        if name == "packed":
            assert theirs == payload
        else:
            assert json.loads(theirs) == json.loads(payload)


def test_a_packed_batch_is_the_bytes_of_the_specification():
    codec = PackedCodec()
    codec.begin({"v": 1, "dev": "ab", "store": "0102030405060708", "log": "records", "seq": 300,
                 "boot": 2, "mono": 127, "utc": None, "q": "rtc", "historical": True,
                 "lag": {"age_s": 128, "count": 0, "bytes": 200, "rate": 3, "drain_s": 7},
                 "gaps": [(290, 299, "cut", 10, None, None),
                          (1, 289, "evicted", 200, (1, 5, None), (2, 127, 128))]})
    assert codec.add(0, 0, 501, 230_125)
    assert codec.add(1, 1_000, 501, 230_124)
    assert codec.add(2, 1_000, 500, "hi")
    assert bytes(codec.finish()) == bytes([
        1, 1 | 2 | 2 << 2 | 32, 1, 2, 3, 4, 5, 6, 7, 8, 2, 0x61, 0x62, 0xAC, 2, 2, 127,
        0x80, 1, 0, 0xC8, 1, 3, 8, 2, 0xA2, 2, 9, 2, 10,
        1, 0xA0, 2, 4, 0xC8, 1, 1, 5, 0, 2, 127, 0x81, 1,
        0xD4, 0x3E, 0xDA, 0x8B, 0x1C,
        0x00, 0xE8, 7, 1,
        0x0D, 2, 0x68, 0x69])


def test_64_observations_of_a_charging_second_by_second_stay_below_8_bytes_each():
    codec = PackedCodec()
    members = dict(codec_vectors.envelope(0), dev="tg-000001", seq=41, boot=2, mono=61_000)
    codec.begin(members)
    for number in range(64):
        observation_id = (501, 502, 503, 507, 508, 509, 513, 553)[number % 8]
        assert codec.add(number, number // 8 * 1_000, observation_id, 230_000 + number * 613)
    assert len(codec.finish()) <= 64 * 8


@pytest.mark.parametrize("seed", [1, 2])
def test_a_damaged_packed_batch_is_refused_or_read_but_never_raises_anything_else(seed):
    payload = next(each for name, _, each in codec_vectors.payloads(seed) if name == "packed")
    members = codec_vectors.envelope(0)
    for at in range(len(payload)):
        flipped = bytes([payload[at] ^ 0x81])
        for broken in (payload[:at], payload[:at] + flipped + payload[at + 1:]):
            try:
                received(members, broken)
            except DecodeError:
                pass


COLLECTION = {"Type": 6, "_key": dict(codec_vectors.envelope(1), dev=DEVICE), "Observations": []}


@pytest.mark.parametrize("each", [
    {"Value": "230.12", "ObservationId": 501, "_at": 0},
    {"Value": "1e3", "ObservationId": 501, "_at": 0},
    {"Value": 230.125, "ObservationId": 501, "_at": 0},
    {"Value": "1", "ObservationId": 499, "_at": 0},
    {"Value": "1", "ObservationId": [], "_at": 0},
    {"ObservationId": 501},
    7,
])
def test_a_wrong_member_of_a_collection_is_refused(each):
    members = codec_vectors.envelope(1)
    with pytest.raises(DecodeError):
        received(members, json.dumps(dict(COLLECTION, Observations=[each])).encode())


def test_an_opaque_value_keeps_every_byte_in_a_collection():
    members = codec_vectors.envelope(1)
    for text, extra in (("OCMF|{}", {}), (base64.b64encode(b"\xff\x00").decode(), {"_b64": 1})):
        each = dict({"Value": text, "ObservationId": 554, "_at": 0}, **extra)
        batch = received(members, json.dumps(dict(COLLECTION, Observations=[each])).encode())
        expected = b"\xff\x00" if extra else text.encode()
        assert batch.observations[0].value == to_text(expected)
