"""A running demo, looked at from outside: the journal so far against the sink so far."""

from tidegate_tools import display, journal
from tidegate_tools.agent_process import DEVICE
from tidegate_tools.errors import JournalError
from tidegate_tools.oracle import Oracle
from tidegate_tools.queries import Archive


class Watch:
    """Follows a journal while it grows.

    What it counts as accepted takes every turn as whole, also the last one before a kill: good
    for a picture; the ledger does not use it. Arguments: journal_path; store; quantities;
    catalogue, as of `oracle.expect`.
    """

    def __init__(self, journal_path, store, quantities, catalogue):
        self._path = journal_path
        self._store = store
        self._quantities = quantities
        self._archive = Archive(store.path)
        self._oracle = Oracle(*catalogue)
        self._position = 0
        self.backlog_count_max = 0

    def close(self):
        self._archive.close()

    def look(self):
        """A Snapshot with what journal and sink say; the demo adds the rest."""
        self._follow()
        expected = self._oracle.expectation
        device = self._archive.devices().get(DEVICE)
        now = display.Snapshot(
            agent="online" if device and device.online else "offline",
            sampled=expected.sampled, accepted=expected.recorded,
            stored=sum(self._store.stored_counts().values()),
            repeats=self._store.repeat_count(),
            values=display.live_values(self._archive.live(DEVICE), self._quantities))
        self.backlog_count_max = max(self.backlog_count_max, now.backlog)
        return now

    def _follow(self):
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            content = file.read()
        whole = content[:content.rfind(b"\n") + 1]
        self._position += len(whole)
        try:
            turns = journal.parse(whole).turns
        except JournalError:
            # A damaged journal is the ledger's business; the picture just stands still.
            return
        for turn in turns:
            self._oracle.take(turn)
