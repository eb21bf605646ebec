"""Every observation arrives; twice only where a confirmation was lost. See `uplink_story`."""

import pytest
from fakes import Random
from hypothesis import given
from hypothesis import strategies as st
from uplink_story import EVENTS, Story

STORIES = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 120)), max_size=60)


@given(st.booleans(), STORIES)
def test_any_interleaving_delivers_everything_and_repeats_nothing_in_vain(is_echo, events):
    story = Story(is_echo)
    story.tell(events)
    story.end()


def live(seed, is_echo, event_count):
    chance = Random(seed)
    story = Story(is_echo)
    try:
        story.live(chance, event_count)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    return story


@pytest.mark.parametrize("is_echo", [True, False], ids=["echo", "puback"])
@pytest.mark.parametrize("seed", range(3))
def test_a_long_life_with_a_ring_that_turns(is_echo, seed):
    story = live(seed, is_echo, 500)
    assert story.gone["telemetry"], "it was long enough for something to give way"


@pytest.mark.long
@pytest.mark.parametrize("is_echo", [True, False], ids=["echo", "puback"])
@pytest.mark.parametrize("seed", range(100, 140))
def test_a_very_long_life(is_echo, seed):
    live(seed, is_echo, 2_000)
