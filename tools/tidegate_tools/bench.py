"""`tidegate bench`: figures, each with what it must be and what we aim at."""

import importlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from typer import Argument, Option

from tidegate_tools import paths, shell
from tidegate_tools.errors import ToolError
from tidegate_tools.report import print_rows

# Name: the module whose `run(note)` gives its figures; note(text) is called before each step.
BENCHES = {"spool": "tidegate_tools.bench_spool", "link": "tidegate_tools.bench_link",
           "meter": "tidegate_tools.bench_meter",
           "presence": "tidegate_tools.bench_presence", "storm": "tidegate_tools.bench_storm",
           "suppress": "tidegate_tools.bench_suppress", "size": "tidegate_tools.bench_size"}
ALL, TRACED = "all", "suppress"
BROKEN, HELD, REACHED, UNKNOWN, REPORTED = (
    "broken", "held", "held, aim reached", "not measured", "")


@dataclass(frozen=True)
class Figure:
    """One measured value.

    Arguments: value, or None where it could not be measured; must and aim, None where it is only
    reported; better, "lower" or "higher"; note, why there is no value, or what it rests on.
    """

    name: str
    value: float | None
    unit: str
    must: float | None = None
    aim: float | None = None
    better: str = "lower"
    note: str = ""

    def keeps(self, bound):
        """Whether the value is at least as good as `bound`."""
        return self.value >= bound if self.better == "higher" else self.value <= bound

    @property
    def is_broken(self):
        """Whether the figure breaks its must. What was not measured breaks nothing."""
        return self.value is not None and self.must is not None and not self.keeps(self.must)

    def verdict(self):
        """Its standing in words."""
        if self.value is None:
            return UNKNOWN
        if self.must is None:
            return REPORTED
        if self.is_broken:
            return BROKEN
        return REACHED if self.aim is not None and self.keeps(self.aim) else HELD

    def to_json(self):
        """A dict for json.dumps; JSON knows no infinity, so what never happened has no value."""
        value = self.value
        if value is not None:
            value = round(value, 4) if math.isfinite(value) else None
        members = {"name": self.name, "value": value, "unit": self.unit, "better": self.better,
                   "must": self.must, "aim": self.aim}
        return {**members, "note": self.note} if self.note else members

    def row(self):
        """The cells of a table."""
        sign = ">=" if self.better == "higher" else "<="
        bounds = ["" if bound is None else "%s %s" % (sign, number_text(bound))
                  for bound in (self.must, self.aim)]
        value = "-" if self.value is None else number_text(self.value)
        return (self.name, value, self.unit, *bounds, self.verdict())


def number_text(value):
    """A number with as many digits as say something: 11.37, 84,215, 0."""
    if float(value).is_integer() or abs(value) >= 1_000:
        return "{:,.0f}".format(value)
    return "%.2f" % value


def measure(names, note, trace=None):
    """The figures of some benches, in their order.

    Arguments: names; note, told each step; trace, a path for those that play a recording.
    """
    figures = []
    for name in names:
        module = importlib.import_module(BENCHES[name])
        options = {"trace": trace} if name == TRACED else {}
        figures += module.run(lambda step, name=name: note("%s: %s" % (name, step)), **options)
    return figures


def show(figures, as_json):
    """Prints the figures. Result: the exit status, 1 where a must is broken."""
    if as_json:
        print(json.dumps({"figures": [figure.to_json() for figure in figures]}))
    else:
        console = Console()
        print_rows(console, "figures", ("figure", "value", "unit", "must", "aim", "verdict"),
                   [figure.row() for figure in figures])
        for figure in figures:
            if figure.note:
                console.print("%s: %s" % (figure.name, figure.note), markup=False,
                              highlight=False, soft_wrap=True)
    return shell.EXIT_FAILED if any(figure.is_broken for figure in figures) else 0


def bench(
    name: Annotated[str, Argument(help="%s, or all." % ", ".join(BENCHES))],
    trace: Annotated[Path | None, Option(
        help="CSV file of a recorded charger, for suppress.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
):
    """Measure what the project promises, and hold it against its bounds.

    Counts are exact; ratios are taken between two things measured in the same run. Exit status 1
    when a figure breaks its must.
    """
    if name != ALL and name not in BENCHES:
        shell.complain("there is no bench '%s': one of %s" % (name, ", ".join((*BENCHES, ALL))))
        raise typer.Exit(shell.EXIT_USAGE)
    try:
        paths.use_device_modules()
        with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
                      console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("bench", total=None)
            figures = measure(BENCHES if name == ALL else (name,),
                              lambda step: progress.update(task, description=step), trace)
    except ToolError as error:
        shell.complain(error)
        raise typer.Exit(shell.EXIT_USAGE) from None
    raise typer.Exit(show(figures, as_json))
