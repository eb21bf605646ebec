"""Any samples in any turns, with full flash and reboots in between, against the oracle."""

from hypothesis import given
from hypothesis import strategies as st
from sampling import DRIFT, LABEL, RARE, SIGNED, STATE, VOLTS, Device, Oracle

from tidegate.limits import TICKS_PERIOD_MS

VALUES = st.one_of(
    st.integers(-45, 45),
    st.sampled_from(["", "a", "b", "abcd", "abcde", "éé", "ééé"]),
    st.sampled_from([b"", b"a", b"b", b"abc", b"abcd"]),
    st.sampled_from([True, None, 1.5, 1 << 64, (1 << 64) - 1]),
)
IDS = st.sampled_from([STATE, VOLTS, VOLTS, DRIFT, LABEL, SIGNED, RARE, 77])
SAMPLES = st.lists(st.tuples(IDS, VALUES), max_size=8)
PASS_MS = st.one_of(
    st.integers(0, 3_000),
    st.integers(29_000, 31_000),
    st.sampled_from([59_999, 60_000, 60_001, 89_999, 90_000, 86_399_999, 86_400_000]),
)
TURNS = st.lists(
    st.tuples(PASS_MS, st.sampled_from(["", "", "", "", "full", "boot"]), SAMPLES), max_size=30
)
BEGIN_MS = st.one_of(
    st.just(0), st.integers(TICKS_PERIOD_MS - 200_000, TICKS_PERIOD_MS + 10), st.just(1 << 40)
)


@given(BEGIN_MS, TURNS)
def test_each_sample_meets_the_fate_that_the_specification_gives_it(begin_ms, turns):
    device, oracle = Device(begin_ms), Oracle()
    now_ms = begin_ms
    for pass_ms, event, samples in turns:
        if event == "boot":
            device.boot()
            oracle.boot()
        device.is_full = event == "full"
        now_ms += pass_ms
        device.turn(now_ms)
        oracle.turn(now_ms)
        for observation_id, value in samples:
            expected = oracle.judge(observation_id, value, device.is_full)
            assert device.offer(observation_id, value) == expected


@given(st.lists(st.integers(-40, 40), min_size=1, max_size=200))
def test_the_receiver_is_never_off_by_more_than_the_bound(values):
    device = Device()
    device.turn(0)
    for value in values:
        device.offer(VOLTS, value)
        assert abs(device.durable[-1][3] - value) <= 5
