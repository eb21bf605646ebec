"""The books of a fleet: the ledger of each device, and how late its live values came."""

from dataclasses import dataclass

from tidegate_tools import account
from tidegate_tools.ledger import NAMED_COUNT_MAX
from tidegate_tools.quantities import load_catalogue


@dataclass
class Books:
    """`ledgers` by device; `live`, (at_s, delay_s) of each observation that was sent live, by the
    sink's arrival, in wall seconds; `malformed`, messages that the sink refused."""

    ledgers: dict
    live: list
    malformed: int = 0

    @property
    def balances(self):
        """Whether each observation of each device is in the sink exactly once."""
        return not self.faults()

    def faults(self):
        """One text for each thing that is wrong."""
        faults = ["%s %s" % (device, text)
                  for device, ledger in self.ledgers.items() for text in ledger.faults()]
        if self.malformed:
            faults.append("%d malformed messages" % self.malformed)
        return faults

    def total(self, name):
        """Sum over all ledgers of a count, or of the lengths of a list."""
        return sum(ledger.total(name) for ledger in self.ledgers.values())

    def verdict(self):
        """One line."""
        faults = self.faults()
        if not faults:
            return "the ledger balances: %s observations of %d devices, each one in the sink " \
                "exactly once" % ("{:,d}".format(self.total("expected")), len(self.ledgers))
        more = len(faults) - NAMED_COUNT_MAX
        return "the ledger does not balance: %s%s" % (
            "; ".join(faults[:NAMED_COUNT_MAX]), "; and %d more" % more if more > 0 else "")

    def to_json(self):
        """A dict for json.dumps."""
        return {"balances": self.balances, "faults": self.faults(), "verdict": self.verdict(),
                **{name: self.total(name) for name in ("expected", "stored", "repeats",
                                                       "conflicts", "missing")}}


def settle(fleet, note=lambda done_count: None):
    """The books of a fleet whose agents have ended in order.

    Arguments: fleet, with its archive open; note, told how many devices are done. Result: Books.
    """
    books = Books({}, [], fleet.archive.counters()["malformed"])
    for number, agent in enumerate(fleet.agents):
        device = fleet.setup.device(number)
        ledger, rows = account.settle(
            fleet.archive, agent, load_catalogue(device), device, fleet.before)
        # It is the sink's, not one device's.
        ledger.malformed = 0
        books.ledgers[device] = ledger
        for each in rows["telemetry"].values():
            books.live += [
                (fleet.at_s(row.received_ms),
                 (row.received_ms - fleet.clock.wall_of(row.utc_ms)) / 1_000)
                for row in each if not row.historical and row.utc_ms is not None]
        note(number + 1)
    books.live.sort()
    return books
