"""A CSV file of samples, read line by line: a header, then a time and a value of each column.

A line is held, never the file. Whatever is wrong is a SourceError that names file, line and
column and says what to do.
"""

from tidegate.errors import SourceError
from tidegate.observe.catalogue import (
    DECIMALS, ID, KIND, MAX, MIN, NAME, NUMBER, OPAQUE, is_valid,
)
from tidegate.sources.decimal_text import scaled

TIME_COLUMN = "time_s"
LINE_BYTES_MAX = 4_096

_BLANK = " \t"
_SHOWN_COUNT = 24


class Table:
    """The rows of one file or of a list of lines, in order.

    Arguments: path_or_lines, a path, or a sequence of lines (text or bytes); catalogue; columns,
    names that stand for an id, {name: observation id}.
    Members: ids, the observation id of each column after the time; line, number of the line read
    last, from 1; offset, where the next one begins.
    Errors: SourceError for a file that cannot be opened or a wrong header.
    """

    def __init__(self, path_or_lines, catalogue, columns):
        is_path = isinstance(path_or_lines, str)
        self.name = path_or_lines if is_path else "lines"
        self.line = 0
        self.offset = 0
        self.ids = []
        self._lines = None if is_path else path_or_lines
        self._file = None
        self._rows = []
        self._names = []
        if is_path:
            try:
                self._file = open(path_or_lines, "rb")
            except OSError as error:
                raise SourceError("%s cannot be opened (%s); give the path of a CSV file"
                                  % (path_or_lines, error))
        self._read_header(catalogue, columns)

    def read(self, values):
        """Read the next row into `values`, one place for each of `ids`; None: an empty cell.

        Result: the row's time in ms, or -1 after the last one.
        Errors: SourceError; what `values` holds then is of no use.
        """
        text = self._next_line()
        if text is None:
            return -1
        if not text.strip(_BLANK):
            self._expect_end()
            return -1
        cells = text.split(",")
        if len(cells) != len(self.ids) + 1:
            self.refuse("", "has %d cells where the header has %d; write one for each column"
                        % (len(cells), len(self.ids) + 1))
        time_text = cells[0].strip(_BLANK)
        time_ms = scaled(time_text, 3)
        if time_ms is None or time_ms < 0:
            self.refuse(TIME_COLUMN, "'%s' is no time; write seconds from 0 up, as in 12 or 12.5"
                        % time_text[:_SHOWN_COUNT])
        for index in range(len(self.ids)):
            values[index] = self._value(index, cells[index + 1].strip(_BLANK))
        return time_ms

    def seek(self, line, offset):
        """Go to where the line after `line` begins, as `line` and `offset` once said."""
        self.line = line
        self.offset = offset
        if self._file:
            self._file.seek(offset)

    def close(self):
        """Give the file back; may be called twice."""
        if self._file:
            self._file.close()

    def refuse(self, column, text):
        """Raise the SourceError for the line read last; column may be empty."""
        place = " column %s" % column if column else ""
        raise SourceError("%s line %d%s: %s" % (self.name, self.line, place, text))

    def _value(self, index, cell):
        if not cell:
            return None
        row = self._rows[index]
        if row[KIND] == NUMBER:
            value = scaled(cell, row[DECIMALS])
            if value is None:
                self.refuse(self._names[index],
                            "'%s' is no decimal number; write digits with at most one point, or "
                            "leave the cell empty" % cell[:_SHOWN_COUNT])
        elif cell[0] == '"':
            self.refuse(self._names[index], "quoted text is not read; write it without quotes")
        else:
            value = cell
        if not is_valid(row, value):
            self.refuse(self._names[index],
                        "%s is out of the range of %d %s, %d..%d %s; correct it or leave the cell "
                        "empty" % (_shown(row, cell), row[ID], row[NAME], row[MIN], row[MAX],
                                   _measure(row)))
        return value

    def _read_header(self, catalogue, columns):
        text = self._next_line()
        if text is None:
            self.line = 1
            self.refuse("", "the file is empty; it begins with a header")
        names = text.lstrip("\ufeff").split(",")
        if names[0].strip(_BLANK) != TIME_COLUMN:
            self.refuse("", "the first column is '%s'; it must be %s"
                        % (names[0][:_SHOWN_COUNT], TIME_COLUMN))
        if len(names) == 1:
            self.refuse("", "no column but the time; add one named by an observation id or name")
        for name in names[1:]:
            self._add_column(name.strip(_BLANK), catalogue, columns)

    def _add_column(self, name, catalogue, columns):
        row = _find_row(name, catalogue, columns)
        shown = name[:_SHOWN_COUNT]
        if row is None:
            self.refuse("'%s'" % shown, "is unknown; name it by an observation id or name of the "
                        "catalogue, or map it")
        if row[KIND] == OPAQUE:
            self.refuse(shown, "opaque values are not read from text; leave the column out")
        if row[ID] in self.ids:
            self.refuse(shown, "observation %d has a column already; leave one out" % row[ID])
        self.ids.append(row[ID])
        self._rows.append(row)
        self._names.append(shown)

    def _expect_end(self):
        blank_line = self.line
        text = ""
        while text is not None:
            if text.strip(_BLANK):
                self.line = blank_line
                self.refuse("", "is blank with rows after it; take the line out")
            text = self._next_line()

    def _next_line(self):
        """The next line as text without its end, or None after the last."""
        if self._file:
            try:
                data = self._file.readline(LINE_BYTES_MAX + 1)
            except OSError as error:
                raise SourceError("%s line %d: cannot be read (%s); give the path of a CSV file"
                                  % (self.name, self.line + 1, error))
            self.offset += len(data)
        elif self.offset < len(self._lines):
            data = self._lines[self.offset]
            data = data.encode() if isinstance(data, str) else bytes(data)
            data += b"" if data.endswith(b"\n") else b"\n"
            self.offset += 1
        else:
            data = b""
        if not data:
            return None
        self.line += 1
        if len(data) > LINE_BYTES_MAX:
            self.refuse("", "is longer than %d bytes; is this a CSV file?" % LINE_BYTES_MAX)
        try:
            return data.decode().rstrip("\r\n")
        except UnicodeError:
            self.refuse("", "is no UTF-8 text; save the file as UTF-8")


def _find_row(name, catalogue, columns):
    """The catalogue's row for a column's name, or None."""
    observation_id = columns.get(name)
    if observation_id is None and "0" <= name[:1] <= "9":
        observation_id = scaled(name, 0) if "." not in name else None
    if observation_id is None:
        for row in catalogue.rows:
            if row[NAME] == name:
                return row
        return None
    index = catalogue.index(observation_id)
    return catalogue.rows[index] if index >= 0 else None


def _shown(row, cell):
    """A refused cell in words; texts may be personal and are not repeated."""
    if row[KIND] == NUMBER:
        return "'%s'" % cell[:_SHOWN_COUNT]
    return "a text of %d bytes" % len(cell.encode())


def _measure(row):
    return "times 10^-%d" % row[DECIMALS] if row[KIND] == NUMBER else "bytes"
