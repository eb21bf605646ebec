"""The clock of the boards on fakes of their chips, whose epochs differ."""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tidegate.clock.anchor import RTC
from tidegate.hal.chip_clock import ChipClock

sys.path.append(str(Path(__file__).parent.parent / "micropython"))
import port_checks  # noqa: E402

NOW_MS = 1_768_509_600_123


class FakeRtc:
    """machine.RTC: counts from its epoch, refuses what is no date, and whose weekday is wrong.

    Argument: epoch, its year; has_parts, whether it knows parts of a second.
    """

    def __init__(self, epoch, has_parts):
        self._epoch = datetime(epoch, 1, 1, tzinfo=timezone.utc)
        self._has_parts = has_parts
        self.since = timedelta(0)

    def datetime(self, told=None):
        if told is None:
            now = self._epoch + self.since
            part = now.microsecond if self._has_parts else 0
            return (now.year, now.month, now.day, now.weekday(), now.hour, now.minute, now.second,
                    part)
        year, month, day, weekday, hour, minute, second, part = told
        now = datetime(year, month, day, hour, minute, second, part, tzinfo=timezone.utc)
        assert now.weekday() == weekday and all(isinstance(each, int) for each in told)
        self.since = now - self._epoch
        return None


@pytest.fixture(params=[(2000, True), (1970, False)], ids=["ESP32", "RP2"])
def rtc(request):
    return FakeRtc(*request.param)


def clock_of(rtc, is_kept=False):
    ticks = iter(range(1 << 30))
    return ChipClock(lambda: next(ticks), rtc, is_kept)


def test_it_keeps_the_contract_before_and_after_it_is_set(rtc):
    clock = clock_of(rtc)
    port_checks.check_clock(clock)
    assert clock.utc_ms() is None, "the epoch is no time"
    clock.set_utc_ms(NOW_MS, True)
    port_checks.check_clock(clock)
    utc_ms, quality = clock.utc_ms()
    assert quality == RTC and NOW_MS - 1_000 < utc_ms <= NOW_MS


@pytest.mark.parametrize(
    "utc_ms",
    [1_735_689_600_000, 2_147_483_647_000, 2_147_483_648_000, 3_981_355_200_000,
     4_102_444_799_000],
)
def test_what_is_set_is_shown_in_any_year(rtc, utc_ms):
    clock = clock_of(rtc)
    clock.set_utc_ms(utc_ms, True)
    assert clock.utc_ms() == (utc_ms, RTC)
    rtc.since += timedelta(days=400)
    assert clock.utc_ms() == (utc_ms + 400 * 86_400_000, RTC)


def test_the_least_that_it_can_be_is_for_certificates_only(rtc):
    clock = clock_of(rtc)
    clock.set_utc_ms(NOW_MS, False)
    assert clock.utc_ms() is None and rtc.datetime()[0] == 2026
    clock.set_utc_ms(NOW_MS, True)
    assert clock.utc_ms() is not None


def test_a_battery_keeps_the_time_and_is_not_set_to_less(rtc):
    rtc.since = datetime(2030, 5, 1, tzinfo=timezone.utc) - rtc._epoch
    clock = clock_of(rtc, is_kept=True)
    clock.set_utc_ms(NOW_MS, False)
    assert clock.utc_ms() == (1_903_824_000_000, RTC)
