"""Crashes: what is kept of one, what is told, and when the agent takes to safe mode."""

import json

import pytest
from fakes import FakeKeep, FakeScratch

from tidegate.diag import boot, watch
from tidegate.diag.boot import Boot
from tidegate.diag.crumbs import ENDED, Crumbs
from tidegate.limits import CRASH_COUNT_MAX, CRASH_SPAN_S, SAFE_S, TEXT_BYTES_MAX

POWER_ON, WATCHDOG, SOFT = 1, 3, 5
LINES = ["%d INFO event number=%d" % (number * 1_000, number) for number in range(9)]


class Box:
    """What outlives the boots of one box."""

    def __init__(self):
        self.keep, self.scratch, self.number = FakeKeep(), FakeScratch(), 0

    def boot(self, cause=POWER_ON, generation=0):
        if cause == POWER_ON:
            self.scratch = FakeScratch()
        self.number += 1
        self.crumbs = Crumbs(self.scratch)
        found = Boot(self.keep, self.crumbs, self.number, cause, generation)
        self.crumbs.begin(self.number)
        self.crumbs.enter(watch.SAMPLE)
        return found

    def crash(self, up_s, cause=SOFT, generation=0):
        """One boot that is told of the crash before, lives so long and crashes."""
        found = self.boot(cause, generation)
        if found.is_pending:
            found.told()
        found.step(up_s)
        found.crashed(boot.EXCEPTION, ("E: planted", "a.py:7"), "sample", up_s, LINES)
        self.crumbs.enter(ENDED)
        return found


def test_a_crash_is_told_by_the_next_boot_and_by_no_other():
    box = Box()
    assert not box.boot().is_pending
    box.crash(83)
    found = box.boot()
    assert found.is_pending and found.crash_count == 1
    told = json.loads(found.text())
    del told["trail"]
    assert told == {"boot": 2, "up_s": 83, "how": "exception", "error": "E: planted",
                    "at": "a.py:7", "part": "sample"}
    found.told()
    assert not box.boot().is_pending
    assert box.boot().crash["boot"] == 2, "who asks is still told of it"


def test_the_newest_lines_of_the_trail_are_told_in_order():
    box = Box()
    box.crash(1)
    told = json.loads(box.boot().text())["trail"]
    assert len(told) >= 2 and told == LINES[-len(told):]


def test_a_crash_that_finds_another_waiting_is_counted():
    box = Box()
    for _ in range(3):
        box.boot(SOFT).crashed(boot.TURNS_FAILED, ("E", ""), "link", 9, [])
    found = box.boot()
    told = json.loads(found.text())
    assert (told["boot"], told["more"], found.crash_count) == (1, 2, 3)
    found.told()
    box.crash(1)
    assert "more" not in json.loads(box.boot().text())


def test_any_text_fits_the_observation_and_is_json():
    box = Box()
    found = box.boot()
    found.number = 10 ** 9
    nasty = 'a"\\\n\x00\u00e9' * 99
    found.crashed("turns failed", (nasty, nasty), "exchange", 10 ** 9, [nasty] * 9)
    found._more = 10 ** 6
    text = found.text()
    assert len(text.encode()) <= TEXT_BYTES_MAX
    assert json.loads(text)["how"] == "turns failed"
    assert len(box.keep.load("crash")) < 1_024


def test_a_reset_by_the_watchdog_is_a_crash_in_the_part_that_was_running():
    box = Box()
    box.boot()
    box.crumbs.lived(77)
    box.crumbs.enter(watch.EXCHANGE)
    told = json.loads(box.boot(WATCHDOG).text())
    assert (told["boot"], told["up_s"], told["how"], told["part"]) == (
        1, 77, "watchdog", "exchange")


@pytest.mark.parametrize("left", [b"", b"\xff" * 12, b"tgc\x01\x63\x00\x00\x00\x05\x00\x00\x00"])
def test_without_crumbs_of_the_boot_before_a_watchdog_reset_is_told_all_the_same(left):
    box = Box()
    box.boot()
    box.scratch.record = left
    told = json.loads(box.boot(WATCHDOG).text())
    assert (told["boot"], told["up_s"], told["part"]) == (1, 0, "")


def test_a_chip_that_still_names_the_watchdog_after_a_soft_reset_is_not_believed():
    box = Box()
    box.boot()
    box.boot(WATCHDOG).told()
    box.crumbs.enter(ENDED)
    assert not box.boot(WATCHDOG).is_pending


LOOPS = [
    ([1] * 4, False),
    ([1] * 5, True),
    ([5_000, 150, 150, 150, 150], True),
    ([5_000, 150, 150, 150, 151], False),
    ([1, 1, 1, 599, 1], False),
    ([1, 1, 1, 600, 1], False),
    ([1, 1, 1, 1, 599], False),
    ([1, 1, 1, 1, 600, 1, 1, 1, 1], True),
]


@pytest.mark.parametrize("lives, is_safe", LOOPS)
def test_five_crashes_within_ten_minutes_of_being_on_lead_to_safe_mode(lives, is_safe):
    box = Box()
    for up_s in lives:
        assert not box.crash(up_s).is_safe
    lived = sum(lives[-CRASH_COUNT_MAX + 1:])
    assert is_safe is (len(lives) >= CRASH_COUNT_MAX and lived <= CRASH_SPAN_S
                       and max(lives[-4:]) < CRASH_SPAN_S)
    assert box.boot().is_safe is is_safe


def test_resets_of_an_idle_agent_are_told_and_lead_to_no_safe_mode():
    box = Box()
    box.boot()
    for _ in range(9):
        box.crumbs.enter(watch.WAIT)
        found = box.boot(WATCHDOG)
        assert json.loads(found.text())["part"] == "wait" and not found.is_safe
        found.told()


def test_a_boot_that_lived_long_enough_makes_those_before_it_forgotten():
    box = Box()
    for _ in range(4):
        box.crash(1)
    saved = box.keep.save_count
    long = box.boot()
    assert not long.step(CRASH_SPAN_S - 1) and not long.step(CRASH_SPAN_S)
    for up_s in range(CRASH_SPAN_S, CRASH_SPAN_S + 50):
        long.step(up_s)
    assert box.keep.save_count == saved + 1, "flash is written once for it"
    box.crash(1)
    assert not box.boot().is_safe


def safe(generation=0):
    box = Box()
    for _ in range(CRASH_COUNT_MAX):
        box.crash(1, generation=generation)
    return box


def test_safe_mode_ends_after_an_hour_of_one_boot_not_with_a_loss_of_power():
    box = safe()
    for _ in range(3):
        found = box.boot()
        assert found.is_safe and not found.step(SAFE_S - 1)
    assert found.step(SAFE_S) and not found.is_safe
    assert not box.boot().is_safe


def test_safe_mode_ends_with_another_configuration_at_once_or_at_a_start():
    box = safe(generation=7)
    assert box.boot(generation=7).is_safe
    assert not box.boot(generation=8).is_safe
    found = safe(generation=7).boot(generation=7)
    assert not found.configure(7) and found.is_safe
    assert found.configure(8) and not found.is_safe


@pytest.mark.parametrize("record", [
    b"", b"{", b"[]", b"3", b"\xff", b'{"lives":[1]}',
    b'{"lives":["a"],"generation":0,"crash":null,"more":0,"pending":false}',
    b'{"lives":[],"generation":0,"crash":{"boot":1},"more":0,"pending":true}',
    b'{"lives":[],"generation":0,"crash":null,"more":"x","pending":true}'])
def test_a_damaged_record_is_none(record):
    box = Box()
    box.keep.save("crash", record)
    found = box.boot()
    assert (found.is_pending, found.is_safe, found.crash) == (False, False, None)


def test_reset_causes_have_names():
    assert [Boot(FakeKeep(), Crumbs(FakeScratch()), 1, cause).cause_name()
            for cause in (0, 1, 2, 3, 4, 5, 9)] == [
        "unknown", "power on", "hard reset", "watchdog", "deep sleep", "soft reset", "9"]
