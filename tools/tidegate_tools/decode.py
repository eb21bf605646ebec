"""Messages of a device into checked records (SPEC sections 3 to 5). Pure."""

import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from tidegate_tools import collection, packed
from tidegate_tools.errors import DecodeError
from tidegate_tools.values import from_json, to_text

PREFIX = "tidegate/1/"
UPWARD = ("live", "history", "records", "state")
LOGS = ("telemetry", "records")
LOG_OF_TOPIC = {"live": "telemetry", "history": "telemetry", "records": "records"}
QUALITIES = ("unknown", "estimated", "rtc", "synced")
GAP_REASONS = ("evicted", "lost", "cut")
PAYLOAD_BYTES_MAX = 256_000
COUNT_MAX = 1 << 53
DEVICE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
STORE = re.compile(r"[0-9a-f]{16}\Z")


class Observation(NamedTuple):
    """One observation; `value` is the canonical JSON text of its value."""

    seq: int
    boot: int
    mono_ms: int
    id: int
    value: str


class Gap(NamedTuple):
    """Seqs that will never come. `begin` and `end` are (boot, mono_ms, utc_ms or None), between
    which they were taken, or None where the device does not know.
    """

    first: int
    last: int
    reason: str
    count: int
    begin: tuple | None = None
    end: tuple | None = None


class Part(NamedTuple):
    """`data`, at byte `offset` of the `total_bytes` of an opaque value that came in parts."""

    seq: int
    boot: int
    mono_ms: int
    id: int
    offset: int
    total_bytes: int
    data: bytes


@dataclass(frozen=True)
class Batch:
    """A checked batch. `utc_zero_ms` is the UTC of the boot's moment 0, or None; `lag_age_s` is
    None where the device cannot date its oldest observation; `lag_rate` is observations confirmed
    a second, `drain_s` in how many s all will be, None where nothing moves; `late_ms` how much
    later than by `utc_zero_ms` it may all have been, None where the device cannot tell.
    """

    device: str
    store: str
    log: str
    boot: int
    utc_zero_ms: int | None
    quality: str
    historical: bool
    lag_age_s: int | None
    lag_count: int
    gaps: tuple
    observations: tuple
    parts: tuple = ()
    is_snapshot: bool = False
    lag_bytes: int = 0
    lag_rate: int = 0
    drain_s: int | None = None
    late_ms: int | None = None


@dataclass(frozen=True)
class Birth:
    """`session` is (boot, number); `first` and `split` map a log's name to a seq."""

    device: str
    session: tuple
    store: str
    version: str
    interpreter: str
    board: str
    first: dict
    split: dict


@dataclass(frozen=True)
class Will:
    device: str
    session: tuple


def decode(topic, payload):
    """One upward message.

    Arguments: topic, text; payload, bytes. Result: Batch, Birth or Will.
    Errors: DecodeError names what is wrong.
    """
    device, kind = _split_topic(topic)
    members = _members(payload)
    _need(members.get("v") == 1 and members["v"] is not True, "`v` is not 1")
    _need(members.get("dev") == device, "`dev` is not the topic's device")
    if kind == "state":
        return _state(device, members)
    return _batch(device, kind, members)


def _split_topic(topic):
    parts = topic[len(PREFIX):].split("/") if topic.startswith(PREFIX) else ()
    _need(len(parts) == 2 and parts[1] in UPWARD, "the topic is not one of ours")
    _need(DEVICE.match(parts[0]), "the topic's device id is not valid")
    return parts


def _members(payload):
    _need(len(payload) <= PAYLOAD_BYTES_MAX, "the payload is over %d bytes" % PAYLOAD_BYTES_MAX)
    if payload[:1] == bytes((packed.VERSION,)):
        return _foreign(packed.members, bytes(payload))
    try:
        members = json.loads(bytes(payload).decode())
    except (ValueError, RecursionError):
        raise DecodeError("the payload is not JSON") from None
    _need(isinstance(members, dict), "the payload is not a JSON object")
    return _foreign(collection.members, members) if "Observations" in members else members


def _foreign(read, form):
    """The members of another codec's form; its own checks come before those of all forms."""
    try:
        return read(form)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DecodeError("the payload does not have the form of its codec: %s" % error) from None


def _batch(device, kind, members):
    store = _text(members, "store", STORE)
    log = _word(members, "log", LOGS)
    _need(log == LOG_OF_TOPIC[kind], "log `%s` does not belong on topic `%s`" % (log, kind))
    seq = _count(members, "seq", 1)
    boot = _count(members, "boot", 1)
    mono_ms = _count(members, "mono")
    quality = _word(members, "q", QUALITIES)
    utc_ms = _count_or_null(members, "utc")
    late_ms = _count(members, "late_ms") if "late_ms" in members else None
    _need(late_ms is None or quality == "estimated" and utc_ms is not None,
          "`late_ms` belongs to an estimated `utc`")
    historical = members.get("historical")
    _need(isinstance(historical, bool), "`historical` is not true or false")
    lag = members.get("lag")
    _need(isinstance(lag, dict), "`lag` is not an object")
    _need(members.get("snapshot", True) is True, "`snapshot` is not true")
    found = _observations(members, seq, boot, mono_ms)
    return Batch(
        device, store, log, boot, None if utc_ms is None else utc_ms - mono_ms, quality,
        historical, _count_or_null(lag, "age_s"), _count(lag, "count"), _gaps(members),
        tuple(each for each in found if isinstance(each, Observation)),
        tuple(each for each in found if isinstance(each, Part)), "snapshot" in members,
        _count(lag, "bytes"), _count(lag, "rate"), _count_or_null(lag, "drain_s"),
        late_ms)


def _gaps(members):
    gaps = members.get("gaps")
    _need(isinstance(gaps, list), "`gaps` is not a list")
    for gap in gaps:
        _need(isinstance(gap, list) and len(gap) == 6,
              "a gap is not [first, last, reason, count, from, to]")
        _need(_is_count(gap[0], 1) and _is_count(gap[1], gap[0]), "a gap's seqs are not a range")
        _need(gap[2] in GAP_REASONS, "a gap's reason is unknown")
        _need(_is_count(gap[3]) and gap[3] <= gap[1] - gap[0] + 1, "a gap's count is too high")
        _need(all(map(_is_moment, gap[4:])) and (gap[4] is None) == (gap[5] is None),
              "a gap's times are neither null nor [boot, mono, utc]")
    return tuple(Gap(*gap[:4], *(moment and tuple(moment) for moment in gap[4:])) for gap in gaps)


def _is_moment(value):
    return value is None or isinstance(value, list) and len(value) == 3 and (
        _is_count(value[0], 1) and _is_count(value[1])
        and (value[2] is None or _is_count(value[2])))


def _observations(members, seq, boot, mono_ms):
    rows = members.get("obs")
    _need(isinstance(rows, list), "`obs` is not a list")
    observations = []
    for row in rows:
        _need(isinstance(row, list) and len(row) == 4,
              "an observation is not [seq, mono, id, value]")
        _need(_is_count(row[0]) and _is_count(row[1]), "an observation's deltas are not counts")
        _need(_is_count(row[2], 1), "an observation's id is not a positive integer")
        this = seq + row[0]
        if observations:
            _need(this > observations[-1].seq, "observations are not in order of seq")
        else:
            _need(this == seq, "the batch's seq is not that of its first observation")
        try:
            observations.append(_observation((this, boot, mono_ms + row[1], row[2]), row[3]))
        except ValueError as error:
            raise DecodeError("observation %d of seq %d: %s" % (row[2], this, error)) from None
    return observations


def _observation(fact, form):
    """An Observation or a Part. Errors: ValueError."""
    if not (isinstance(form, dict) and "of" in form):
        return Observation(*fact, to_text(from_json(form)))
    offset, total_bytes = form.pop("at", None), form.pop("of")
    data = from_json(form)
    if not (_is_count(offset) and _is_count(total_bytes) and isinstance(data, bytes) and data
            and offset + len(data) <= total_bytes <= PAYLOAD_BYTES_MAX):
        raise ValueError("a part does not lie inside its value")
    return Part(*fact, offset, total_bytes, data)


def _state(device, members):
    session = members.get("session")
    _need(isinstance(session, list) and len(session) == 2 and all(map(_is_count, session)),
          "`session` is not [boot, number]")
    if _word(members, "state", ("online", "offline")) == "offline":
        return Will(device, tuple(session))
    logs = members.get("logs")
    _need(isinstance(logs, dict) and all(isinstance(logs.get(log), dict) for log in LOGS),
          "`logs` does not hold both logs")
    return Birth(
        device, tuple(session), _text(members, "store", STORE), _text(members, "version"),
        _text(members, "interpreter"), _text(members, "board"),
        {log: _count(logs[log], "first", 1) for log in LOGS},
        {log: _count(logs[log], "split", 1) for log in LOGS})


def _need(condition, text):
    if not condition:
        raise DecodeError(text)


def _is_count(value, minimum=0):
    return (isinstance(value, int) and not isinstance(value, bool)
            and minimum <= value <= COUNT_MAX)


def _count(members, name, minimum=0):
    value = members.get(name)
    _need(_is_count(value, minimum), "`%s` is not an integer from %d up" % (name, minimum))
    return value


def _count_or_null(members, name):
    return None if members.get(name, 0) is None else _count(members, name)


def _word(members, name, words):
    value = members.get(name)
    _need(isinstance(value, str) and value in words,
          "`%s` is not one of %s" % (name, ", ".join(words)))
    return value


def _text(members, name, pattern=None):
    value = members.get(name)
    _need(isinstance(value, str), "`%s` is not a text" % name)
    _need(pattern is None or pattern.match(value), "`%s` is not well formed" % name)
    _need(not any("\ud800" <= letter <= "\udfff" for letter in value),
          "`%s` holds half a character" % name)
    return value
