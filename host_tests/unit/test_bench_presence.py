"""How soon an end is missed: what the figures rest on."""

import pytest

from tidegate_tools import bench, bench_presence
from tidegate_tools.bench_presence import World


def test_every_question_and_answer_is_counted_with_its_segments():
    world = World(55)
    total = world.day_bytes()
    stream = world.stream
    assert stream.sent_count == stream.answer_count and 3_000 < stream.sent_count < 3_200
    assert total == stream.sent_count * (2 + 40 + 2 + 40 + 40)
    assert World(55).day_bytes(29) == total + 2 * 29 * stream.sent_count


@pytest.mark.parametrize("alive_ms", [0, 1, 26_999, 27_500, 123_456])
def test_the_moment_of_death_counts_not_that_of_the_turn_before(alive_ms):
    assert 13_000 < World(55).found_ms(alive_ms) <= 42_000


def test_the_figures_hold_their_bounds():
    figures = bench_presence.run(lambda step: None)
    assert not any(figure.is_broken for figure in figures)
    assert sum(figure.must is not None for figure in figures) == 3
    assert bench.BENCHES["presence"] == bench_presence.__name__
