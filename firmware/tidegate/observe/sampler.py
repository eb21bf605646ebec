"""From a sample to a durable observation: check, suppress, append."""

from tidegate.observe.catalogue import KIND, LOG, is_valid
from tidegate.observe.suppress import RECORD, UNCHANGED


class Sampler:
    """Takes what the source emits in one turn.

    Arguments: catalogue; suppressor; append(log, kind, id, value, now_ms), which gives the seq
    or 0; counters, from `diag.counters`.
    """

    def __init__(self, catalogue, suppressor, append, counters):
        self._catalogue = catalogue
        self._suppressor = suppressor
        self._append = append
        self._counters = counters
        self._now_ms = -1

    def begin_turn(self, now_ms):
        """All samples offered until the next call were taken at `now_ms`."""
        if self._now_ms < 0:
            self._suppressor.begin(now_ms)
        else:
            self._suppressor.look_after(now_ms)
        self._now_ms = now_ms

    def offer(self, observation_id, value):
        """Decide on one sample. Nothing is raised for a wrong one: it is refused and counted."""
        counters = self._counters
        counters.sampled += 1
        index = self._catalogue.index(observation_id)
        if index < 0 or not is_valid(self._catalogue.rows[index], value):
            counters.refused += 1
            counters.refused_id = observation_id
            return
        decision = self._suppressor.decide(index, value, self._now_ms)
        if decision == RECORD:
            row = self._catalogue.rows[index]
            seq = self._append(row[LOG], row[KIND], observation_id, value, self._now_ms)
            if seq:
                self._suppressor.recorded(index, seq, value, self._now_ms)
                counters.recorded += 1
            else:
                counters.full += 1
        elif decision == UNCHANGED:
            counters.unchanged += 1
        else:
            counters.within_bound += 1
