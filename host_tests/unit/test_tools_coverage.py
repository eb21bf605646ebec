"""The set of seqs behind an echo, against a plain set."""

from hypothesis import given
from hypothesis import strategies as st

from tidegate_tools.coverage import AHEAD_COUNT_MAX, Coverage

RANGES = st.lists(
    st.tuples(st.integers(1, 120), st.integers(0, 9)).map(
        lambda pair: (pair[0], pair[0] + pair[1])
    ),
    max_size=30,
)


@given(RANGES)
def test_coverage_holds_exactly_what_was_added(ranges):
    coverage = Coverage(ranges)
    model = {seq for first, last in ranges for seq in range(first, last + 1)}
    held = [seq for first, last in coverage.ranges for seq in range(first, last + 1)]
    assert held == sorted(model)
    assert all(a[1] + 1 < b[0] for a, b in zip(coverage.ranges, coverage.ranges[1:], strict=False))
    assert coverage.upto == next(seq for seq in range(1, 200) if seq not in model) - 1
    missing = [seq for first, last in coverage.holes(130) for seq in range(first, last + 1)]
    assert missing == [seq for seq in range(1, 131) if seq not in model]


@given(RANGES)
def test_what_an_echo_says_is_covered_and_at_most_sixteen_ranges(ranges):
    coverage = Coverage(ranges)
    ahead = coverage.ahead()
    assert len(ahead) <= AHEAD_COUNT_MAX and ahead == sorted(ahead)
    assert set(ahead) <= set(coverage.ranges)
    assert all(first > coverage.upto + 1 for first, _ in ahead)


def test_with_too_many_ranges_the_smallest_are_left_out():
    coverage = Coverage([(10 * n, 10 * n + n % 5) for n in range(1, 30)])
    sizes = sorted(last - first for first, last in coverage.ranges)[-AHEAD_COUNT_MAX:]
    assert sorted(last - first for first, last in coverage.ahead()) == sizes


def test_a_copy_is_independent():
    first = Coverage([(1, 3)])
    second = first.copy()
    second.add(4, 9)
    assert (first.upto, second.upto) == (3, 9)
