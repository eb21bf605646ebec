"""The books of a run: journal, sink and spool brought together. See `ledger`."""

from tidegate_tools import journal, ledger
from tidegate_tools.oracle import LOGS, expect
from tidegate_tools.quantities import own_ids
from tidegate_tools.queries import Archive


def is_final(database_path, journal_path, catalogue):
    """Whether nothing that is still to come can change the account. Arguments: as of `settle`."""
    archive = Archive(database_path)
    try:
        expected, rows = _expectation(archive, journal_path, catalogue)
    finally:
        archive.close()
    return all(ledger.is_final(expected.facts[log], [
        (row.seq, ledger.fact_of(row)) for each in rows[log].values() for row in each])
        for log in LOGS)


def settle(archive, agent, catalogue, device=None, before=()):
    """The account of an agent that has ended in order.

    Arguments: archive, of the sink; agent, an AgentProcess; catalogue, as of `oracle.expect`;
    device, its id where the sink has heard of others too; before, (log, Fact) of what stood in
    the spool when the journal began. Result: (Ledger, rows of each log by store id).
    """
    from tidegate_tools.image import summary

    expected, rows = _expectation(archive, agent.journal_path, catalogue, device, before)
    whole = ledger.balance(expected, rows, summary(agent.image_path))
    whole.malformed = archive.counters()["malformed"]
    for stream in archive.report(device):
        whole.logs[stream.log].repeats += stream.repeats
        whole.logs[stream.log].conflicts += stream.conflicts
    return whole, rows


def _expectation(archive, journal_path, catalogue, device=None, before=()):
    rows = {log: {store: each for (_, store), each in archive.rows(log, device=device).items()}
            for log in LOGS}
    held = [(log, ledger.fact_of(row))
            for log in LOGS for each in rows[log].values() for row in each]
    expected = expect(journal.parse(journal_path.read_bytes()), catalogue, held)
    # No journal tells what the agent says of itself, so it is taken as the sink has it, under its
    # seq; one that is lost leaves the device's count ahead of the account.
    own = own_ids()
    for log, facts in expected.facts.items():
        facts[:0] = [fact for each, fact in before if each == log]
        for row in (row for each in rows[log].values() for row in each):
            if row.id in own:
                facts.insert(row.seq - 1, ledger.fact_of(row))
    return expected, rows
