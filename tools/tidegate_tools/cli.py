"""The command line of the host program `tidegate`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer import Option

from tidegate_tools import board_commands, report, shell
from tidegate_tools.bench import bench
from tidegate_tools.config_commands import app as config_app
from tidegate_tools.console import console
from tidegate_tools.display import make_display
from tidegate_tools.errors import ToolError
from tidegate_tools.fleet_commands import rehearse, surge
from tidegate_tools.gate import app as gate_app
from tidegate_tools.meter_line import meter
from tidegate_tools.simulate import app as simulate_app
from tidegate_tools.sink_commands import AsJson, or_complain
from tidegate_tools.sink_commands import app as sink_app
from tidegate_tools.spool_commands import app as spool_app
from tidegate_tools.storm import app as storm_app

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  rich_markup_mode=None, help="Tools around Tidegate, the telemetry agent.")
app.add_typer(sink_app, name="sink")
app.add_typer(spool_app, name="spool")
app.add_typer(storm_app, name="storm")
app.add_typer(gate_app, name="gate")
app.add_typer(simulate_app, name="simulate")
app.add_typer(config_app, name="config")
app.command(epilog="Example: tidegate bench spool --json")(bench)
app.command(epilog="Example: tidegate meter --link meter.tty --noise 0.001")(meter)
app.command(epilog="Example: tidegate console auto --run 'status --json'")(console)
app.command(epilog="Example: tidegate surge --count 10 --stored 2000 --rate 40000")(surge)
app.command(epilog="Example: tidegate rehearse --rival --plot march.png")(rehearse)
board_commands.register(app)


@app.command(epilog="Example: tidegate demo --speed 20 --cut 10 --keep demo-files")
def demo(
    speed: Annotated[int | None, Option(
        help="Scenario seconds per second. Default 10; with a trace what makes it take about "
        "60 s.")] = None,
    trace: Annotated[Path | None, Option(
        help="CSV file to replay instead of the simulated charger.")] = None,
    broker: Annotated[str, Option(help="amqtt or mosquitto.")] = "amqtt",
    source: Annotated[str, Option(
        help="Where the simulated charger is: simulated, inside the agent, or serial_meter, at "
        "the other end of a serial line.")] = "simulated",
    noise: Annotated[float, Option(
        min=0, max=0.5, help="Share of the bytes that the serial line damages.")] = 0.0,
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

    setup = or_complain(lambda: prepare(Options(
        speed=speed, trace=trace, broker=broker, seed=seed, cut_s=cut, keep=keep,
        source=source, noise=noise,
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


def main():
    """Entry point of the console script."""
    try:
        app()
    except KeyboardInterrupt:
        shell.complain("interrupted")
        sys.exit(shell.EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
