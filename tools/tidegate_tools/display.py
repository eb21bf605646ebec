"""What a demo shows while it runs: a live picture on a terminal, plain lines elsewhere."""

import time
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from tidegate_tools.values import from_text

PLAIN_PERIOD_S = 3.0
VALUES_COUNT_MAX = 8
# Shown first, where the charger reports them.
FAVOURITES = (710, 513, 501, 507, 553, 201, 721, 554)


@dataclass
class Snapshot:
    """The demo at one moment. `values` are (name, value with unit) of the live state."""

    wall_s: float = 0.0
    end_s: float = 0.0
    scenario_utc: str = ""
    phase: str = ""
    broker: str = ""
    agent: str = ""
    sampled: int = 0
    accepted: int = 0
    stored: int = 0
    repeats: int = 0
    values: list = field(default_factory=list)

    @property
    def backlog(self):
        return max(0, self.accepted - self.stored)


def live_values(live, quantities):
    """(name, text) of the values worth showing.

    Arguments: live, a dict from id to LiveValue; quantities.
    """
    chosen = [identity for identity in FAVOURITES if identity in live]
    chosen += [identity for identity in sorted(live) if identity not in chosen]
    shown = []
    for identity in chosen[:VALUES_COUNT_MAX]:
        quantity = quantities.get(identity)
        value = from_text(live[identity].value)
        shown.append((quantity.name if quantity else str(identity),
                      quantity.show(value) if quantity else str(value)))
    return shown


class PlainDisplay:
    """One line at each phase and every few seconds. Argument: write, called with a line."""

    def __init__(self, write):
        self._write = write
        self._phase = None
        self._shown_s = -PLAIN_PERIOD_S

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return None

    def say(self, text):
        self._write(text)

    def show(self, now):
        if now.phase == self._phase and now.wall_s - self._shown_s < PLAIN_PERIOD_S:
            return
        self._phase = now.phase
        self._shown_s = now.wall_s
        values = "; ".join("%s %s" % each for each in now.values[:2])
        self._write("%5.1f s  %-29s accepted %4d, stored %4d, backlog %4d%s" % (
            now.wall_s, now.phase, now.accepted, now.stored, now.backlog,
            "; " + values if values else ""))


class LiveDisplay:
    """A picture that is redrawn in place. Argument: console, of rich."""

    def __init__(self, console):
        self._progress = Progress(
            BarColumn(bar_width=40), TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
            TextColumn("{task.description}"))
        self._task = self._progress.add_task("", total=1)
        self._live = Live(self._progress, console=console, refresh_per_second=5, transient=True)
        self._console = console

    def __enter__(self):
        self._live.__enter__()
        return self

    def __exit__(self, *error):
        self._live.__exit__(*error)

    def say(self, text):
        self._console.print(text, markup=False, highlight=False)

    def show(self, now):
        self._progress.update(self._task, total=max(now.end_s, now.wall_s), completed=now.wall_s,
                              description=now.phase)
        self._live.update(Group(self._progress, _table(now)))


def _table(now):
    grid = Table.grid(padding=(0, 3))
    left = Table("", "", show_header=False, box=None)
    for name, value in (("charger's clock", now.scenario_utc), ("broker", now.broker),
                        ("agent", now.agent), ("sampled", now.sampled),
                        ("accepted", now.accepted), ("stored by the sink", now.stored),
                        ("backlog", now.backlog), ("repeats", now.repeats)):
        left.add_row(name, str(value))
    right = Table("", "", show_header=False, box=None)
    for name, value in now.values:
        right.add_row(name, value)
    grid.add_row(left, right)
    return grid


def make_display(stream, is_plain):
    """LiveDisplay where `stream` is a terminal that can redraw, else PlainDisplay."""
    console = Console(file=stream)
    if console.is_terminal and not console.is_dumb_terminal and not is_plain:
        return LiveDisplay(console)

    def write(line):
        stream.write(line + "\n")
        stream.flush()

    return PlainDisplay(write)


class Pace:
    """Says when the next picture is due. Argument: period_s."""

    def __init__(self, period_s):
        self._period_s = period_s
        self._due_s = 0.0

    def is_due(self):
        now_s = time.monotonic()
        if now_s < self._due_s:
            return False
        self._due_s = now_s + self._period_s
        return True
