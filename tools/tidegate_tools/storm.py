"""`tidegate storm`: one storm by its options, or every figure of the reconnect policy."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from typer import Option

from tidegate_tools import paths, shell

FRONT_HELP = "refuse (at no cost), costly (each refusal costs --cost), or queue (loses what left)."
app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback(
    epilog="Example: tidegate storm --count 10000 --front queue --hint-s 0 --plot storm.png")
def storm(
    count: Annotated[int, Option(min=100, max=2_000_000, help="Devices.")] = 50_000,
    ideal_s: Annotated[float, Option(
        min=1, max=86_400, help="N/C: devices over admissions per second.")] = 300,
    outage_s: Annotated[float, Option(min=0, max=604_800, help="Length of the outage.")] = 4_680,
    spread_s: Annotated[float, Option(
        min=0, max=3_600, help="Time over which the sessions are lost.")] = 0,
    front: Annotated[str, Option(help=FRONT_HELP)] = "refuse",
    cost: Annotated[float, Option(
        min=0, max=1, help="Share of an admission that a refusal costs.")] = 0.1,
    hint_s: Annotated[float, Option(
        min=0, max=3_600, help="Window in the devices' flash, 0 for no hint.")] = 330,
    outage_hint: Annotated[bool, Option(
        "--outage-hint", help="The hint says that there is an outage.")] = False,
    loss: Annotated[str, Option(help="closed, silence or power.")] = "closed",
    refusal: Annotated[str, Option(
        help="How it refuses, in the outage and after it: reset, busy, or silent.")] = "reset",
    ramp_s: Annotated[float, Option(
        min=0, max=86_400, help="Time over which the capacity comes back.")] = 0,
    rival: Annotated[str, Option(
        help="Play this policy of others instead; 'list' names them.")] = "",
    patience_s: Annotated[float, Option(
        min=0, max=3_600, help="Hang up in the queue after this, 0 for the device's own.")] = 0,
    seed: Annotated[int, Option(help="Seed of all chance.")] = 1,
    regions: Annotated[bool, Option(
        "--regions", help="Two regions: A is lost, B has room for a fifth of the fleet.")] = False,
    suite: Annotated[bool, Option(
        "--suite", help="Every figure of the policy with its must; takes some minutes.")] = False,
    count_max: Annotated[int, Option(
        min=1_000, max=1_000_000, help="Largest fleet of --suite.")] = 1_000_000,
    plot: Annotated[Path | None, Option(
        help="PNG: attempts per second and share online, ours against others, 2,000 "
        "devices.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
):
    """Let a fleet lose its server and come back, with the device's own back-off.

    Exit status 1 when a figure breaks its must.
    """
    paths.use_device_modules()
    from tidegate_tools import storm_rivals, storm_scenario

    if rival == "list":
        print("\n".join(storm_rivals.RIVALS))
        raise typer.Exit()
    _check("--front", front, storm_scenario.FRONTS)
    _check("--loss", loss, storm_scenario.LOSSES)
    _check("--refusal", refusal, storm_scenario.REFUSALS)
    _check("--rival", rival, ("", *storm_rivals.RIVALS))
    scenario = storm_scenario.Scenario(
        count=count, ideal_s=ideal_s, outage_s=outage_s, spread_s=spread_s, front=front,
        cost=cost, hint_s=hint_s, is_outage_hinted=outage_hint, loss=loss, refusal=refusal,
        ramp_s=ramp_s, rival=rival, patience_ms_max=int(patience_s * 1000), seed=seed)
    with _progress() as progress:
        figures = _figures(scenario, suite, regions, count_max, progress)
        if plot is not None:
            from tidegate_tools.storm_plot import draw
            draw(scenario, plot, _task(progress, "plot"))
    _show(figures, as_json)
    from tidegate_tools.storm_suite import is_broken
    raise typer.Exit(shell.EXIT_FAILED if any(map(is_broken, figures)) else 0)


def _figures(scenario, is_suite, is_regions, count_max, progress):
    from tidegate_tools import storm_regions, storm_suite

    if is_suite:
        suite = storm_suite.Suite(scenario.count, count_max, _task(progress, "suite"))
        return suite.run()
    suite = storm_suite.Suite()
    if is_regions:
        from tidegate.link import causes
        found = storm_regions.run(scenario.count, scenario.ideal_s, scenario.outage_s,
                                  scenario.hint_s, causes.REFUSED, 10 * scenario.ideal_s)
        for name, value in found.items():
            suite.add(name, value, "")
        return suite.figures
    task = progress.add_task("devices back", total=scenario.count)
    result = scenario.play(lambda done, count: progress.update(task, completed=min(done, count)))
    progress.update(task, completed=scenario.count)
    for percent in (50, 99, 100):
        suite.add("t%d" % percent, result.share_ms(percent) / 1000 / scenario.ideal_s, "over N/C")
    suite.add("attempts after restoration", result.attempt_count_after, "per device")
    suite.add("attempts in all", result.attempt_count, "per device")
    for seconds in (10, 1):
        suite.add("peak of %d s" % seconds, result.peak(seconds) / seconds / scenario.capacity,
                  "over capacity")
    suite.add("burst of the front end", scenario.burst_count, "admissions")
    return suite.figures


def _progress():
    return Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
                    console=Console(stderr=True), transient=True)


def _task(progress, name):
    task = progress.add_task(name, total=None)
    return lambda step: progress.update(task, description="%s: %s" % (name, step))


def _check(option, value, allowed):
    if value not in allowed:
        shell.complain("%s %s: one of %s" % (option, value, ", ".join(filter(None, allowed))))
        raise typer.Exit(shell.EXIT_USAGE)


def _show(figures, as_json):
    if as_json:
        # JSON knows no infinity: what never happened has no value.
        print(json.dumps({"figures": [
            dict(figure, value=figure["value"] if abs(figure["value"]) != float("inf") else None)
            for figure in figures]}))
        return
    from tidegate_tools.storm_suite import is_broken
    table = Table("figure", "value", "unit", "must", "")
    for figure in figures:
        must = figure["must"]
        sign = ">=" if figure["better"] == "higher" else "<="
        verdict = "" if must is None else "broken" if is_broken(figure) else "held"
        table.add_row(figure["name"], "%.2f" % figure["value"], figure["unit"],
                      "" if must is None else "%s %g" % (sign, must), verdict)
    Console(file=sys.stdout).print(table)
