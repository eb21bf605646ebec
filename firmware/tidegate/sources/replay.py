"""Samples that were recorded elsewhere, played again at their own times."""

from tidegate.errors import SourceError
from tidegate.sources.csv_table import TIME_COLUMN, Table

# The header of traces of OpenEVSE.
COLUMNS = {
    "charging_current_a": 507,
    "charging_power_w": 513,
    "allocated_current_a": 708,
    "firmware": 908,
}
BOOKMARK_COUNT_MAX = 128


class ReplaySource:
    """Plays the rows of a CSV file.

    The whole file is checked before this returns, then read again as time goes on. What is kept
    in memory are two rows and at most BOOKMARK_COUNT_MAX places to start from.
    Arguments: path_or_lines, a path, or a sequence of lines; catalogue; columns, names of
    columns that stand for an id, {name: observation id}.
    Errors: SourceError names file, line and column and says what to do.
    """

    def __init__(self, path_or_lines, catalogue, columns=COLUMNS):
        for name in sorted(columns):
            if catalogue.index(columns[name]) < 0:
                raise SourceError("columns: %s: observation %s is not in the catalogue"
                                  % (name, columns[name]))
        self._table = Table(path_or_lines, catalogue, columns)
        self._due = [None] * len(self._table.ids)
        self._ahead = [None] * len(self._table.ids)
        self._ahead_ms = -1
        self._bookmarks = []
        self._bookmark = 0
        try:
            self._check()
            self._table.seek(*self._bookmarks[0][1:])
            self._read()
        except SourceError:
            self._table.close()
            raise

    @property
    def finished(self):
        """Whether the last row was given."""
        return self._ahead_ms < 0

    def step(self, elapsed_ms, emit):
        """Give the newest row that is due, unless it was given before; older ones are passed.

        Arguments: ms of the scenario; emit(id, value), called for each cell that is not empty.
        Errors: SourceError where the file is no longer the one that was checked; it is given up.
        """
        if self.finished or elapsed_ms < self._ahead_ms:
            return
        self._skip(elapsed_ms)
        while 0 <= self._ahead_ms <= elapsed_ms:
            self._due, self._ahead = self._ahead, self._due
            self._read()
        ids = self._table.ids
        for index in range(len(ids)):
            if self._due[index] is not None:
                emit(ids[index], self._due[index])
        if self.finished:
            self._table.close()

    def _check(self):
        """Read all rows once; keep bookmarks, evenly spread, whatever the number of rows."""
        table = self._table
        spacing = 1
        row_count = 0
        before_ms = -1
        while True:
            line, offset = table.line, table.offset
            time_ms = table.read(self._ahead)
            if time_ms < 0:
                break
            if time_ms <= before_ms:
                table.refuse(TIME_COLUMN, "is not later than the row before; sort the rows and "
                             "take repeats out")
            if row_count % spacing == 0:
                if len(self._bookmarks) == BOOKMARK_COUNT_MAX:
                    self._bookmarks = self._bookmarks[::2]
                    spacing *= 2
                if row_count % spacing == 0:
                    self._bookmarks.append((time_ms, line, offset))
            before_ms = time_ms
            row_count += 1
        if not row_count:
            table.refuse("", "no row after the header; add rows")

    def _skip(self, elapsed_ms):
        """Go ahead to the newest bookmark that has become due: all that did are ahead."""
        before = self._bookmark
        while (self._bookmark + 1 < len(self._bookmarks)
               and self._bookmarks[self._bookmark + 1][0] <= elapsed_ms):
            self._bookmark += 1
        if self._bookmark > before:
            self._table.seek(*self._bookmarks[self._bookmark][1:])
            self._read()

    def _read(self):
        self._ahead_ms = -1
        try:
            self._ahead_ms = self._table.read(self._ahead)
        except SourceError:
            self._table.close()
            raise
