"""Is a sample worth recording: the rules of SPEC section 2, one by one."""

import pytest
from sampling import DRIFT, LABEL, RARE, SIGNED, STATE, VOLTS, Device

from tidegate.limits import TICKS_MASK_MS, TICKS_PERIOD_MS
from tidegate.observe.catalogue import LOG_NAMES, ROWS, Catalogue, is_valid


def test_the_first_value_of_an_id_is_recorded_whatever_it_is():
    device = Device()
    device.turn(0)
    for observation_id, value in ((STATE, 0), (VOLTS, 0), (DRIFT, 0), (LABEL, "a"), (SIGNED, b"")):
        assert device.offer(observation_id, value) == "recorded"


def test_exact_records_each_change_and_nothing_else():
    device = Device()
    device.turn(0)
    offered = [device.offer(STATE, value) for value in (1, 1, 2, 1, 1)]
    assert offered == ["recorded", "unchanged", "recorded", "recorded", "unchanged"]


@pytest.mark.parametrize("sign", [1, -1])
def test_deadband_records_what_is_beyond_the_bound_and_not_what_is_on_it(sign):
    device = Device()
    device.turn(0)
    device.offer(VOLTS, 0)
    assert device.offer(VOLTS, 5 * sign) == "within_bound"
    assert device.offer(VOLTS, 0) == "unchanged"
    assert device.offer(VOLTS, 6 * sign) == "recorded"
    assert device.offer(VOLTS, 1 * sign) == "within_bound", "the bound is counted from the report"


def test_a_slow_drift_cannot_hide():
    device = Device()
    device.turn(0)
    reported = None
    for value in range(-40, 41):
        if device.offer(VOLTS, value) == "recorded":
            reported = value
        assert abs(value - reported) <= 5


@pytest.mark.parametrize("now_ms", [0, TICKS_MASK_MS - 30_000, TICKS_MASK_MS, TICKS_PERIOD_MS])
def test_a_heartbeat_repeats_a_standing_value_when_due_and_not_before(now_ms):
    device = Device(now_ms)
    device.turn(now_ms)
    device.offer(VOLTS, 7)
    for passed_ms, verdict in (
        (59_999, "unchanged"),
        (60_000, "recorded"),
        (119_999, "unchanged"),
        (120_500, "recorded"),
        (180_499, "unchanged"),
        (180_500, "recorded"),
    ):
        device.turn(now_ms + passed_ms)
        assert device.offer(VOLTS, 7) == verdict, passed_ms


def test_a_change_puts_the_heartbeat_off():
    device = Device()
    device.turn(0)
    device.offer(VOLTS, 0)
    device.turn(59_000)
    device.offer(VOLTS, 20)
    device.turn(118_999)
    assert device.offer(VOLTS, 21) == "within_bound"
    device.turn(119_000)
    assert device.offer(VOLTS, 21) == "recorded"


def test_a_heartbeat_records_the_present_value_within_the_bound():
    device = Device()
    device.turn(0)
    device.offer(VOLTS, 0)
    device.turn(60_000)
    device.offer(VOLTS, 4)
    assert device.durable[-1][3] == 4
    assert device.offer(VOLTS, 9) == "within_bound", "the comparator is what was recorded"


def test_a_heartbeat_of_zero_never_comes():
    device = Device()
    device.turn(0)
    device.offer(STATE, 1)
    for day in range(1, 40):
        device.turn(day * 86_400_000)
        assert device.offer(STATE, 1) == "unchanged"


def test_a_heartbeat_of_a_day_comes_every_day_for_weeks():
    device = Device()
    device.turn(0)
    device.offer(RARE, 5)
    for hour in range(1, 24 * 30):
        device.turn(hour * 3_600_000)
        assert device.offer(RARE, 5) == ("unchanged" if hour % 24 else "recorded"), hour


def test_a_heartbeat_stays_due_however_long_no_sample_comes():
    device = Device()
    device.turn(0)
    device.offer(VOLTS, 7)
    device.offer(LABEL, "a")
    for hour in range(1, TICKS_PERIOD_MS // 3_600_000 + 1):
        device.turn(hour * 3_600_000)
    device.turn(TICKS_PERIOD_MS + 10_000)
    assert device.offer(VOLTS, 7) == "recorded"
    assert device.offer(VOLTS, 7) == "unchanged"
    assert device.offer(LABEL, "a") == "recorded"


def test_the_comparator_stays_where_it_was_when_the_append_failed():
    device = Device()
    device.turn(0)
    device.offer(VOLTS, 0)
    device.is_full = True
    assert [device.offer(VOLTS, 20) for _ in range(3)] == ["full"] * 3
    device.is_full = False
    assert device.offer(VOLTS, 20) == "recorded", "what failed is tried again by the next sample"
    device.is_full = True
    assert device.offer(VOLTS, 0) == "full"
    assert device.offer(VOLTS, 22) == "within_bound"


def test_a_failed_append_does_not_put_the_heartbeat_off():
    device = Device()
    device.turn(0)
    device.offer(VOLTS, 0)
    device.is_full = True
    device.turn(60_000)
    assert device.offer(VOLTS, 0) == "full"
    device.is_full = False
    device.turn(60_001)
    assert device.offer(VOLTS, 0) == "recorded"


def test_an_unchanged_world_records_nothing_after_a_reboot():
    device = Device()
    device.turn(0)
    world = ((STATE, 1), (VOLTS, 5), (DRIFT, 9), (LABEL, "Wifi"), (SIGNED, b"abc"))
    for observation_id, value in world:
        device.offer(observation_id, value)
    device.boot()
    device.turn(1_000_000)
    for observation_id, value in world:
        assert device.offer(observation_id, value) == "unchanged"


def test_heartbeats_of_restored_values_count_from_the_first_turn_of_the_boot():
    device = Device()
    device.turn(0)
    device.offer(VOLTS, 0)
    device.boot()
    device.turn(12_300)
    assert device.offer(VOLTS, 0) == "unchanged"
    device.turn(12_300 + 59_999)
    assert device.offer(VOLTS, 0) == "unchanged"
    device.turn(12_300 + 60_000)
    assert device.offer(VOLTS, 0) == "recorded"


def test_the_last_restored_value_counts():
    device = Device()
    for value in (1, 2, 3):
        device.suppressor.restore(STATE, 1, value, False)
    device.turn(0)
    assert device.offer(STATE, 3) == "unchanged"


def test_restored_ids_that_the_catalogue_no_longer_has_are_passed():
    device = Device()
    device.suppressor.restore(4_000, 1, 1, False)
    device.turn(0)
    assert device.offer(4_000, 1) == "refused"


@pytest.mark.parametrize("value", ["text", b"bytes", 10**9])
def test_a_restored_value_that_the_catalogue_refuses_today_compares_with_nothing(value):
    device = Device()
    device.suppressor.restore(VOLTS, 1, value, False)
    device.turn(0)
    assert device.offer(VOLTS, 3) == "recorded"


def test_opaque_values_are_compared_by_content_and_a_buffer_may_be_used_again():
    device = Device()
    device.turn(0)
    buffer = bytearray(b"abc")
    assert device.offer(SIGNED, buffer) == "recorded"
    buffer[0] = 0x7A
    assert device.offer(SIGNED, b"abc") == "unchanged"
    assert device.offer(SIGNED, buffer) == "recorded"


def test_the_shipped_catalogue_is_sound_and_each_row_takes_its_limits():
    catalogue = Catalogue()
    for index, row in enumerate(ROWS):
        assert catalogue.index(row[0]) == index
        assert row[5] in range(len(LOG_NAMES))
        for limit in (row[12], row[13]):
            value = limit if row[2] == 0 else "x" * limit if row[2] == 1 else b"x" * limit
            assert is_valid(row, value)
