"""What runs, and on what: the same words for the birth, and for whoever asks at the console."""

import sys

from tidegate import __version__


def running(board):
    """Argument: board, its name. Result: a dict of version, interpreter and board."""
    version = ".".join(str(part) for part in sys.implementation.version[:3])
    return {"version": __version__, "board": board,
            "interpreter": "%s %s" % (sys.implementation.name, version)}
