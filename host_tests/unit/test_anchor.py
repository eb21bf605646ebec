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
@pytest.mark.parametrize("moved_ms", [0, 400, -400])
def test_a_better_quality_replaces_what_is_known_and_a_small_move_does_not(
    known, offered, moved_ms
):
    anchor = Anchor()
    anchor.offer(0, 1_000_000, known)
    is_better = offered > known
    assert anchor.offer(10, 1_000_010 + moved_ms, offered) is is_better
    assert (anchor.utc_zero_ms, anchor.quality) == (
        (1_000_000 + moved_ms, offered) if is_better else (1_000_000, known)
    )


def test_a_crystal_that_drifts_is_followed_in_steps_of_half_a_second():
    anchor, taken_count, worst_ms = Anchor(), 0, 0
    day_ms = 86_400_000
    for mono_ms in range(0, 10 * day_ms, 4 * 3_600_000):
        utc_ms = 1_768_509_600_000 + mono_ms + mono_ms * 40 // 1_000_000
        taken_count += anchor.offer(mono_ms, utc_ms, SYNCED)
        worst_ms = max(worst_ms, abs(anchor.moved_ms(mono_ms, utc_ms)))
    assert anchor.step_count == 0 and worst_ms <= 500
    assert taken_count <= 61, "35 s in ten days"


def test_a_clock_that_steps_is_followed_once_an_hour():
    anchor = Anchor()
    anchor.offer(1_000, 50_000_000, SYNCED)
    assert anchor.offer(2_000, 90_000_000_000, SYNCED)
    for mono_ms in (3_000, 3_601_999):
        assert not anchor.offer(mono_ms, 50_000_000, SYNCED)
    assert anchor.offer(3_602_000, 53_601_000, SYNCED)
    assert (anchor.utc_zero_ms, anchor.step_count) == (49_999_000, 2)
    assert not anchor.offer(9_000_000, 0, RTC)


def test_an_estimate_that_was_long_under_way_does_not_take_the_place_of_one_that_was_not():
    anchor = Anchor()
    assert anchor.offer(0, 1_000_000, ESTIMATED)
    assert not anchor.offer(10_000, 1_010_000 - 40_000, ESTIMATED)
    assert anchor.offer(20_000, 1_020_000 + 700, ESTIMATED), "that one was faster"
    assert anchor.offer(30_000, 1_030_000 - 90_000, ESTIMATED), "no message takes that long"


def test_the_names_of_the_qualities_are_those_of_the_specification():
    assert [QUALITY_NAMES[each] for each in (SYNCED, RTC, ESTIMATED, UNKNOWN)] == [
        "synced",
        "rtc",
        "estimated",
        "unknown",
    ]
