"""What must have been recorded, worked out from the source's journal and SPEC section 2 alone.

This is the demo's second opinion: it shares no code with the device's suppression. Pure.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from tidegate_tools.errors import JournalError
from tidegate_tools.values import to_text

LOGS = ("telemetry", "records")


class Fact(NamedTuple):
    """The content of an observation; `value` is its canonical JSON text."""

    boot: int
    mono_ms: int
    id: int
    value: str


@dataclass
class Expectation:
    """Facts in the order of their seqs, from 1, for each log; and what became of each sample.

    sampled = refused + unchanged + within_bound + undecided + recorded; heartbeats are among the
    recorded.
    """

    facts: dict = field(default_factory=lambda: {log: [] for log in LOGS})
    sampled: int = 0
    refused: int = 0
    unchanged: int = 0
    within_bound: int = 0
    heartbeats: int = 0
    undecided: int = 0

    @property
    def recorded(self):
        return sum(map(len, self.facts.values()))


class Oracle:
    """Applies the rules turn by turn.

    Argument: quantities, a dict from observation id to Quantity. `expectation` grows with each
    turn.
    """

    def __init__(self, quantities):
        self._quantities = quantities
        self._last = {}
        self._boot = 0
        self._first_turn_ms = 0
        self.expectation = Expectation()

    def take(self, turn, accepted_count=None):
        """One turn; with `accepted_count` only so many of its recorded samples were accepted.

        What the rules would record beyond that count is undecided and leaves no trace.
        Result: (log, Fact) of each sample recorded, in order.
        """
        if turn.boot != self._boot:
            self._boot = turn.boot
            self._first_turn_ms = turn.mono_ms
        expected = self.expectation
        recorded = []
        for observation_id, value in turn.samples:
            expected.sampled += 1
            verdict = self._verdict(observation_id, value, turn.mono_ms)
            if verdict not in ("recorded", "heartbeats"):
                setattr(expected, verdict, getattr(expected, verdict) + 1)
            elif accepted_count is not None and len(recorded) >= accepted_count:
                expected.undecided += 1
            else:
                expected.heartbeats += verdict == "heartbeats"
                recorded.append(self._record(turn, observation_id, value))
        return recorded

    def foresee(self, turn):
        """What `take(turn)` would give; changes nothing."""
        trial = Oracle(self._quantities)
        trial._last = dict(self._last)
        trial._boot, trial._first_turn_ms = self._boot, self._first_turn_ms
        return trial.take(turn)

    def _verdict(self, observation_id, value, mono_ms):
        quantity = self._quantities.get(observation_id)
        if quantity is None or not quantity.accepts(value):
            return "refused"
        if observation_id not in self._last:
            return "recorded"
        last, boot, since_ms = self._last[observation_id]
        if quantity.policy == "exact":
            differs = value != last
        else:
            differs = abs(value - last) > quantity.bound
        if differs:
            return "recorded"
        if boot != self._boot:
            since_ms = self._first_turn_ms
        if quantity.heartbeat_s and mono_ms - since_ms >= quantity.heartbeat_s * 1_000:
            return "heartbeats"
        return "unchanged" if value == last else "within_bound"

    def _record(self, turn, observation_id, value):
        log = self._quantities[observation_id].log
        fact = Fact(turn.boot, turn.mono_ms, observation_id, to_text(value))
        self.expectation.facts[log].append(fact)
        self._last[observation_id] = (value, turn.boot, turn.mono_ms)
        return log, fact


def expect(journal, quantities, held, ended_in_order=True):
    """The Expectation of a whole journal.

    Arguments: journal, a `journal.Journal`; quantities; held, the (log, Fact) that the sink
    holds; ended_in_order, whether the last boot was ended in order (every other one was killed).

    A boot that was killed leaves its last turn undecided: the line stands, but how many of its
    samples were accepted before the end, nobody but the sink can say. What the rules record up
    to the last one that the sink holds was accepted, since samples are accepted in order.
    Errors: JournalError where a boot that ended in order left a torn line.
    """
    oracle = Oracle(quantities)
    turns = journal.turns
    if ended_in_order and turns and turns[-1].boot in journal.torn_boots:
        raise JournalError("the journal of boot %d is torn, though it ended in order"
                           % turns[-1].boot)
    remaining = Counter(held)
    for index, turn in enumerate(turns):
        is_last_of_boot = index + 1 == len(turns) or turns[index + 1].boot != turn.boot
        is_last = index + 1 == len(turns)
        is_decided = (not is_last_of_boot or turn.boot in journal.torn_boots
                      or is_last and ended_in_order)
        if is_decided:
            oracle.take(turn)
            continue
        accepted_count = 0
        for count, item in enumerate(oracle.foresee(turn), 1):
            if remaining[item]:
                remaining[item] -= 1
                accepted_count = count
        oracle.take(turn, accepted_count)
    return oracle.expectation
