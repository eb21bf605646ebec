"""A deadband whose signal swings: decided as SPEC 2.2 has it, and told from its middle."""

from hypothesis import example, given
from hypothesis import strategies as st
from sampling import POWER, SHARE, VOLTS, Device, Oracle

# How far a report stands: within the tables of `sampling`.
BOUND = 5
WAVE = [*range(BOUND, -BOUND - 1, -1), *range(-BOUND, BOUND + 1)]
# (id, lowest, highest value, ms between turns)
KINDS = ((VOLTS, -6, 7, 1_000), (POWER, 50, 63, 6_000), (POWER, -4, 20, 6_000),
         (SHARE, 0, 100, 500))


def walk(kind, steps):
    """Values that go to and fro between the ends of a kind."""
    _, low, high, _ = kind
    value, values = low, []
    for step in steps:
        value += step
        if not low <= value <= high:
            value = low if value < low else high
        values.append(value)
    return values


@given(st.sampled_from(KINDS), st.lists(st.integers(-9, 9), min_size=20, max_size=80),
       st.sets(st.integers(0, 79), max_size=2))
@example(KINDS[0], [13, -13] * 4 + [1] * 12 + [-13, 13] * 4, set())
def test_every_sample_of_a_swing_meets_the_fate_that_the_specification_gives_it(
        kind, steps, boots):
    device, oracle = Device(), Oracle()
    observation_id, _, _, pass_ms = kind
    for number, value in enumerate(walk(kind, steps), 1):
        if number in boots:
            device.boot()
            oracle.boot()
        device.turn(number * pass_ms)
        oracle.begin(number * pass_ms)
        assert device.offer(observation_id, value) == oracle.sample(observation_id, value)
        device.end()
        oracle.end()
        assert [each[2:] for each in device.durable] == oracle.durable


def test_a_wave_of_twice_its_bound_is_told_from_its_middle_and_then_no_more():
    device = Device()
    for number, value in enumerate(20 * WAVE):
        device.turn(100 * number)
        device.offer(VOLTS, value)
        device.end()
    told = [value for value, _ in device.reports(VOLTS)]
    assert told == [5, -1, 5, 0], "both ends, and the middle"


def test_a_wider_wave_has_no_middle():
    device = Device()
    for number, value in enumerate(3 * [-6, 0, 6, 0]):
        device.turn(100 * number)
        device.offer(VOLTS, value)
        device.end()
    assert [value for value, _ in device.reports(VOLTS)] == 3 * [-6, 0, 6, 0]
