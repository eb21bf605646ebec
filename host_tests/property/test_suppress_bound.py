"""What a receiver makes of the reports is within the bound at every sample, in integers."""

from hypothesis import example, given
from hypothesis import strategies as st
from sampling import DRIFT, ENERGY, POWER, ROWS, VOLTS, Device
from tidegate_tools.suppression_model import Quantity
from tidegate_tools.suppression_rules import EXCUSED

QUANTITIES = {row[0]: Quantity(row) for row in ROWS}
LIMITS = {VOLTS: (-40, 40), DRIFT: (-200, 200), ENERGY: (0, 400), POWER: (-300, 300)}
# What a series is made of: (shape, how many samples, by how much).
PIECES = st.lists(
    st.tuples(st.sampled_from(["step", "spike", "drift", "edge", "noise", "still"]),
              st.integers(1, 30), st.integers(-45, 45)), min_size=1, max_size=14,
)
NOISE = st.lists(st.integers(-3, 3), min_size=1, max_size=40)
PASS_MS = st.lists(
    st.sampled_from([1, 40, 999, 1_000, 1_000, 1_001, 3_000]), min_size=1, max_size=9
)


def series(pieces, noise, low, high):
    """Steps, spikes, drifts, plateaus, and noise at the bound, as one list of values."""
    values, level = [], 0
    for shape, count, size in pieces:
        if shape == "step":
            level += size
        for number in range(count):
            offset = noise[number % len(noise)]
            if shape == "drift":
                level += (size > 0) - (size < 0)
            reach = {"spike": size if number == 0 else 0, "noise": 2 * offset,
                     "edge": 5 if number % 2 else -offset}.get(shape, 0)
            values.append(max(low, min(high, level + reach)))
        level = max(low, min(high, level))
    return values


def play(observation_id, values, steps, events=()):
    """[(moment, value, verdict)] and the device, one sample a turn; it reboots at `events`."""
    device, fates, now_ms = Device(), [], 0
    for number, value in enumerate(values):
        now_ms += steps[number % len(steps)]
        device.is_full = events.get(number) == "full" if events else False
        device.turn(now_ms)
        fates.append((now_ms, value, device.offer(observation_id, value)))
        device.end()
    return device, fates


def held_error(quantity, reported, value):
    """By how much a sample is beyond what the report before stands for: 0 where it is not."""
    band = quantity.zero_band
    if band and abs(reported) <= band + band // 4 and abs(value) <= band + band // 4:
        return 0
    return max(0, abs(value - reported) - quantity.bound(reported))


def check_held(quantity, reports, fates):
    """A deadband: the last report stands for each sample that no rule excused."""
    for at_ms, value, verdict in fates:
        before = [each[0] for each in reports if each[1] <= at_ms]
        if verdict not in EXCUSED:
            assert held_error(quantity, before[-1], value) == 0, (at_ms, value, verdict)


def check_line(quantity, reports, fates):
    """A trend: the line between neighbours is within the bound; the tail as long as it may."""
    moments = [moment for _, moment in reports]
    assert moments == sorted(set(moments)), "real samples, in order, each once"
    assert set(reports) <= {(value, at_ms) for at_ms, value, _ in fates}
    bound = quantity.bound(0)
    for (first, first_ms), (last, last_ms) in zip(reports, reports[1:]):
        span = last_ms - first_ms
        for at_ms, value, verdict in fates:
            if first_ms < at_ms < last_ms and verdict not in EXCUSED:
                off = (value - first) * span - (last - first) * (at_ms - first_ms)
                assert abs(off) <= bound * span, (at_ms, value, verdict)


def check_waits(quantity, device, fates, observation_id):
    """No sample is unknown to the receiver for longer than hold and settle time together."""
    reports = device.reports(observation_id)
    away_ms = None
    for at_ms, value, _ in fates:
        told = [each[0] for each in reports if each[1] <= at_ms]
        is_away = abs(value - told[-1]) > quantity.bound(told[-1])
        away_ms = (away_ms if away_ms is not None else at_ms) if is_away else None
        if away_ms is not None:
            longest_ms = quantity.hold_ms + 2 * quantity.settle_ms + 6_000
            assert at_ms - away_ms <= longest_ms, (at_ms, value)


COUNTEREXAMPLE = [("step", 1, 0), ("edge", 30, 1), ("edge", 31, 1), ("edge", 40, 0),
                  ("edge", 26, 0), ("step", 2, 0), ("edge", 37, 0), ("step", 40, 9),
                  ("step", 40, 0)]
EVENTS = st.dictionaries(st.integers(0, 120), st.just("full"), max_size=12)


@given(st.sampled_from([DRIFT, ENERGY]), PIECES, NOISE, PASS_MS, EVENTS)
@example(DRIFT, COUNTEREXAMPLE, [3], [1_000], {})
@example(ENERGY, COUNTEREXAMPLE, [3], [1_000], {})
def test_every_sample_of_a_trend_is_within_the_bound_of_the_line(
    observation_id, pieces, noise, steps, events
):
    quantity = QUANTITIES[observation_id]
    values = series(pieces, noise, *LIMITS[observation_id])
    device, fates = play(observation_id, values, steps, events)
    check_line(quantity, device.reports(observation_id), fates)
    if not events and fates[-1][2] != "fused":
        check_waits(quantity, device, fates, observation_id)


@given(st.sampled_from([VOLTS, POWER]), PIECES, NOISE, PASS_MS, EVENTS)
def test_every_sample_of_a_deadband_is_within_the_bound_of_the_last_report(
    observation_id, pieces, noise, steps, events
):
    values = series(pieces, noise, *LIMITS[observation_id])
    device, fates = play(observation_id, values, steps, events)
    events.pop(0, None)
    reports = device.reports(observation_id)
    check_held(QUANTITIES[observation_id],
               reports, [each for each in fates if reports and each[0] >= reports[0][1]])


CHANGES = st.dictionaries(st.integers(1, 90), st.sampled_from([1, 2, 3, 9]), max_size=6)


@given(st.sampled_from([VOLTS, DRIFT, ENERGY]), PIECES, NOISE, PASS_MS, CHANGES)
@example(DRIFT, [("still", 5, 0), ("drift", 5, 1)], [0], [1], {1: 1, 4: 2})
def test_while_bounds_change_each_sample_is_within_the_one_that_held_for_it(
    observation_id, pieces, noise, steps, changes
):
    device, fates, now_ms = Device(), [], 0
    bound = QUANTITIES[observation_id].bound(0)
    for number, value in enumerate(series(pieces, noise, *LIMITS[observation_id])):
        if number in changes:
            bound = changes[number]
            device.change({observation_id: {"bound": bound}})
        now_ms += steps[number % len(steps)]
        device.turn(now_ms)
        fates.append((now_ms, value, device.offer(observation_id, value), bound))
        device.end()
    reports = device.reports(observation_id)
    for (first, first_ms), (last, last_ms) in zip(reports, reports[1:] + [(None, now_ms + 1)]):
        span_ms = last_ms - first_ms
        for at_ms, value, verdict, bound in fates:
            if not first_ms < at_ms < last_ms or verdict in EXCUSED:
                continue
            if observation_id == VOLTS:
                assert abs(value - first) <= bound, (at_ms, value)
            elif last is not None:
                off = (value - first) * span_ms - (last - first) * (at_ms - first_ms)
                assert abs(off) <= bound * span_ms, (at_ms, value)


@given(st.sampled_from([VOLTS, POWER, DRIFT]), PIECES, NOISE)
def test_the_last_value_of_a_burst_arrives_though_no_sample_follows(observation_id, pieces, noise):
    values = series(pieces, noise, *LIMITS[observation_id])
    device, fates = play(observation_id, values, [40])
    quantity = QUANTITIES[observation_id]
    # A burst that has blown the fuse waits for a token of its own and one of the device.
    for number in range(1, 80):
        device.turn(fates[-1][0] + 5_000 * number)
        device.end()
    told = device.reports(observation_id)[-1][0]
    assert held_error(quantity, told, values[-1]) == 0
