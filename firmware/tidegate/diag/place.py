"""Where in the source an exception was raised."""

import io
import sys

_FILE, _LINE = 'File "', '", line '


def place_of(error):
    """The place as "file.py:88", as far as the interpreter knows it, else ""."""
    if not hasattr(sys, "print_exception"):
        trace = error.__traceback__
        if trace is None:
            return ""
        while trace.tb_next is not None:
            trace = trace.tb_next
        return "%s:%d" % (_base(trace.tb_frame.f_code.co_filename), trace.tb_lineno)
    try:
        told = io.StringIO()
        sys.print_exception(error, told)
        last = [line for line in told.getvalue().split("\n") if _FILE in line][-1]
        path, rest = last.split(_FILE, 1)[1].split(_LINE, 1)
        return "%s:%s" % (_base(path), rest.split(",")[0])
    except (IndexError, ValueError, MemoryError):
        return ""


def _base(path):
    return path.rsplit("/", 1)[-1]
