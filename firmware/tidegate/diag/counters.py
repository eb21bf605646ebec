"""Counters: each only ever grows, from the start of the boot."""

REASON_NAMES = (
    "unchanged", "within_bound", "settling", "fused", "full", "repeated", "refused")
# How many outcomes of an attempt `link.causes` knows.
OUTCOME_COUNT = 9


class Counters:
    """Of samples: sampled = passed, which were reported at once, and the reasons of the tally
    (`observe.tally`), which are members here by their names. `recorded` counts the reports, late
    ones among them; `refused_id` is the id of the last refused sample; `outcomes` counts failed
    attempts by the outcomes of `link.causes`; `resent`, observations that sessions ended without
    having confirmed, and that are sent again; the others count what their names say.
    """

    def __init__(self):
        self.tally = None
        self.passed = 0
        self.recorded = 0
        self.batches_sent = 0
        self.batches_confirmed = 0
        self.echoes = 0
        self.attempts = 0
        self.sessions = 0
        self.outcomes = [0] * OUTCOME_COUNT
        self.resent = 0
        self.clock_steps = 0
        self.turns_failed = 0
        self.clock_steps = 0
        self.messages_refused = 0
        self.messages_oversized = 0

    def __getattr__(self, name):
        """A reason of the tally, or what follows from it; 0 while nothing samples."""
        if name == "sampled":
            return self.passed + (self.tally.total(None) if self.tally else 0)
        if name == "refused_id":
            return self.tally.refused_id if self.tally else 0
        reason = REASON_NAMES.index(name) if name in REASON_NAMES else -1
        if reason < 0:
            raise AttributeError(name)
        return self.tally.total(reason) if self.tally else 0
