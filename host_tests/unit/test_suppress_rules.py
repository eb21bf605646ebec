"""Suppression in detail: settle time, zero, second bounds, stamps, fuses, other policies."""

import pytest
from sampling import DIAL, DRIFT, ENERGY, MODE, POWER, ROWS, SHARE, STATE, VOLTS, Device

from tidegate.clock.monotonic import Monotonic
from tidegate.diag.counters import REASON_NAMES
from tidegate.diag.trail import Trail
from tidegate.limits import (
    FUSE_COUNT, FUSE_REFILL_MS, FUSE_SHARED_COUNT, FUSE_SHARED_REFILL_MS,
)
from tidegate.observe.catalogue import SUPPRESSED_ID

WARNING_ROW = (SUPPRESSED_ID, "SuppressedSamples", 1, "", 0, 0, 0, 0, 0, 0, 0, 0, 1, 64)


def live(device, observation_id, values, begin_ms=0, step_ms=1_000):
    """One sample a turn. Result: the verdicts."""
    verdicts = []
    for number, value in enumerate(values):
        device.turn(begin_ms + number * step_ms)
        verdicts.append(device.offer(observation_id, value))
        device.end()
    return verdicts


def test_a_burst_inside_the_settle_time_ends_with_its_trailing_value_at_its_own_moment():
    device = Device()
    live(device, DIAL, [1, 2, 3, 4], step_ms=500)
    device.turn(2_999)
    device.end()
    assert device.reports(DIAL) == [(1, 0)]
    device.turn(3_000)
    device.end()
    assert device.reports(DIAL) == [(1, 0), (4, 1_500)]


def test_a_burst_that_comes_back_within_the_settle_time_leaves_nothing():
    device = Device()
    assert live(device, DIAL, [1, 2, 1, 1, 1, 1]) == [
        "recorded", "settling", "unchanged", "unchanged", "unchanged", "unchanged"]
    assert device.reports(DIAL) == [(1, 0)]


def test_a_state_waits_for_no_settle_time_and_not_for_that_of_another_observation():
    device = Device()
    device.turn(0)
    device.offer(POWER, 50)
    device.offer(STATE, 0)
    device.turn(1_000)
    assert device.offer(POWER, 80) == "settling"
    assert device.offer(STATE, 1) == "recorded"


def test_a_crossing_to_or_from_zero_and_a_change_of_sign_pass_inside_the_settle_time():
    device = Device()
    assert live(device, POWER, [50, 8, 11, -11, 60]) == ["recorded"] * 5


def test_idle_noise_is_zero_with_a_quarter_of_the_band_as_hysteresis():
    device = Device()
    assert live(device, POWER, [0, 8, -8, 9, 10, -10], step_ms=100) == [
        "recorded"] + ["within_bound"] * 5
    assert live(device, POWER, [11, 9, 9, 8], 600, 100) == [
        "recorded", "within_bound", "within_bound", "recorded"]


def test_a_second_bound_holds_above_its_threshold():
    device = Device()
    assert live(device, POWER, [100, 106, 120, 126, 127], step_ms=6_000) == [
        "recorded", "recorded", "within_bound", "within_bound", "recorded"]


def test_a_bound_per_mille_is_taken_of_the_range():
    device = Device()
    assert live(device, SHARE, [50, 55, 45, 44]) == [
        "recorded", "within_bound", "within_bound", "recorded"]


def test_a_standing_stamp_with_the_same_value_never_passes_not_even_as_a_heartbeat():
    device = Device()
    device.turn(0)
    assert device.offer(VOLTS, 1, 7) == "recorded"
    device.turn(600_000)
    assert device.offer(VOLTS, 1, 7) == "repeated"
    assert device.offer(VOLTS, 20, 7) == "recorded"
    assert device.offer(VOLTS, 20, 8) == "unchanged"


def test_a_source_gone_mad_is_bounded_and_a_sane_one_beside_it_is_not():
    device = Device(rows=(*ROWS, WARNING_ROW))
    for second in range(3_600):
        device.turn(second * 1_000)
        for value in (0, 9) * 25:
            device.offer(VOLTS, value)
        device.offer(STATE, second // 60 % 2)
        device.end()
    longest = FUSE_COUNT + FUSE_SHARED_COUNT + (
        3_600_000 // FUSE_REFILL_MS + 3_600_000 // FUSE_SHARED_REFILL_MS)
    assert longest - 3 <= len(device.reports(VOLTS)) <= longest
    assert len(device.reports(STATE)) == 60, "each true change of state arrives"
    assert [value for value, _ in device.reports(SUPPRESSED_ID)] == [f"{VOLTS} 1"]
    assert device.counters.fused > 100_000


def test_a_fuse_tells_how_much_it_held_up_keeps_the_newest_value_and_heals():
    monotonic, said = Monotonic((1 << 30) - 1), []
    monotonic.update(0)
    device = Device(rows=(*ROWS, WARNING_ROW), trail=Trail(monotonic, said.append))
    device.turn(0)
    for number in range(200):
        device.offer(VOLTS, number % 2 * 9)
    device.offer(VOLTS, 33)
    device.end()
    held_up = device.counters.fused
    for second in range(0, 400, 10):
        device.turn(10_000 + second * 1_000)
        device.end()
    assert device.reports(VOLTS)[-1] == (33, 0)
    assert [value for value, _ in device.reports(SUPPRESSED_ID)] == [
        f"{VOLTS} 1", f"{VOLTS} {held_up}"]
    assert "begins count=1 id=20 reason=fused" in said[0]
    assert f"ended count={held_up} id=20" in said[1]
    assert live(device, VOLTS, [0], 36_000_000) == ["recorded"]


def test_what_a_trend_holds_is_reported_before_the_state_that_it_belongs_to():
    device = Device()
    device.turn(0)
    device.offer(MODE, 3)
    live(device, ENERGY, [0, 2, 4, 6], 0)
    device.turn(4_000)
    device.offer(MODE, 5)
    assert [each[2:4] for each in device.durable[-2:]] == [(ENERGY, 6), (MODE, 5)]
    assert device.reports(ENERGY)[-1] == (6, 3_000)


def test_a_trend_goes_on_from_what_a_state_has_made_it_report():
    device = Device()
    device.turn(0)
    device.offer(MODE, 3)
    live(device, ENERGY, [0, 2, 3, 3, 4])
    device.turn(5_000)
    device.offer(MODE, 5)
    assert live(device, ENERGY, [9, 14, 19], 5_000) == ["within_bound"] * 3
    device.turn(8_000)
    device.offer(MODE, 3)
    assert device.reports(ENERGY) == [(0, 0), (4, 4_000), (19, 7_000)]


def test_a_trend_reports_a_ramp_by_its_ends_and_holds_no_longer_than_it_may():
    device = Device()
    live(device, DRIFT, range(0, 120, 2))
    moments = [moment for _, moment in device.reports(DRIFT)]
    assert moments == [0, 32_000], "away from 2 s on, held for 30"


def test_after_a_reboot_a_trend_that_stands_still_reports_nothing_and_one_that_moves_does():
    device = Device()
    live(device, DRIFT, [10] * 5)
    device.boot()
    live(device, DRIFT, [10, 11, 10, 12] * 20, 0)
    assert len(device.durable) == 1
    live(device, DRIFT, [30, 31], 100_000)
    assert device.reports(DRIFT)[1:] == [(12, 79_000)], "where the line leaves, in this boot"


def test_heartbeats_come_early_by_the_share_of_the_device_unless_they_follow_another():
    due = {}
    for phase in (0, 512, 1_023):
        device = Device(phase=phase)
        due[phase] = [second for second, verdict in enumerate(
            live(device, VOLTS, [7] * 130)) if verdict == "recorded"]
    assert due == {0: [0, 60, 120], 512: [0, 46, 106], 1_023: [0, 31, 91]}


def test_another_policy_takes_effect_at_the_next_sample_and_makes_no_heartbeat_due():
    device = Device()
    live(device, VOLTS, [0] * 50)
    live(device, POWER, [50] * 2, 50_000)
    device.change({VOLTS: {"bound": 2, "heartbeat_s": 10},
                   "70": {"policy": "trend", "max_hold_s": 30}})
    device.turn(52_000)
    assert device.offer(VOLTS, 2) == "within_bound"
    assert device.offer(VOLTS, 3) == "recorded"
    assert device.offer(POWER, 51) == "within_bound"
    device.change({})
    device.turn(53_000)
    assert device.offer(VOLTS, 8) == "within_bound"
    assert [each[2:] for each in device.durable] == [
        (VOLTS, 0, 0), (POWER, 50, 50_000), (VOLTS, 3, 52_000),
        (POWER, 51, 52_000)], "what was held is told when there is no trend any more"


@pytest.mark.parametrize("reason", ["repeated", "refused", "full"])
def test_the_trail_has_the_first_and_the_last_of_a_suppressed_run(reason):
    monotonic, said = Monotonic((1 << 30) - 1), []
    monotonic.update(0)
    device = Device(trail=Trail(monotonic, said.append))
    device.turn(0)
    device.offer(VOLTS, 1, 7)
    device.end()
    for second in range(1, 200):
        device.is_full = reason == "full"
        device.turn(second * 1_000)
        if second <= 100:
            sample = {"repeated": (1, 7), "refused": (41, 7), "full": (9, second)}[reason]
            assert device.offer(VOLTS, *sample) == reason
        device.end()
    assert len(said) == 2, said
    assert f"suppressed run begins count=1 id=20 reason={reason}" in said[0]
    assert f"ended count=100 id=20 quiet_ms=60000 reason={reason}" in said[1]


def test_each_suppressed_sample_is_counted_under_its_observation_and_its_reason():
    device = Device()
    live(device, DIAL, [1, 2, 1])
    live(device, VOLTS, [0, 4, 4, 0], 5_000)
    places = {row[0]: number for number, row in enumerate(ROWS)}
    reasons = [REASON_NAMES.index(name) for name in ("unchanged", "within_bound", "settling")]
    for observation_id, expected in ((DIAL, [1, 0, 1]), (VOLTS, [1, 2, 0])):
        found = [device.counters.tally.count(reason, places[observation_id])
                 for reason in reasons]
        assert found == expected
