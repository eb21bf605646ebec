"""What the receiver is told of the time of what was taken before, after and without an anchor."""

import dating_world
import pytest
from dating_world import YEAR_MS, DatingWorld

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def lived(*boots):
    """A world after boots of (what happens first, ms to the samples, what happens then, ms away
    after it)."""
    world = DatingWorld(0)
    for number, (first, pass_ms, then, away_ms) in enumerate(boots):
        first(world)
        world.wait(pass_ms)
        for _ in range(3):
            world.wait(250)
            world.sample()
        then(world)
        if number < len(boots) - 1:
            world.reboot(away_ms)
    world.read()
    return world


def nothing(world):
    pass


def sync(world):
    world.sync()


def echo(world):
    world.echo(2_000)


def rtc(error_ms):
    def shows(world):
        world.rtc_error_ms = error_ms
        world.wait(60_000)

    return shows


def gone(world):
    world.rtc_error_ms = None


def test_what_was_taken_before_the_first_answer_is_dated_by_it():
    world = lived((nothing, DAY_MS, sync, 0))
    assert world.dates() == {1: {("synced", None)}}


@pytest.mark.parametrize("away_ms", [0, 5_000, 3 * DAY_MS])
def test_a_boot_without_an_anchor_is_bounded_by_its_neighbours_and_marked(away_ms):
    world = lived(
        (sync, 0, nothing, away_ms), (nothing, HOUR_MS, nothing, 7_000), (sync, 0, sync, 0))
    assert world.dates() == {
        1: {("synced", None)},
        2: {("estimated", away_ms + 7_000)},
        3: {("synced", None)},
    }


def test_boots_in_a_row_without_an_anchor_share_the_time_that_is_not_accounted_for():
    world = lived(
        (sync, 0, nothing, 1_000),
        (nothing, HOUR_MS, nothing, 2_000),
        (nothing, DAY_MS, nothing, 4_000),
        (nothing, 0, sync, 0),
    )
    assert world.dates()[2] == world.dates()[3] == {("estimated", 7_000)}
    world.reboot(DAY_MS)
    world.read()
    assert world.dates()[2] == {("estimated", 7_000)}, "it outlives the boot that found it"


def test_while_the_present_boot_has_no_time_either_nothing_is_claimed():
    world = lived(
        (sync, 0, nothing, DAY_MS), (nothing, HOUR_MS, nothing, 0), (nothing, 0, nothing, 0))
    assert world.dates()[2] == world.dates()[3] == {("unknown", None)}
    world = lived((nothing, 0, nothing, 0), (sync, 0, nothing, 0))
    assert world.dates()[1] == {("unknown", None)}, "no boot before it says since when"


def test_a_clock_chip_bounds_nobody_since_it_may_be_off_by_years():
    wrong = rtc(-3 * YEAR_MS // 4)
    world = lived((wrong, 0, gone, DAY_MS), (nothing, 0, nothing, DAY_MS), (sync, 0, nothing, 0))
    assert world.dates() == {1: {("rtc", None)}, 2: {("unknown", None)}, 3: {("synced", None)}}


@pytest.mark.parametrize("error_ms", [10 * YEAR_MS, -3 * YEAR_MS // 4, 5_000])
def test_an_answer_redates_what_the_clock_chip_dated_in_this_boot_and_the_one_before(error_ms):
    world = lived((rtc(error_ms), HOUR_MS, sync, 0))
    assert world.dates() == {1: {("synced", None)}}
    world.reboot(1_000)
    world.read()
    assert world.dates()[1] == {("synced", None)}


@pytest.mark.parametrize("year_ms", [10 * YEAR_MS, -3 * YEAR_MS // 4])
def test_a_clock_that_leaps_by_years_and_back_redates_nothing_that_is_stored(year_ms):
    world = DatingWorld(0)
    world.rtc_error_ms = 0
    for error_ms in (0, year_ms, 0):
        world.rtc_error_ms = error_ms
        world.wait(2 * HOUR_MS)
        world.sample()
        world.read()
    errors = []
    for batch in world.batches:
        for _, delta_ms, _, number in batch["obs"]:
            errors.append(batch["utc"] + delta_ms - world.samples[number][1])
    assert [round(error / YEAR_MS * 4) for error in errors] == [
        0, round(year_ms / YEAR_MS * 4), 0]
    assert world.time.anchor.step_count == 2


def test_a_leap_within_the_hour_after_another_is_not_followed():
    world = DatingWorld(0)
    world.sync()
    world.time.offer(world.monotonic.now_ms, world.true_ms() + 60_000, dating_world.SYNCED)
    assert world.time.anchor.step_count == 1
    world.wait(HOUR_MS - 1)
    world.sync()
    assert world.time.anchor.step_count == 1
    world.wait(1)
    world.sync()
    assert world.time.anchor.step_count == 2
    assert world.time.time_ms(world.monotonic.now_ms) == world.true_ms()


def test_the_receiver_s_clock_serves_where_there_is_no_other():
    world = lived((echo, 0, nothing, HOUR_MS), (nothing, 0, nothing, 0), (sync, 0, nothing, 0))
    assert world.dates()[1] == {("estimated", None)}
    assert world.dates()[2] == {("estimated", HOUR_MS + 2_000)}, "2 s were the echo's way"
    world = lived((echo, 0, sync, 0))
    assert world.dates() == {1: {("synced", None)}}


@pytest.mark.parametrize("begin_ms", [2_147_483_640_000, 4_102_444_000_000, 1_735_689_700_000])
def test_2038_and_2100_are_years_like_others(begin_ms, monkeypatch):
    monkeypatch.setattr(dating_world, "BEGIN_MS", begin_ms)
    world = lived((sync, 0, nothing, 1_000), (nothing, 0, nothing, 1_000), (sync, 10_000, sync, 0))
    assert world.dates()[2] == {("estimated", 2_000)}
