"""Any samples in any turns, with full flash and reboots in between, against the oracle."""

from hypothesis import given
from hypothesis import strategies as st
from sampling import (
    DIAL, DRIFT, ENERGY, LABEL, MODE, POWER, RARE, SHARE, SIGNED, STATE, VOLTS, Device, Oracle,
)

from tidegate.limits import TICKS_PERIOD_MS

IDS = (STATE, VOLTS, DRIFT, DRIFT, ENERGY, ENERGY, LABEL, SIGNED, RARE, POWER, DIAL, SHARE, MODE)
VALUES = {
    STATE: st.integers(0, 2),
    LABEL: st.sampled_from(["a", "b", "abcd", "abcde", "éé"]),
    SIGNED: st.sampled_from([b"", b"a", b"abc", b"abcd", bytearray(b"ab")]),
    RARE: st.sampled_from([0, 1, (1 << 64) - 1]),
    POWER: st.integers(-30, 30) | st.integers(90, 130) | st.sampled_from([8, 9, 10, 11]),
    ENERGY: st.integers(0, 60),
    MODE: st.integers(0, 1),
    DIAL: st.integers(0, 3),
}
STRANGE = st.sampled_from([True, None, 1.5, 1 << 64, "", b"x", -1])
SAMPLE = st.sampled_from(IDS).flatmap(lambda each: st.tuples(
    st.just(each), st.one_of(VALUES.get(each, st.integers(-20, 20)), STRANGE),
    st.sampled_from([None, None, 1, 2])))
PASS_MS = st.one_of(
    st.integers(0, 3_000),
    st.integers(19_000, 31_000),
    st.sampled_from([1_000, 1_000, 59_999, 60_000, 89_999, 90_000, 600_000, 86_400_000]),
)
TURNS = st.lists(
    st.tuples(PASS_MS, st.sampled_from(["", "", "", "", "full", "boot"]),
              st.lists(SAMPLE, max_size=8)), max_size=30,
)
BEGIN_MS = st.one_of(
    st.just(0), st.integers(TICKS_PERIOD_MS - 200_000, TICKS_PERIOD_MS + 10), st.just(1 << 40)
)


@given(BEGIN_MS, TURNS, st.sampled_from([0, 300, 1_023]))
def test_each_sample_meets_the_fate_that_the_specification_gives_it(begin_ms, turns, phase):
    device, oracle = Device(begin_ms, phase=phase), Oracle(phase=phase)
    now_ms = begin_ms
    for pass_ms, event, samples in turns:
        if event == "boot":
            device.boot()
            oracle.boot()
        device.is_full = oracle.is_full = event == "full"
        now_ms += pass_ms
        device.turn(now_ms)
        oracle.begin(now_ms)
        for observation_id, value, stamp in samples:
            expected = oracle.sample(observation_id, value, stamp)
            assert device.offer(observation_id, value, stamp) == expected
            assert [each[2:] for each in device.durable] == oracle.durable
        device.end()
        oracle.end()
        assert [each[2:] for each in device.durable] == oracle.durable
