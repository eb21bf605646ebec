"""A result as text for people, or as one line of JSON for programs: a dict in, pieces out."""

import json

_INDENT = "  "
_COLUMNS = 80


def json_pieces(value):
    """A value as JSON without spaces, members in order of their names."""
    if isinstance(value, dict):
        opening = "{"
        for key in sorted(value):
            yield "%s%s:" % (opening, json.dumps(key))
            for piece in json_pieces(value[key]):
                yield piece
            opening = ","
        yield "}" if opening == "," else "{}"
    elif isinstance(value, (list, tuple)):
        opening = "["
        for each in value:
            yield opening
            for piece in json_pieces(each):
                yield piece
            opening = ","
        yield "]" if opening == "," else "[]"
    else:
        yield json.dumps(value)


def as_json(command, error, result):
    """The one line of a reply: `command`, `ok`, and `result` or `error`."""
    reply = {"command": command, "ok": not error}
    reply["error" if error else "result"] = error or result
    for piece in json_pieces(reply):
        yield piece
    yield "\n"


def as_text(result, indent=_INDENT):
    """A dict as lines `name  value`; in it a dict of dicts with the same members as a table, any
    other with its own members below it, a long list one item a line."""
    if not result:
        yield indent + "done\n"
        return
    width = max(len(key) for key in result)
    for key in sorted(result):
        value = result[key]
        lines = ()
        if _is_table(value):
            for line in table(key, value):
                yield line
            continue
        if isinstance(value, dict) and len(plain(value)) > _COLUMNS // 2:
            lines = as_text(value, indent + _INDENT)
        elif isinstance(value, (list, tuple)) and not _is_short(value):
            lines = ["%s%s\n" % (indent + _INDENT, plain(each)) for each in value]
        said = key if lines else padded(key, width + 2) + plain(value)
        yield indent + said.rstrip(" ") + "\n"
        for line in lines:
            yield line


def table(name, rows):
    """{name: {column: value}} as lines, the first one with the columns' names."""
    names = sorted(rows)
    columns = sorted(rows[names[0]])
    cells = [[name] + columns]
    cells += [[each] + [plain(rows[each][column]) for column in columns] for each in names]
    return columns_of(cells)


def columns_of(cells):
    """Rows of texts as lines, each column as wide as its widest."""
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    for row in cells:
        line = _INDENT + _INDENT.join(
            padded(cell, width) for cell, width in zip(row, widths))
        yield line.rstrip(" ") + "\n"


def plain(value):
    """A value as a few words."""
    if value is None:
        return "-"
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, dict):
        return " ".join("%s=%s" % (key, plain(value[key])) for key in sorted(value))
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(each) for each in value)
    return str(value)


def padded(text, width):
    """A text with spaces up to a width."""
    return text + " " * (width - len(text))


def wrapped(text):
    """A sentence as lines of at most a screen's width, without the last line's end."""
    line = ""
    for word in text.split(" "):
        if line and len(_INDENT) + len(line) + 1 + len(word) >= _COLUMNS:
            yield "%s%s\n" % (_INDENT, line)
            line = word
        else:
            line = "%s %s" % (line, word) if line else word
    yield "%s%s\n" % (_INDENT, line)


def span(seconds):
    """Seconds as "4 s", "12 min", "3 h 05 min", "2 d 04 h"; "-" for None."""
    if seconds is None:
        return "-"
    if seconds < 120:
        return "%d s" % seconds
    minutes = seconds // 60
    if minutes < 120:
        return "%d min" % minutes
    hours = minutes // 60
    if hours < 48:
        return "%d h %02d min" % (hours, minutes % 60)
    return "%d d %02d h" % (hours // 24, hours % 24)


def decimal(value, decimals):
    """A scaled integer as decimal text."""
    if not decimals:
        return str(value)
    sign, value = ("-", -value) if value < 0 else ("", value)
    scale = 10 ** decimals
    digits = str(value % scale)
    return "%s%d.%s%s" % (sign, value // scale, "0" * (decimals - len(digits)), digits)


def _is_short(value):
    return sum(len(plain(each)) + 2 for each in value) < _COLUMNS // 2


def _is_table(value):
    if not isinstance(value, dict) or not value:
        return False
    rows = list(value.values())
    return all(isinstance(each, dict) and each
               and sorted(each) == sorted(rows[0]) for each in rows)
