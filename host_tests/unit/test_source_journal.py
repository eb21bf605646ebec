"""The journal: a line before the samples are handed on, one for each turn, nothing changed."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import SourceError
from tidegate.limits import OBSERVATION_COUNT_MAX
from tidegate.sources.journal import JournalSource
from tidegate.sources.replay import ReplaySource
from tidegate.observe.catalogue import Catalogue
from tidegate.sources.simulated import SimulatedSource


class Listed:
    """A source that gives one list of samples each step."""

    def __init__(self, *turns):
        self.turns = list(turns)

    def step(self, elapsed_ms, emit):
        for sample in self.turns.pop(0):
            emit(*sample)


def decoded(line):
    """[(id, value)] of a line, as they were emitted."""
    return [
        (name, base64.b64decode(value["b64"], validate=True) if isinstance(value, dict) else value)
        for name, value in json.loads(line)["samples"]
    ]


def test_the_line_is_the_documented_one():
    lines = []
    journal = JournalSource(Listed([(501, 230_125), (721, "text"), (554, b"OCMF")]), lines.append)
    journal.turn(1, 12_345)
    journal.step(0, lambda *sample: None)
    assert lines == [
        '{"boot":1,"mono":12345,"samples":[[501,230125],[721,"text"],[554,{"b64":"T0NNRg=="}]]}\n'
    ]


def test_a_turn_is_written_before_its_first_sample_is_handed_on():
    order = []
    journal = JournalSource(Listed([(1, 10), (2, 20)], [(3, 30)]), lambda line: order.append("w"))
    for _ in range(2):
        journal.turn(1, 0)
        journal.step(0, lambda name, value: order.append(name))
    assert order == ["w", 1, 2, "w", 3]


def test_a_turn_without_samples_is_an_empty_line_of_its_own_time():
    lines = []
    journal = JournalSource(Listed([(1, 10)], []), lines.append)
    for mono_ms in (5, 2**40):
        journal.turn(7, mono_ms)
        journal.step(0, lambda *sample: None)
    assert json.loads(lines[1]) == {"boot": 7, "mono": 2**40, "samples": []}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5_000),
            st.integers(-(2**70), 2**70)
            | st.text(st.characters(codec="utf-8"))
            | st.binary(max_size=90)
            | st.booleans()
            | st.none(),
        )
    )
)
def test_what_is_handed_on_is_what_was_emitted_and_what_was_written(samples):
    lines, handed = [], []
    journal = JournalSource(Listed(samples), lines.append)
    journal.step(0, lambda *sample: handed.append(sample))
    assert handed == samples
    assert lines[0].endswith("\n") and lines[0].count("\n") == 1
    assert decoded(lines[0]) == samples
    for (_, emitted), (_, written) in zip(samples, decoded(lines[0])):
        assert type(emitted) is type(written)


def test_what_no_catalogue_allows_still_makes_a_line_of_json():
    lines, handed = [], []
    values = [float("nan"), 1.5, [1], {"a": 1}]
    journal = JournalSource(Listed([(9, value) for value in values]), lines.append)
    journal.step(0, lambda name, value: handed.append(value))

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    samples = json.loads(lines[0], parse_constant=refuse)["samples"]
    assert samples == [[9, {"other": str(value)}] for value in values]
    assert all(a is b for a, b in zip(handed, values))


def test_more_samples_than_the_catalogue_has_ids_are_all_kept():
    turn = [(name, name * 3) for name in range(2 * OBSERVATION_COUNT_MAX + 1)]
    lines, handed = [], []
    journal = JournalSource(Listed(turn, turn[:3]), lines.append)
    journal.step(0, lambda *sample: handed.append(sample))
    journal.step(0, lambda *sample: handed.append(sample))
    assert handed == turn + turn[:3]
    assert [decoded(line) for line in lines] == [turn, turn[:3]]


def test_a_line_that_cannot_be_written_hands_nothing_on():
    def full(line):
        raise OSError(28)

    handed = []
    journal = JournalSource(Listed([(1, 10)]), full)
    with pytest.raises(OSError):
        journal.step(0, lambda *sample: handed.append(sample))
    assert not handed


def test_a_source_that_fails_within_a_turn_hands_nothing_on_and_leaves_nothing_behind():
    class Failing:
        turn_count = 0

        def step(self, elapsed_ms, emit):
            self.turn_count += 1
            emit(1, self.turn_count)
            if self.turn_count == 1:
                raise SourceError("broken")

    lines, handed = [], []
    journal = JournalSource(Failing(), lines.append)
    with pytest.raises(SourceError):
        journal.step(0, lambda *sample: handed.append(sample))
    assert not lines and not handed
    journal.step(0, lambda *sample: handed.append(sample))
    assert handed == [(1, 2)] and decoded(lines[0]) == [(1, 2)]


def test_elapsed_time_turn_and_finish_pass_through():
    class Watching:
        finished = False

        def turn(self, *when):
            self.when = when

        def step(self, elapsed_ms, emit):
            self.elapsed_ms = elapsed_ms

    source = Watching()
    journal = JournalSource(source, lambda line: None)
    journal.turn(3, 44)
    journal.step(55, lambda *sample: None)
    assert (source.when, source.elapsed_ms) == ((3, 44), 55)
    assert not journal.finished
    source.finished = True
    assert journal.finished


@pytest.mark.parametrize(
    "make",
    [
        lambda: SimulatedSource(4, 60, 700),
        lambda: ReplaySource(["time_s,513,908", "1,10,V1", "2,20,", "3,,"], Catalogue()),
    ],
    ids=["simulated", "replay"],
)
def test_a_source_gives_the_same_with_a_journal_as_without(make):
    plain, witnessed, lines = [], [], []
    alone, source = make(), make()
    journal = JournalSource(source, lines.append)
    for second in range(1_000):
        alone.step(second * 1_000, lambda *sample: plain.append(sample))
        journal.turn(1, second * 1_000)
        journal.step(second * 1_000, lambda *sample: witnessed.append(sample))
    assert witnessed == plain and len(lines) == 1_000
    assert [sample for line in lines for sample in decoded(line)] == plain
    assert journal.finished == getattr(alone, "finished", False)
