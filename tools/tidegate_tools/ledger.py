"""The account of a run: what was accepted, against what the sink holds. Pure.

One side is the oracle's, from the source's journal; the other is the sink's database. The image
of the spool joins as a third witness: what the device itself numbered and saw confirmed.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field

from tidegate_tools.oracle import LOGS, Fact

NAMED_COUNT_MAX = 5
# Attribute of a LogLedger: what to call its seqs in the verdict.
FAULTS = (
    ("missing", "missing from the sink"),
    ("changed", "stored with another content"),
    ("unexpected", "stored but never accepted"),
    ("misplaced", "stored under another seq"),
    ("holes", "seqs that never came"),
)


@dataclass
class LogLedger:
    """One log. The lists hold seqs: of the oracle's order in `missing`, else of the sink.

    `recorded` and `confirmed` are the device's own word, from the image of its spool.
    """

    expected: int = 0
    recorded: int = 0
    confirmed: int = 0
    stored: int = 0
    repeats: int = 0
    conflicts: int = 0
    missing: list = field(default_factory=list)
    changed: list = field(default_factory=list)
    unexpected: list = field(default_factory=list)
    misplaced: list = field(default_factory=list)
    holes: list = field(default_factory=list)

    def faults(self):
        """One text for each thing that is wrong; empty where the log balances."""
        faults = []
        for name, words in FAULTS:
            seqs = getattr(self, name)
            if seqs:
                faults.append("%d %s (seq %s)" % (len(seqs), words, named(seqs)))
        if self.conflicts:
            faults.append("%d repeats whose content differs" % self.conflicts)
        if self.recorded != self.expected:
            faults.append("the device numbered %d, expected were %d"
                          % (self.recorded, self.expected))
        if self.confirmed != self.recorded:
            faults.append("the device still holds %d unconfirmed"
                          % (self.recorded - self.confirmed))
        return faults


@dataclass
class Ledger:
    """A whole run. `foreign` counts rows of other stores, `malformed` refused messages."""

    logs: dict
    sampled: int = 0
    refused: int = 0
    unchanged: int = 0
    within_bound: int = 0
    held_up: int = 0
    undecided: int = 0
    foreign: int = 0
    malformed: int = 0
    live_delay_ms_max: int | None = None
    backlog_count_max: int = 0

    @property
    def balances(self):
        """Whether every accepted observation is in the sink exactly once, as it was accepted."""
        return not self.faults()

    def faults(self):
        faults = ["%s: %s" % (name, text)
                  for name, log in self.logs.items() for text in log.faults()]
        if self.foreign:
            faults.append("%d stored under another store id" % self.foreign)
        if self.malformed:
            faults.append("%d malformed messages" % self.malformed)
        return faults

    def total(self, name):
        """Sum over the logs of a count, or of the lengths of a list."""
        values = [getattr(log, name) for log in self.logs.values()]
        return sum(len(value) if isinstance(value, list) else value for value in values)

    def verdict(self):
        """One line."""
        if self.balances:
            return ("the ledger balances: %d observations accepted, each one in the sink exactly "
                    "once" % self.total("expected"))
        return "the ledger does not balance: " + "; ".join(self.faults())

    def to_json(self):
        """A dict for json.dumps."""
        return {"balances": self.balances, "faults": self.faults(), **asdict(self)}


def compare(expected, rows, device):
    """One log's sides.

    Arguments: expected, the Facts in order of seq from 1; rows, (seq, Fact) as stored, in order
    of seq; device, the log's member of an image summary. Result: LogLedger, repeats and
    conflicts left at 0.
    """
    ledger = LogLedger(
        expected=len(expected), stored=len(rows), recorded=device["head"] - 1,
        confirmed=device["watermark"] + sum(b - a + 1 for a, b in device["ranges"]))
    stored = dict(rows)
    absent = Counter(expected) - Counter(stored.values())
    surplus = Counter(stored.values()) - Counter(expected)
    for seq in range(1, max(len(expected), max(stored, default=0)) + 1):
        wanted = expected[seq - 1] if seq <= len(expected) else None
        found = stored.get(seq)
        if found is None and not (wanted and absent[wanted]):
            ledger.holes.append(seq)
        elif found == wanted:
            continue
        else:
            _note(ledger, seq, _take(absent, wanted), _take(surplus, found), found is not None)
    return ledger


def is_final(expected, rows):
    """Whether what may still be delivered changes nothing.

    So it is when everything is here, and also when what is here, without a hole, contradicts
    what was accepted. Arguments as of `compare`.
    """
    facts = [fact for _, fact in rows]
    if len(facts) == len(expected):
        return True
    is_whole = not rows or rows[-1][0] == len(rows)
    return is_whole and facts != expected[:len(facts)]


def _take(counter, fact):
    """Whether a fact is among those left over; takes it out."""
    if fact is None or not counter[fact]:
        return False
    counter[fact] -= 1
    return True


def _note(ledger, seq, is_absent, is_surplus, is_stored):
    if is_absent and is_surplus:
        ledger.changed.append(seq)
    elif is_absent:
        ledger.missing.append(seq)
    elif is_surplus:
        ledger.unexpected.append(seq)
    if is_stored and not is_surplus:
        ledger.misplaced.append(seq)


def balance(expectation, rows, image):
    """The ledger of a run.

    Arguments: expectation, of the oracle; rows, for each log a dict from store id to stored
    rows with seq, boot, mono_ms, id, value; image, a spool's summary.
    """
    ledger = Ledger(logs={})
    for log in LOGS:
        own = rows[log].get(image["store"], [])
        ledger.logs[log] = compare(expectation.facts[log],
                                   [(row.seq, fact_of(row)) for row in own],
                                   image["logs"][log])
        ledger.foreign += sum(map(len, rows[log].values())) - len(own)
    for name in ("sampled", "refused", "unchanged", "within_bound", "held_up", "undecided"):
        setattr(ledger, name, getattr(expectation, name))
    return ledger


def fact_of(row):
    """The content of a stored row."""
    return Fact(row.boot, row.mono_ms, row.id, row.value)


def named(seqs):
    """The first seqs of a list, as text."""
    text = ", ".join(map(str, seqs[:NAMED_COUNT_MAX]))
    return text + (", .." if len(seqs) > NAMED_COUNT_MAX else "")
