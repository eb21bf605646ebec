"""What must have been recorded, worked out from the source's journal and SPEC section 2 alone.

This is the demo's second opinion: it shares no code with the device's suppression. Pure.
"""

import copy
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from tidegate_tools.errors import JournalError
from tidegate_tools.suppression_rules import Rules
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

    A report may come later than its sample, and some samples are reported for another: the facts
    are not among the samples' fates. `undecided` are reports that a kill left open.
    """

    facts: dict = field(default_factory=lambda: {log: [] for log in LOGS})
    sampled: int = 0
    refused: int = 0
    unchanged: int = 0
    within_bound: int = 0
    held_up: int = 0
    undecided: int = 0

    @property
    def recorded(self):
        return sum(map(len, self.facts.values()))


class Oracle:
    """Applies the rules turn by turn.

    Arguments: rows, of the catalogue; phase, of the device. `expectation` grows with each turn.
    """

    def __init__(self, rows, phase):
        self._logs = {row[0]: LOGS[row[5]] for row in rows}
        self._rules = Rules(rows, self._accept, phase)
        self._boot = 0
        self._accepted_count = None
        self._recorded = []
        self.expectation = Expectation()

    def take(self, turn, accepted_count=None):
        """One turn; with `accepted_count` only so many of its reports were accepted.

        What the rules would report beyond that count is undecided and leaves no trace.
        Result: (log, Fact) of each report, in order.
        """
        if turn.boot != self._boot:
            self._boot = turn.boot
            self._rules.boot()
        self._accepted_count, self._recorded = accepted_count, []
        expected = self.expectation
        self._rules.begin(turn.mono_ms)
        for observation_id, value in turn.samples:
            expected.sampled += 1
            verdict = self._rules.sample(observation_id, value)
            if verdict in ("refused", "unchanged", "within_bound"):
                setattr(expected, verdict, getattr(expected, verdict) + 1)
            elif verdict in ("settling", "fused", "repeated"):
                expected.held_up += 1
        self._rules.end()
        return self._recorded

    def foresee(self, turn):
        """What `take(turn)` would give; changes nothing."""
        return copy.deepcopy(self).take(turn)

    def _accept(self, observation_id, value, at_ms):
        if self._accepted_count is not None and len(self._recorded) >= self._accepted_count:
            self.expectation.undecided += 1
            return False
        fact = Fact(self._boot, at_ms, observation_id, to_text(value))
        log = self._logs[observation_id]
        self.expectation.facts[log].append(fact)
        self._recorded.append((log, fact))
        return True


def expect(journal, catalogue, held, ended_in_order=True):
    """The Expectation of a whole journal.

    Arguments: journal, a `journal.Journal`; catalogue, (rows, phase of the device); held, the
    (log, Fact) that the sink holds; ended_in_order, whether the last boot was ended in order
    (every other one was killed).

    A boot that was killed leaves its last turn undecided: the line stands, but how many of its
    reports were accepted before the end, nobody but the sink can say. What the rules report up
    to the last one that the sink holds was accepted, since reports are accepted in order.
    Errors: JournalError where a boot that ended in order left a torn line.
    """
    oracle = Oracle(*catalogue)
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
