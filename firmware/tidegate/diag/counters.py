"""Counters: each only ever grows, from the start of the boot."""


class Counters:
    """sampled = refused + unchanged + within_bound + recorded + full (of samples);
    `refused_id` is the id of the last refused one; the others count what their names say.
    """

    def __init__(self):
        self.sampled = 0
        self.refused = 0
        self.refused_id = 0
        self.unchanged = 0
        self.within_bound = 0
        self.recorded = 0
        self.full = 0
        self.batches_sent = 0
        self.batches_confirmed = 0
        self.echoes = 0
        self.attempts = 0
        self.sessions = 0
        self.turns_failed = 0
        self.messages_refused = 0
        self.messages_oversized = 0
