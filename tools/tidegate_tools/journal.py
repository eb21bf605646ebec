"""The journal of a source: what it offered, turn by turn, as one JSON line each. Pure.

    {"boot":1,"mono":12345,"samples":[[501,230125],[721,"text"],[554,{"b64":"..."}]]}

The line of a turn is written whole before its samples are offered. A process that is killed may
leave the beginning of a line; the next boot goes on behind it.
"""

import json
import re
from typing import NamedTuple

from tidegate_tools.errors import JournalError
from tidegate_tools.values import from_json

LINE_START = b'{"boot":'
BOOT = re.compile(rb'\{"boot":(\d+),')


class Turn(NamedTuple):
    """One turn: its boot, its monotonic ms, and (id, value) of each sample in order."""

    boot: int
    mono_ms: int
    samples: tuple


class Journal(NamedTuple):
    """The turns in order, and the boots that were killed while writing a turn's line.

    Of such a boot every turn that is here was offered whole.
    """

    turns: list
    torn_boots: frozenset


def parse(content):
    """Reads a journal.

    Argument: content, bytes. Result: Journal. Errors: JournalError names the line that is
    damaged, out of order, or torn where no boot ended.
    """
    turns = []
    torn_boots = set()
    lines = content.split(b"\n")
    unended = lines.pop()
    for number, line in enumerate(lines, 1):
        torn, whole = _split(line)
        turn = _turn(whole, number)
        if turns:
            _check_order(turns[-1], turn, torn, number)
        torn_boots.update(_boot_of(torn))
        turns.append(turn)
    torn_boots.update(_boot_of(unended))
    return Journal(turns, frozenset(torn_boots))


def _split(line):
    """(what a killed boot left, the whole line behind it)."""
    start = line.rfind(LINE_START)
    return (line[:start], line[start:]) if start > 0 else (b"", line)


def _boot_of(torn):
    found = BOOT.match(torn)
    return {int(found.group(1))} if found else set()


def _turn(line, number):
    try:
        members = json.loads(line)
        samples = tuple((int(identity), _value(form)) for identity, form in members["samples"])
        return Turn(int(members["boot"]), int(members["mono"]), samples)
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError("journal line %d is damaged: %s" % (number, error)) from None


def _value(form):
    # A boolean is a sample that the rules refuse, not a damaged line; so is any other form.
    try:
        return from_json(form)
    except ValueError:
        return None


def _check_order(last, turn, torn, number):
    if turn.boot == last.boot and torn:
        raise JournalError("journal line %d is torn within boot %d" % (number, turn.boot))
    if (turn.boot, turn.mono_ms) <= (last.boot, last.mono_ms):
        raise JournalError("journal line %d is not later than the one before" % number)
