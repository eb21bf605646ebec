"""The command line of the host program `tidegate`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer import Argument, Option

from tidegate_tools import report, shell
from tidegate_tools.bench import bench
from tidegate_tools.display import make_display
from tidegate_tools.errors import ToolError
from tidegate_tools.gate import app as gate_app
from tidegate_tools.spool_commands import app as spool_app
from tidegate_tools.storm import app as storm_app

AsJson = Annotated[bool, Option("--json", help="Print the result as one JSON object.")]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  rich_markup_mode=None, help="Tools around Tidegate, the telemetry agent.")
sink_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                       help="The reference receiver: stores each observation once.")
app.add_typer(sink_app, name="sink")
app.add_typer(spool_app, name="spool")
app.add_typer(storm_app, name="storm")
app.add_typer(gate_app, name="gate")
app.command(epilog="Example: tidegate bench spool --json")(bench)


@app.command(epilog="Example: tidegate demo --speed 20 --cut 10 --keep demo-files")
def demo(
    speed: Annotated[int | None, Option(
        help="Scenario seconds per second. Default 10; with a trace what makes it take about "
        "60 s.")] = None,
    trace: Annotated[Path | None, Option(
        help="CSV file to replay instead of the simulated charger.")] = None,
    broker: Annotated[str, Option(help="amqtt or mosquitto.")] = "amqtt",
    seed: Annotated[int | None, Option(
        help="Seed of the simulated charger. Default: a new one.")] = None,
    cut: Annotated[float | None, Option(
        help="Seconds for which the broker is away. Default 20.")] = None,
    keep: Annotated[Path | None, Option(
        help="New or empty folder for all files; it is kept.")] = None,
    firmware: Annotated[Path | None, Option(
        help="Folder of the agent's main.py. Default: the checkout's firmware/.")] = None,
    interpreter: Annotated[Path | None, Option(
        help="MicroPython to run the agent with. Default: the one that the set-up made.")] = None,
    as_json: AsJson = False,
):
    """Show the agent through a broker's outage and a power cut, and check that nothing is lost.

    Exit status 0 only if every accepted observation is in the sink exactly once.
    """
    from tidegate_tools.demo import Demo
    from tidegate_tools.demo_setup import Options, prepare

    setup = _or_complain(lambda: prepare(Options(
        speed=speed, trace=trace, broker=broker, seed=seed, cut_s=cut, keep=keep,
        firmware=firmware, interpreter=interpreter)))
    status = shell.EXIT_FAILED
    try:
        status = _run_demo(Demo, setup, as_json)
    except (shell.Interrupted, KeyboardInterrupt) as interrupted:
        shell.complain("interrupted; every process of the demo is ended")
        status = getattr(interrupted, "status", shell.EXIT_INTERRUPTED)
        setup.discard()
    except ToolError as error:
        shell.complain(error)
    if status == shell.EXIT_FAILED:
        shell.complain("seed %d; logs, database and spool image are in %s"
                       % (setup.seed, setup.folder))
    elif status == 0:
        setup.discard()
    raise typer.Exit(status)


def _run_demo(make_demo, setup, as_json):
    stream = sys.stderr if as_json else sys.stdout
    with make_display(stream, as_json) as screen:
        screen.say("seed %d, speed %d, broker %s, files in %s" % (
            setup.seed, setup.plan.speed, setup.broker, setup.folder))
        outcome = shell.run(make_demo(setup, screen).run())
    account = outcome.ledger
    if as_json:
        print(json.dumps(dict(
            account.to_json(), seed=setup.seed, speed=setup.plan.speed, broker=setup.broker,
            interpreter=outcome.interpreter, sessions=outcome.sessions,
            wall_s=round(outcome.wall_s, 1), verdict=account.verdict())))
    else:
        console = Console()
        report.print_ledger(console, account)
        console.print("agent: %s on %s, %d sessions, %.0f s" % (
            outcome.interpreter, outcome.board, outcome.sessions, outcome.wall_s),
            markup=False, highlight=False)
        print(account.verdict(), flush=True)
    return 0 if account.balances else shell.EXIT_FAILED


@sink_app.command("run", epilog="Example: tidegate sink run --host 127.0.0.1 --db sink.db")
def sink_run(
    db: Annotated[Path, Option(help="Database file; made where it does not exist.")],
    host: Annotated[str, Option(help="The broker's host.")] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65535, help="The broker's port.")] = 1883,
    username: Annotated[str | None, Option(help="User name at the broker.")] = None,
    password: Annotated[str | None, Option(
        envvar="TIDEGATE_PASSWORD",
        help="Its password; better given in the environment.")] = None,
):
    """Receive from a broker until stopped, and confirm to each device what is committed."""
    from tidegate_tools.sink import Link, Sink
    from tidegate_tools.store import Store

    store = _or_complain(lambda: Store(db))
    sink = Sink(store, Link(host, port, username, password), lambda text: print(text, flush=True))
    status = 0
    try:
        shell.run(sink.run())
    except shell.Interrupted as interrupted:
        shell.complain("the sink is stopped; what it confirmed is in %s" % db)
        status = interrupted.status
    except ToolError as error:
        shell.complain(error)
        status = shell.EXIT_FAILED
    finally:
        store.close()
    raise typer.Exit(status)


@sink_app.command("command", epilog="Example: tidegate sink command tg-000001 status --json")
def sink_command(
    device: Annotated[str, Argument(help="The device's id.")],
    verb: Annotated[str, Argument(help="What it is asked, such as ping, status or restart.")],
    argument: Annotated[str, Argument(help="What the verb takes.")] = "",
    host: Annotated[str, Option(help="The broker's host.")] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65535, help="The broker's port.")] = 1883,
    username: Annotated[str | None, Option(help="User name at the broker.")] = None,
    password: Annotated[str | None, Option(
        envvar="TIDEGATE_PASSWORD", help="Its password; better given in the environment.")] = None,
    key: Annotated[str, Option(
        envvar="TIDEGATE_COMMAND_KEY",
        help="The device's command key; better given in the environment.")] = "",
    counter: Annotated[int | None, Option(
        min=0, help="Counter of the command. Default: Unix time in ms.")] = None,
    patience: Annotated[float, Option(min=0.1, help="Seconds to wait for the reply.")] = 30.0,
    as_json: AsJson = False,
):
    """Ask one device something, and wait for its reply.

    Exit status 1 where it is offline, refuses, or does not answer in time.
    """
    from tidegate_tools.command import Request, ask
    from tidegate_tools.sink import Link

    request = _or_complain(lambda: Request(device, verb, argument, key, counter))
    try:
        reply = shell.run(ask(Link(host, port, username, password), request, patience))
    except shell.Interrupted as interrupted:
        raise typer.Exit(interrupted.status) from None
    except ToolError as error:
        shell.complain(error)
        raise typer.Exit(shell.EXIT_FAILED) from None
    if as_json:
        print(json.dumps(reply))
    elif reply["ok"]:
        for name, value in sorted(reply["result"].items()) or (("done", verb),):
            print("%s: %s" % (name, value if isinstance(value, str) else json.dumps(value)))
    else:
        shell.complain("%s refuses: %s" % (device, reply["error"]))
    raise typer.Exit(0 if reply["ok"] else shell.EXIT_FAILED)


@sink_app.command("report", epilog="Example: tidegate sink report sink.db --json")
def sink_report(
    file: Annotated[Path, Argument(help="Database of a sink, running or not.")],
    as_json: AsJson = False,
):
    """Show what is stored of each device, store and log, what is missing, and how far behind."""
    from tidegate_tools.queries import Archive

    archive = _or_complain(lambda: Archive(file))
    try:
        if as_json:
            print(json.dumps(report.sink_json(archive)))
        else:
            report.print_sink(Console(), archive)
    finally:
        archive.close()


@sink_app.command("ingest", epilog="Example: tidegate sink ingest spool.jsonl --db sink.db")
def sink_ingest(
    file: Annotated[Path, Argument(help="Batches, one a line; - for standard input.")],
    db: Annotated[Path, Option(help="Database file; made where it does not exist.")],
    device: Annotated[str | None, Option(
        help="Whose they are. Default: what they say, or what the database knows.")] = None,
    as_json: AsJson = False,
):
    """Store what `tidegate spool export` wrote, each observation once.

    Exit status 1 where a line was refused or says something else than what is stored.
    """
    from tidegate_tools.ingest import ingest_file

    outcome = _or_complain(lambda: ingest_file(file, db, device))
    if as_json:
        print(json.dumps(outcome.to_json()))
    else:
        print(outcome.text())
    for sentence in outcome.refused:
        shell.complain(sentence)
    raise typer.Exit(shell.EXIT_FAILED if outcome.refused_count or outcome.conflicts else 0)


def _or_complain(action):
    """The action's result; an error of the user's is one line and exit status 2."""
    try:
        return action()
    except ToolError as error:
        shell.complain(error)
        raise typer.Exit(shell.EXIT_USAGE) from None


def main():
    """Entry point of the console script."""
    try:
        app()
    except KeyboardInterrupt:
        shell.complain("interrupted")
        sys.exit(shell.EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
