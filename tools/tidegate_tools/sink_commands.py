"""`tidegate sink`: receive, report, take exports in, ask devices, watch over them."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer import Argument, Option

from tidegate_tools import report, shell
from tidegate_tools.errors import ToolError

AsJson = Annotated[bool, Option("--json", help="Print the result as one JSON object.")]
Host = Annotated[str, Option(help="The broker's host.")]
Port = Annotated[int, Option(min=1, max=65535, help="The broker's port.")]
Username = Annotated[str | None, Option(help="User name at the broker.")]
Password = Annotated[str | None, Option(
    envvar="TIDEGATE_PASSWORD", help="Its password; better given in the environment.")]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                  help="The reference receiver: stores each observation once.")


def or_complain(action):
    """The action's result; an error of the user's is one line and exit status 2."""
    try:
        return action()
    except ToolError as error:
        shell.complain(error)
        raise typer.Exit(shell.EXIT_USAGE) from None


def run_or_complain(main):
    """The coroutine's result; a signal ends the command, an error is one line and status 1."""
    try:
        return shell.run(main)
    except shell.Interrupted as interrupted:
        raise typer.Exit(interrupted.status) from None
    except ToolError as error:
        shell.complain(error)
        raise typer.Exit(shell.EXIT_FAILED) from None


@app.command("run", epilog="Example: tidegate sink run --host 127.0.0.1 --db sink.db")
def sink_run(
    db: Annotated[Path, Option(help="Database file; made where it does not exist.")],
    host: Host = "127.0.0.1",
    port: Port = 1883,
    username: Username = None,
    password: Password = None,
):
    """Receive from a broker until stopped, and confirm to each device what is committed."""
    from tidegate_tools.sink import Link, Sink
    from tidegate_tools.store import Store

    store = or_complain(lambda: Store(db))
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


@app.command("command", epilog="Example: tidegate sink command tg-000001 status --json")
def sink_command(
    device: Annotated[str, Argument(help="The device's id.")],
    verb: Annotated[str, Argument(help="What it is asked, such as ping, status or restart.")],
    argument: Annotated[str, Argument(help="What the verb takes.")] = "",
    host: Host = "127.0.0.1",
    port: Port = 1883,
    username: Username = None,
    password: Password = None,
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

    request = or_complain(lambda: Request(device, verb, argument, key, counter))
    reply = run_or_complain(ask(Link(host, port, username, password), request, patience))
    if as_json:
        print(json.dumps(reply))
    elif reply["ok"]:
        for name, value in sorted(reply["result"].items()) or (("done", verb),):
            print("%s: %s" % (name, value if isinstance(value, str) else json.dumps(value)))
    else:
        shell.complain("%s refuses: %s" % (device, reply["error"]))
    raise typer.Exit(0 if reply["ok"] else shell.EXIT_FAILED)


@app.command("alerts", epilog="Example: tidegate sink alerts sink.db --metrics-port 9464")
def sink_alerts(
    file: Annotated[Path, Argument(help="Database of a sink, running or not.")],
    period: Annotated[float, Option(min=0.1, help="Seconds between two looks.")] = 10.0,
    publish: Annotated[str | None, Option(
        help="HOST:PORT of a broker; alerts go to tidegate/1/fleet/alerts.")] = None,
    metrics_port: Annotated[int | None, Option(
        min=1, max=65535, help="Port of a Prometheus endpoint on loopback.")] = None,
    lag: Annotated[int, Option(min=1, help="Seconds behind that, rising, are an alert.")] = 300,
    offline: Annotated[int, Option(min=0, help="Seconds offline that are an alert.")] = 30,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object an alert.")] = False,
):
    """Say when a device falls behind, is away, repeats itself, lost something or has another
    store, and when broker or sink cannot keep up. Runs until stopped.
    """
    from tidegate_tools import alert_outputs, alerts
    from tidegate_tools.queries import Archive

    def prepare():
        publisher = None
        if publish is not None:
            publisher = alert_outputs.Publisher(alert_outputs.link_of(publish), shell.complain)
        archive = Archive(file)
        metrics = alert_outputs.Metrics(metrics_port) if metrics_port else None
        return archive, publisher, metrics

    def tell(event):
        print(json.dumps(event.to_json()) if as_json else alert_outputs.line(event), flush=True)

    archive, publisher, metrics = or_complain(prepare)
    watch = alerts.Watch(alerts.Thresholds(lag_s=lag, offline_s=offline))
    try:
        run_or_complain(alert_outputs.run(archive, watch, period, tell, publisher, metrics))
    finally:
        archive.close()


@app.command("report", epilog="Example: tidegate sink report sink.db --json")
def sink_report(
    file: Annotated[Path, Argument(help="Database of a sink, running or not.")],
    as_json: AsJson = False,
):
    """Show what is stored of each device, store and log, what is missing, and how far behind."""
    from tidegate_tools.queries import Archive

    archive = or_complain(lambda: Archive(file))
    try:
        if as_json:
            print(json.dumps(report.sink_json(archive)))
        else:
            report.print_sink(Console(), archive)
    finally:
        archive.close()


@app.command("ingest", epilog="Example: tidegate sink ingest spool.jsonl --db sink.db")
def sink_ingest(
    file: Annotated[Path, Argument(help="Batches, one a line; - for standard input.")],
    db: Annotated[Path, Option(help="Database file; made where it does not exist.")],
    device: Annotated[str | None, Option(
        help="Whose they are. Default: what they say, or what the database knows.")] = None,
    console: Annotated[bool, Option(
        "--console", help="The file is the log of a terminal in which `export` was typed.")
        ] = False,
    as_json: AsJson = False,
):
    """Store what `tidegate spool export` or a device's console wrote, each observation once.

    Exit status 1 where a line was refused or says something else than what is stored.
    """
    from tidegate_tools.ingest import ingest_file

    outcome = or_complain(lambda: ingest_file(file, db, device, console))
    if as_json:
        print(json.dumps(outcome.to_json()))
    else:
        print(outcome.text())
    for sentence in outcome.refused:
        shell.complain(sentence)
    raise typer.Exit(shell.EXIT_FAILED if outcome.refused_count or outcome.conflicts else 0)


@app.command("health", epilog="Example: tidegate sink health sink.db --json")
def sink_health(
    file: Annotated[Path, Argument(help="Database of a sink, running or not.")],
    device: Annotated[str | None, Option(help="Only this one.")] = None,
    as_json: AsJson = False,
):
    """Show what the devices last said of their own health: counters over all of their boots.

    Exit status 1 where none has.
    """
    from tidegate_tools import health
    from tidegate_tools.queries import Archive

    archive = or_complain(lambda: Archive(file))
    try:
        found = health.latest(archive)
    finally:
        archive.close()
    if device is not None:
        found = {name: values for name, values in found.items() if name == device}
    if as_json:
        print(json.dumps(found))
    elif found:
        health.show(Console(), found)
    else:
        shell.complain("no health is stored; a device tells it in its first session of a boot")
    raise typer.Exit(0 if found else shell.EXIT_FAILED)
