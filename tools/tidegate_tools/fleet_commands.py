"""`tidegate surge` and `tidegate rehearse`: two incidents, played with real agents."""

import asyncio
import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from typer import Option

from tidegate_tools import bench, demo_setup, fleet_scenes, paths, shell
from tidegate_tools.broker import check_broker, find_mosquitto
from tidegate_tools.errors import ToolError
from tidegate_tools.fleet import COUNT_MAX, Fleet, Record, Setup
from tidegate_tools.fleet_account import Books, settle
from tidegate_tools.fleet_image import STORED_COUNT_MAX
from tidegate_tools.gate import Settings
from tidegate_tools.sink_commands import or_complain

OURS, RIVAL = "Tidegate", "umqtt.robust, 2 s"
CUTS = {"refused": "closed", "busy": "down"}
FRONTS = ("refuse", "costly", "queue")
RIVAL_PROGRAM = "fixed_retry.py"
Speed = Annotated[int, Option(min=1, max=60, help="How much faster the agents' clocks run.")]
Seed = Annotated[int, Option(min=0, help="Seed of the chargers; what the network does is chance.")]
BrokerName = Annotated[str, Option(help="amqtt or mosquitto. Default: mosquitto where it is.")]
Plot = Annotated[Path | None, Option(help="PNG of the run.")]
Keep = Annotated[Path | None, Option(help="New or empty folder for all files; it is kept.")]
Firmware = Annotated[Path | None, Option(
    help="Folder of the agent's main.py. Default: the checkout's firmware/.")]
AsJson = Annotated[bool, Option("--json", help="Print one JSON object.")]


class Run(NamedTuple):
    """What a fleet leaves behind; `books` is None where nobody asked for them."""

    record: Record
    books: Books | None
    counts: dict


async def play(setup, steps, progress, is_accounted=True):
    """One fleet through its steps. Result: Run. Errors: ToolError; no process is left behind."""
    task = progress.add_task("fleet starts", total=None)

    def note(name, sample):
        progress.update(task, description="%s: %d of %d online, lag %s" % (
            name, sample.online, setup.count, "{:,d}".format(sample.lag)))

    fleet = Fleet(setup, note)
    try:
        await fleet.start()
        record = await fleet.play(steps)
        books = None
        if is_accounted:
            progress.update(task, description="agents end in order")
            await fleet.end()
            books = await asyncio.to_thread(settle, fleet, lambda done: progress.update(
                task, description="ledger", completed=done, total=setup.count))
        return Run(record, books, dict(fleet.front.counts))
    finally:
        await fleet.clear()
        progress.remove_task(task)


@contextmanager
def folder_of(keep):
    """The work folder, removed at the end unless the user named it or the run failed."""
    folder = demo_setup.make_folder(keep)
    try:
        yield folder
    except typer.Exit as ended:
        if ended.exit_code == shell.EXIT_FAILED:
            shell.complain("logs, images and database are in %s" % folder)
        elif keep is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def prepare(folder, broker, firmware, **members):
    """A Setup. Errors: ToolError."""
    broker = broker or ("mosquitto" if find_mosquitto() else "amqtt")
    check_broker(broker)
    checkout = paths.find_checkout()
    firmware = Path(firmware or checkout.firmware).resolve()
    if not (firmware / "main.py").is_file():
        raise ToolError("%s holds no main.py: --firmware names the folder of the agent" % firmware)
    return Setup(broker=broker, firmware=firmware, checkout=checkout, folder=folder,
                 interpreter=demo_setup.find_interpreter(None, checkout), **members)


def finish(figures, run, as_json, extra=()):
    """Print figures and verdict. Result: the exit status."""
    late = run.record.late_step
    verdict = run.books.verdict()
    if as_json:
        print(json.dumps({
            "figures": [figure.to_json() for figure in figures], "ledger": run.books.to_json(),
            "gate": run.counts, "late": late, "steps": run.record.begins, **dict(extra),
            "samples": [vars(sample) for sample in run.record.samples]}))
        status = shell.EXIT_FAILED if any(each.is_broken for each in figures) else 0
    else:
        status = bench.show(figures, False)
        print(verdict, flush=True)
    if late:
        shell.complain("the step '%s' did not come to its end in its time" % late)
    return shell.EXIT_FAILED if late or not run.books.balances else status


def run_or_exit(main):
    """What `main(progress)`, a coroutine, comes to; errors and signals end the command."""
    try:
        with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
                      console=Console(stderr=True), transient=True) as progress:
            return shell.run(main(progress))
    except shell.Interrupted as interrupted:
        shell.complain("interrupted; every process of the fleet is ended")
        raise typer.Exit(interrupted.status) from None
    except ToolError as error:
        shell.complain(error)
        raise typer.Exit(shell.EXIT_FAILED) from None


def surge(
    count: Annotated[int, Option(min=1, max=COUNT_MAX, help="Agents.")] = 50,
    stored: Annotated[int, Option(
        min=1, max=STORED_COUNT_MAX, help="Observations on the flash of each.")] = 20_000,
    rate: Annotated[int, Option(
        min=0, max=10**9, help="Bytes per second that reach the sink, 0 for no limit.")] = 160_000,
    hint_rate: Annotated[int, Option(
        min=0, max=10_000, help="Observations per second of each device's backlog that the "
        "operator's hint allows, 0 for no hint.")] = 0,
    limit_s: Annotated[float, Option(min=1, max=7_200, help="Time for the drain.")] = 480,
    speed: Speed = 1,
    seed: Seed = 1,
    broker: BrokerName = "",
    plot: Plot = None,
    keep: Keep = None,
    firmware: Firmware = None,
    as_json: AsJson = False,
):
    """Let a fleet come back with full flash, all in one moment, to a sink of limited rate.

    Each agent is a real one, on MicroPython. Exit status 0 only if the sink's lag rises once and
    falls steadily, live values stay fresh, and each observation is in the sink exactly once.
    """
    from tidegate_tools import fleet_figures

    with folder_of(keep) as folder:
        setup = or_complain(lambda: prepare(
            folder, broker, firmware, count=count, stored_count=stored, speed=speed, seed=seed,
            sink_bytes_per_s=rate, hint={
                "window_s": 330, "backlog_obs_per_s": hint_rate} if hint_rate else {}))
        steps = fleet_scenes.surge(speed, limit_s)
        run = run_or_exit(lambda progress: play(setup, steps, progress))
        if plot is not None:
            from tidegate_tools.fleet_plot import draw_surge
            draw_surge(run.record, run.books, setup, plot)
        raise typer.Exit(finish(fleet_figures.surge(run.record, run.books), run, as_json))


def rehearse(
    count: Annotated[int, Option(min=1, max=COUNT_MAX, help="Agents, N.")] = 100,
    rate: Annotated[float, Option(
        min=0.01, max=10_000, help="Sessions per second after restoration, C.")] = 1,
    burst: Annotated[float, Option(min=1, max=10_000, help="What the gate's bucket holds.")] = 10,
    window_s: Annotated[int, Option(
        min=0, max=3_600, help="Window of the hint, 0 for none. Right is 1.1 N/C.")] = 110,
    outage_s: Annotated[float, Option(min=1, max=86_400, help="Length of the outage.")] = 300,
    cut: Annotated[str, Option(
        help="What the outage looks like: refused, or busy, taken and reset.")] = "refused",
    front: Annotated[str, Option(
        help="What refuses after it: %s; see `tidegate gate`." % ", ".join(FRONTS))] = "refuse",
    rival: Annotated[bool, Option(
        "--rival", help="Then the same with the policy of umqtt.robust, 2 s.")] = False,
    limit_s: Annotated[float, Option(
        min=1, max=86_400, help="How long to wait for the last one.")] = 600,
    speed: Speed = 2,
    seed: Seed = 1,
    broker: BrokerName = "",
    plot: Plot = None,
    keep: Keep = None,
    firmware: Firmware = None,
    as_json: AsJson = False,
):
    """Play the incident of March with real agents: the service goes, and comes back slowly.

    Times are of the agents' clocks. Exit status 0 only if all come back as DESIGN says and each
    observation is in the sink exactly once; bounds hold from 100 agents on.
    """
    from tidegate_tools import fleet_figures

    for name, value, allowed in (("--cut", cut, CUTS), ("--front", front, FRONTS)):
        if value not in allowed:
            shell.complain("%s %s: one of %s" % (name, value, ", ".join(allowed)))
            raise typer.Exit(shell.EXIT_USAGE)
    restored = Settings(front, rate * speed, burst)
    steps = fleet_scenes.rehearsal(speed, outage_s, restored, CUTS[cut], limit_s)
    with folder_of(keep) as folder:
        setup = or_complain(lambda: prepare(
            folder, broker, firmware, count=count, stored_count=0, speed=speed, seed=seed,
            sink_bytes_per_s=0, hint={"window_s": window_s} if window_s else {}))
        run = run_or_exit(lambda progress: play(setup, steps, progress))
        figures = fleet_figures.rehearsal(run.record, setup, count / rate)
        figures += fleet_figures.ledger(run.books)
        runs, extra = [(OURS, run.record)], ()
        if rival:
            setup_theirs = replace(setup, folder=folder / "rival", program=RIVAL_PROGRAM)
            setup_theirs.folder.mkdir()
            theirs = run_or_exit(lambda progress: play(setup_theirs, steps, progress, False))
            runs.append((RIVAL, theirs.record))
            figures += [replace(figure, name="%s: %s" % (RIVAL, figure.name))
                        for figure in fleet_figures.rehearsal(
                            theirs.record, setup, count / rate, must=False)]
            extra = (("rival_samples", [vars(sample) for sample in theirs.record.samples]),)
        if plot is not None:
            from tidegate_tools.fleet_plot import draw_rehearsal
            draw_rehearsal(runs, setup, count / rate, front, plot)
        raise typer.Exit(finish(figures, run, as_json, extra))
