"""The PIN: a slow hash in short turns, failures that outlive a reboot, and a lock that closes."""

import hashlib

import pytest
from console_world import HASH, PIN
from fakes import FakeKeep
from tidegate_tools.console_pin import hashed
from tidegate_tools.errors import ToolError

from tidegate.console import guard
from tidegate.limits import (
    CONSOLE_DELAY_S_MAX, CONSOLE_FREE_FAILURE_COUNT, CONSOLE_LOGOUT_MS, TICKS_MASK_MS,
)


def tried(door, pin, now_ms):
    """What a PIN brings: why it was not looked at, else True or False."""
    refusal = door.begin(pin, now_ms)
    if refusal:
        return refusal
    while True:
        found = door.step(now_ms)
        if found is not None:
            return found


@pytest.mark.parametrize("secret, salt, count", [
    (b"1234", bytes(range(16)), 1), (b"1234", bytes(range(16)), 1_000),
    (b"x" * 64, b"saltsalt", 2), (b"y" * 200, b"another salt", 777), (b"", b"12345678", 3),
])  # fmt: skip
def test_the_hash_in_steps_is_that_of_the_host_s_library(secret, salt, count):
    derivation = guard.Derivation(secret, salt, count)
    found = None
    while found is None:
        found = derivation.step(100)
    assert found == hashlib.pbkdf2_hmac("sha256", secret, salt, count)


def test_the_right_pin_opens_and_a_wrong_one_does_not():
    door = guard.Guard(FakeKeep(), HASH, 0)
    assert tried(door, "0000", 10) is False and not door.is_open
    assert tried(door, PIN, 20) is True and door.is_open
    door.lock()
    assert not door.is_open


def test_failures_slow_down_up_to_an_hour_and_a_right_pin_forgets_them():
    keep, now_ms = FakeKeep(), 0
    door = guard.Guard(keep, HASH, now_ms)
    waits_s = []
    for _ in range(16):
        now_ms = (now_ms + 1_000 * door.delay_s(now_ms)) & TICKS_MASK_MS
        assert tried(door, "0000", now_ms) is False
        waits_s.append(door.delay_s(now_ms))
    assert waits_s[:6] == [0, 0, 5, 10, 20, 40] and waits_s[-1] == CONSOLE_DELAY_S_MAX
    assert "wait 3600 s" in tried(door, PIN, now_ms), "the right one waits as well"
    now_ms = (now_ms + 3_600_000) & TICKS_MASK_MS
    assert tried(door, PIN, now_ms) is True
    assert guard.Guard(keep, HASH, now_ms).delay_s(now_ms) == 0


def test_a_reboot_gains_no_guess():
    """A thief who cuts the power after each guess gets fewer in a day than one who waits."""
    keep, spent_s, guess_count = FakeKeep(), 0, 0
    while spent_s < 86_400:
        door = guard.Guard(keep, HASH, 0)
        spent_s += 1 + door.delay_s(0)
        assert door.begin("%04d" % guess_count, 1_000 * door.delay_s(0)) == ""
        # The power goes before the guess is judged.
        guess_count += 1
    assert guess_count < 40, "of 10,000 PINs"


def test_a_power_cut_while_a_pin_is_checked_counts_as_a_failure():
    keep = FakeKeep()
    for _ in range(CONSOLE_FREE_FAILURE_COUNT):
        assert guard.Guard(keep, HASH, 0).begin(PIN, 0) == ""
    assert guard.Guard(keep, HASH, 0).delay_s(0) > 0


def test_a_pin_is_not_looked_at_where_its_failure_cannot_be_kept():
    keep = FakeKeep()
    keep.save = lambda name, record: False
    assert tried(guard.Guard(keep, HASH, 0), PIN, 0) == guard.NOT_KEPT


@pytest.mark.parametrize("record", [b"x", b"\x07\x00", b"\x01\x00\x00"])
def test_a_record_that_cannot_be_read_slows_down(record):
    keep = FakeKeep()
    keep.records["console-guard"] = record
    assert guard.Guard(keep, HASH, 0).delay_s(0) > 60


def test_the_delay_is_over_once_and_does_not_come_back_when_the_ticks_wrap():
    keep = FakeKeep()
    keep.records["console-guard"] = b"\x01\x06"
    door = guard.Guard(keep, HASH, 0)
    assert door.delay_s(0) == 40
    door.step(41_000)
    assert door.delay_s(3) == 0


def test_ten_minutes_without_a_key_lock_it():
    door = guard.Guard(FakeKeep(), HASH, 0)
    assert tried(door, PIN, 0)
    door.use(1_000)
    door.step(CONSOLE_LOGOUT_MS)
    assert door.is_open
    door.step(1_000 + CONSOLE_LOGOUT_MS)
    assert not door.is_open


@pytest.mark.parametrize("text", [
    "", "1234", "pbkdf2-sha256$1000$00$00", HASH + "00", HASH[:-2],
    HASH.replace("$1000$", "$999$"), HASH.replace("$1000$", "$9999999$"),
    HASH.replace("pbkdf2", "scrypt"), HASH.replace("$1000$", "$x$"), HASH + "$1",
])  # fmt: skip
def test_without_a_good_hash_nothing_opens_and_it_says_what_to_do(text):
    assert guard.Guard(FakeKeep(), text, 0).begin(PIN, 0) == guard.NO_PIN


def test_a_pin_that_cannot_be_typed_is_refused_on_the_host():
    for pin in ("", "123", "päss", "1\n234", "x" * 201):
        with pytest.raises(ToolError):
            hashed(pin)
    assert hashed("1234") != hashed("1234"), "each has a salt of its own"
