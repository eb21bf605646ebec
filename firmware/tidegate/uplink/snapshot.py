"""The live picture at the start of a session: the latest values that the receiver lacks."""

from tidegate.limits import SNAPSHOT_NEAR_COUNT, SNAPSHOT_SEEK_COUNT_MAX
from tidegate.observe.catalogue import OPAQUE


class Snapshot:
    """Which latest values are still to be sent, and how they are read.

    Arguments: spool; probe, a Cursor that others use too; latest, with count, kind(index),
    log(index) and seq(index), the seq under which the last value of a row is durable, 0 where
    there is none; or None, and then there is never anything to send. To a Batch it looks like a
    track: `cursor`, `log_index`, `is_backlog`.
    """

    is_backlog = False

    def __init__(self, spool, probe, latest):
        self._spool = spool
        self.cursor = probe
        self.log_index = 0
        self._latest = latest
        self._due = ()
        self._seek_count = 0

    def begin(self, is_all):
        """A session came up: take note of what is to be sent.

        Argument: is_all, whether the receiver may lack what is confirmed too.
        """
        self._due = due = []
        for index in range(self._latest.count if self._latest is not None else 0):
            seq, log_index = self._latest.seq(index), self._latest.log(index)
            ranges = self._spool.logs[log_index].ranges
            # Opaque values are no part of a live picture.
            if seq and self._latest.kind(index) != OPAQUE and (
                    is_all or ranges.missing_count(seq, seq)):
                due.append((log_index, seq))
        due.sort()

    def is_due(self):
        """Whether something is left."""
        return len(self._due) > 0

    def build(self, batch, lag):
        """The next payload, or None where nothing of it is on flash any more.

        Arguments: batch, the Batch that dates it; lag, the Lag. At most SNAPSHOT_SEEK_COUNT_MAX
        values are looked up, each of which may cost the reading of a sector; those that stand
        close behind one of them come with it.
        """
        self.log_index = self._due[0][0]
        self._seek_count = boot = 0
        while self._due:
            log_index, seq = self._due[0]
            if log_index != self.log_index or not self._is_near(seq) and (
                    self._seek_count == SNAPSHOT_SEEK_COUNT_MAX):
                break
            if self._find(seq):
                if not boot:
                    boot = self.cursor.boot
                    batch.begin_latest(self, lag.member(log_index))
                if self.cursor.boot != boot or not batch.add_latest(self.cursor):
                    break
            self._due.pop(0)
        return batch.finish_latest() if boot else None

    def _find(self, seq):
        """Whether the observation is there."""
        cursor = self.cursor
        if not self._is_near(seq):
            cursor.log = self._spool.logs[self.log_index]
            cursor.seek(seq)
            self._seek_count += 1
        while cursor.next():
            if cursor.seq >= seq:
                return cursor.seq == seq
        return False

    def _is_near(self, seq):
        """Whether the cursor stands close before it, since this payload was begun."""
        ahead = seq - self.cursor.next_seq
        return self._seek_count > 0 and 0 <= ahead < SNAPSHOT_NEAR_COUNT
