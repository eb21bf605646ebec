"""`tidegate simulate`: incidents, played through with the device's own code."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from typer import Option

from tidegate_tools import bench, shell

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None,
                  help="Play incidents through, with the device's own code.")


@app.callback()
def simulate():
    """Play incidents through, with the device's own code."""


@app.command(epilog="Example: tidegate simulate january --hours 2 --plot january.png")
def january(
    hours: Annotated[float, Option(
        min=0.2, max=120, help="Length; the devices go mad after a twelfth of it.")] = 24,
    seed: Annotated[int, Option(help="Seed of all chance.")] = 1,
    plot: Annotated[Path | None, Option(
        help="PNG: what is sent, and how long it waits in the ingest.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
):
    """Let 50 of 1,000 devices' sources go mad in five ways, with suppression and without.

    40 devices are simulated in full, the others weighted; 24 h take some minutes.
    Exit status 1 when with suppression an ingest falls behind, or a change of state is lost.
    """
    from tidegate_tools import january as incident
    from tidegate_tools import january_report

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("devices", total=None)
        fleet = incident.simulate(
            round(hours * incident.HOUR_S), seed,
            lambda done, count: progress.update(task, completed=done, total=count))
    told, found = january_report.rates(fleet), january_report.pipelines(fleet)
    figures = january_report.figures(fleet, found)
    if plot is not None:
        from tidegate_tools.january_plot import draw

        draw(fleet, plot)
    if as_json:
        print(json.dumps({"seed": seed, "hours": hours,
                          **january_report.to_json(told, found, figures)}))
    else:
        january_report.show(Console(), told, found)
        bench.show(figures, False)
    raise typer.Exit(shell.EXIT_FAILED if any(each.is_broken for each in figures) else 0)
