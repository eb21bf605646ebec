"""Messages of a device: what is taken, and what is refused with which word."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_tools import values
from tidegate_tools.decode import Batch, Birth, Gap, Observation, Will, decode
from tidegate_tools.errors import DecodeError

STORE = "9f0c5a7e11d2b346"
DEVICE = "tg-000001"


def batch(**changes):
    message = {
        "v": 1,
        "dev": DEVICE,
        "store": STORE,
        "log": "telemetry",
        "seq": 41,
        "boot": 2,
        "mono": 61_000,
        "utc": 1_768_509_661_000,
        "q": "synced",
        "historical": True,
        "lag": {"age_s": 214, "count": 180, "bytes": 12, "rate": 3, "drain_s": 7},
        "gaps": [[30, 40, "evicted", 11, [1, 5, None], [2, 7, 9]]],
        "obs": [[0, 0, 501, 230_125], [1, 0, 721, "söme"], [2, 1_000, 554, {"b64": "T0NNRg=="}]],
    }
    message.update(changes)
    return message


def birth(**changes):
    message = {
        "v": 1,
        "state": "online",
        "dev": DEVICE,
        "session": [2, 1],
        "store": STORE,
        "version": "0.1.0",
        "interpreter": "micropython 1.29.0",
        "board": "posix",
        "logs": {"telemetry": {"first": 41, "split": 221}, "records": {"first": 1, "split": 9}},
    }
    message.update(changes)
    return message


def take(message, kind="history", device=DEVICE):
    return decode("tidegate/1/%s/%s" % (device, kind), json.dumps(message).encode())


def test_a_batch_becomes_observations_with_absolute_seq_and_time():
    taken = take(batch())
    assert isinstance(taken, Batch)
    assert taken.observations == (
        Observation(41, 2, 61_000, 501, "230125"),
        Observation(42, 2, 61_000, 721, '"söme"'),
        Observation(43, 2, 62_000, 554, '{"b64":"T0NNRg=="}'),
    )
    assert taken.utc_zero_ms == 1_768_509_661_000 - 61_000
    assert taken.gaps == (Gap(30, 40, "evicted", 11, (1, 5, None), (2, 7, 9)),)
    assert (taken.lag_age_s, taken.lag_count, taken.historical) == (214, 180, True)


def test_an_undated_batch_has_no_utc():
    assert take(batch(utc=None, q="unknown")).utc_zero_ms is None
    lag = {"age_s": None, "count": 3, "bytes": 12, "rate": 3, "drain_s": None}
    taken = take(batch(lag=lag))
    assert (taken.lag_age_s, taken.lag_bytes, taken.lag_rate, taken.drain_s) == (None, 12, 3, None)


def test_a_birth_and_its_will_carry_the_session():
    taken = take(birth(), "state")
    assert isinstance(taken, Birth)
    assert (taken.session, taken.first["telemetry"], taken.split["records"]) == ((2, 1), 41, 9)
    will = {"v": 1, "state": "offline", "dev": DEVICE, "session": [2, 1]}
    assert take(will, "state") == Will(DEVICE, (2, 1))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"v": 2}, "`v`"),
        ({"v": True}, "`v`"),
        ({"dev": "other"}, "`dev`"),
        ({"store": "9F0C5A7E11D2B346"}, "`store`"),
        ({"store": 5}, "`store`"),
        ({"log": "events"}, "`log`"),
        ({"log": "records"}, "topic"),
        ({"seq": 0}, "`seq`"),
        ({"seq": 1.0}, "`seq`"),
        ({"seq": 1 << 60}, "`seq`"),
        ({"boot": 0}, "`boot`"),
        ({"mono": -1}, "`mono`"),
        ({"utc": "now"}, "`utc`"),
        ({"late_ms": 5}, "`late_ms`"),
        ({"late_ms": -1, "q": "estimated"}, "`late_ms`"),
        ({"late_ms": 5, "q": "estimated", "utc": None}, "`late_ms`"),
        ({"q": "good"}, "`q`"),
        ({"q": ["synced"]}, "`q`"),
        ({"historical": 1}, "`historical`"),
        ({"lag": 5}, "`lag`"),
        ({"lag": {"age_s": 1}}, "`count`"),
        ({"gaps": None}, "`gaps`"),
        ({"gaps": [[1, 2]]}, "gap"),
        ({"gaps": [[5, 4, "lost", 1, None, None]]}, "gap"),
        ({"gaps": [[5, 5, "lost", 2, None, None]]}, "count"),
        ({"gaps": [[5, 5, "gone", 1, None, None]]}, "reason"),
        ({"gaps": [[5, 5, "lost", 1, None, [1, 2, None]]]}, "times"),
        ({"gaps": [[5, 5, "lost", 1, [0, 2, 3], [1, 2, None]]]}, "times"),
        ({"gaps": [[5, 5, "lost"]]}, "gap"),
        ({"gaps": [[4, 5, "eaten"]]}, "gap"),
        ({"obs": {}}, "`obs`"),
        ({"obs": [[0, 0, 501]]}, "observation"),
        ({"obs": [[0, 0, 501, 1], [0, 0, 501, 1]]}, "order"),
        ({"obs": [[1, 0, 501, 1]]}, "first"),
        ({"obs": [[0, -1, 501, 1]]}, "deltas"),
        ({"obs": [[0, 0, "501", 1]]}, "id"),
        ({"obs": [[0, 0, 501, 1.5]]}, "neither"),
        ({"obs": [[0, 0, 501, True]]}, "boolean"),
        ({"obs": [[0, 0, 501, None]]}, "neither"),
        ({"obs": [[0, 0, 501, {"b64": "%"}]]}, "base64"),
        ({"obs": [[0, 0, 501, {"b64": "QQ=="}], [1, 0, 501, {"b64": "QR=="}]]}, "stray"),
        ({"obs": [[0, 0, 501, 1 << 64]]}, "64 bits"),
    ],
)
def test_a_batch_that_breaks_the_form_is_refused_with_the_member_that_is_wrong(changes, word):
    with pytest.raises(DecodeError, match=word):
        take(batch(**changes))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"state": "maybe"}, "`state`"),
        ({"session": [1]}, "`session`"),
        ({"session": [1, -1]}, "`session`"),
        ({"version": None}, "`version`"),
        ({"board": "\ud800"}, "`board`"),
        ({"logs": {"telemetry": {"first": 1, "split": 1}}}, "`logs`"),
        ({"logs": {"telemetry": {}, "records": {}}}, "`first`"),
    ],
)
def test_a_birth_that_breaks_the_form_is_refused(changes, word):
    with pytest.raises(DecodeError, match=word):
        take(birth(**changes), "state")


@pytest.mark.parametrize(
    "topic",
    [
        "tidegate/1/%s/confirm" % DEVICE,
        "tidegate/2/%s/live" % DEVICE,
        "other",
        "tidegate/1/live",
        "tidegate/1/a b/live",
        "tidegate/1/%s/live/x" % DEVICE,
        "tidegate/1/%s/live" % ("x" * 65),
    ],
)
def test_a_foreign_topic_is_refused(topic):
    with pytest.raises(DecodeError):
        decode(topic, json.dumps(batch()).encode())


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[1]",
        b"\xff\xfe",
        b'{"v":1',
        b"[" * 100_000,
        b'{"v":' + b"9" * 5_000 + b"}",
        b" " * 300_000,
        b'{"v":NaN}',
    ],
)
def test_a_payload_that_is_no_object_is_refused(payload):
    with pytest.raises(DecodeError):
        decode("tidegate/1/%s/live" % DEVICE, payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(name=st.sampled_from(sorted(batch())), wrong=JSON)
def test_whatever_stands_in_one_member_is_taken_or_refused_never_a_crash(name, wrong):
    try:
        take(batch(**{name: wrong}))
    except DecodeError:
        pass


@given(
    st.one_of(
        st.integers(values.NUMBER_MIN, values.NUMBER_MAX),
        st.binary(max_size=40),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    )
)
def test_a_value_survives_its_canonical_text(value):
    assert values.from_text(values.to_text(value)) == value
