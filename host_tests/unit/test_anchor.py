"""The anchor: the best known tie of a boot to UTC."""

import pytest

from tidegate.clock.anchor import ESTIMATED, QUALITY_NAMES, RTC, SYNCED, UNKNOWN, Anchor


def test_a_fresh_anchor_knows_nothing():
    anchor = Anchor()
    assert anchor.utc_zero_ms is None
    assert QUALITY_NAMES[anchor.quality] == "unknown"


def test_the_first_offer_is_taken_and_tied_to_the_moment_zero():
    anchor = Anchor()
    assert anchor.offer(5_000, 1_768_509_605_000, RTC)
    assert anchor.utc_zero_ms == 1_768_509_600_000
    assert anchor.quality == RTC


@pytest.mark.parametrize("known", [ESTIMATED, RTC, SYNCED])
@pytest.mark.parametrize("offered", [UNKNOWN, ESTIMATED, RTC, SYNCED])
def test_only_a_better_quality_replaces_what_is_known(known, offered):
    anchor = Anchor()
    anchor.offer(0, 1_000, known)
    is_better = offered > known
    assert anchor.offer(10, 99_010, offered) is is_better
    assert (anchor.utc_zero_ms, anchor.quality) == (
        (99_000, offered) if is_better else (1_000, known)
    )


def test_a_clock_that_steps_does_not_move_a_boot_that_is_dated():
    anchor = Anchor()
    anchor.offer(1_000, 50_000, SYNCED)
    anchor.offer(2_000, 9_000_000, SYNCED)
    anchor.offer(3_000, 0, RTC)
    assert anchor.utc_zero_ms == 49_000


def test_the_names_of_the_qualities_are_those_of_the_specification():
    assert [QUALITY_NAMES[each] for each in (SYNCED, RTC, ESTIMATED, UNKNOWN)] == [
        "synced",
        "rtc",
        "estimated",
        "unknown",
    ]
