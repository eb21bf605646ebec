"""Hints: what is absurd is refused by name, what is large is clamped, what is old is forgotten."""

import json

import pytest
from tidegate.limits import (
    HINT_AGE_S_MAX, HINT_BYTES_MAX, HINT_RATE_OBS_MAX, HINT_WINDOW_S_MAX, HINT_WINDOW_S_MIN,
)
from tidegate.link import hint

NOW_S = 1_774_000_000


def payload(**members):
    return json.dumps(members).encode()


def test_a_hint_comes_back_from_flash_as_it_was():
    found, wrong = hint.check(
        payload(window_s=330, backlog_obs_per_s=20, until=NOW_S + 600, outage=True), NOW_S)
    assert (found, wrong) == ((330, 20, NOW_S + 600, True, NOW_S), hint.OK)
    assert hint.from_bytes(hint.to_bytes(found), NOW_S + 599) == (found, hint.OK)
    assert hint.from_bytes(hint.to_bytes(found), NOW_S + 600) == (None, hint.STALE)


@pytest.mark.parametrize("given, window_s", [
    (1, HINT_WINDOW_S_MIN), (29, HINT_WINDOW_S_MIN), (30, 30), (3_600, 3_600),
    (3_601, HINT_WINDOW_S_MAX), (10**12, HINT_WINDOW_S_MAX)])
def test_the_window_is_clamped_to_half_a_minute_and_an_hour(given, window_s):
    assert hint.check(payload(window_s=given), NOW_S)[0][hint.WINDOW_S] == window_s


@pytest.mark.parametrize("given, wrong", [
    (b"", hint.NO_JSON), (b"\xff\xfe", hint.NO_JSON), (b"[330]", hint.NO_JSON),
    (b"330", hint.NO_JSON), (b"{", hint.NO_JSON), (b"{}", hint.NO_WINDOW),
    (payload(window_s=0), hint.NO_WINDOW), (payload(window_s=-5), hint.NO_WINDOW),
    (payload(window_s=True), hint.NO_WINDOW), (payload(window_s="330"), hint.NO_WINDOW),
    (payload(window_s=33.5), hint.NO_WINDOW), (payload(window_s=None), hint.NO_WINDOW),
    (payload(window_s=330, backlog_obs_per_s=-2), hint.BAD_RATE),
    (payload(window_s=330, backlog_obs_per_s="x"), hint.BAD_RATE),
    (payload(window_s=330, until=-1), hint.BAD_UNTIL),
    (payload(window_s=330, until="soon"), hint.BAD_UNTIL),
    (payload(window_s=330, outage=1), hint.BAD_OUTAGE),
    (payload(window_s=330, until=NOW_S), hint.STALE),
    (b" " * (HINT_BYTES_MAX + 1), hint.TOO_LONG)])
def test_an_absurd_hint_is_refused_by_what_is_wrong_with_it(given, wrong):
    assert hint.check(given, NOW_S) == (None, wrong)


def test_the_end_and_the_rate_are_clamped():
    found, _ = hint.check(
        payload(window_s=330, until=NOW_S + 9 * HINT_AGE_S_MAX, backlog_obs_per_s=10**9), NOW_S)
    assert found[hint.UNTIL_S] == NOW_S + HINT_AGE_S_MAX
    assert found[hint.RATE_OBS] == HINT_RATE_OBS_MAX


def test_a_hint_of_a_day_is_stale_even_without_an_end():
    found, _ = hint.check(payload(window_s=330), NOW_S)
    assert not hint.is_stale(found, NOW_S + HINT_AGE_S_MAX - 1)
    assert hint.is_stale(found, NOW_S + HINT_AGE_S_MAX)


def test_a_hint_holds_while_the_time_is_unknown():
    found, _ = hint.check(payload(window_s=330, until=NOW_S + 1), NOW_S)
    assert hint.from_bytes(hint.to_bytes(found), 0)[1] == hint.OK


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_torn_record_is_refused_and_never_raises(cut):
    record = hint.to_bytes((330, 20, NOW_S + 600, False, NOW_S))
    assert hint.from_bytes(record[:cut], NOW_S)[0] is None
