"""`tidegate config`: the keys of a device's configuration, and whether a file is a good one."""

import json
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from tidegate_tools import shell
from tidegate_tools.sink_commands import or_complain

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                  help="The configuration's keys, and files that hold them.")


@app.command("schema", epilog="Example: tidegate config schema > tidegate.schema.json")
def config_schema():
    """Print the JSON Schema, draft 2020-12, of the table `agent` of a configuration file."""
    from tidegate_tools.config_documents import json_schema

    print(json.dumps(json_schema(), indent=1))


@app.command("reference", epilog="Example: tidegate config reference > docs/configuration.md")
def config_reference():
    """Print the reference of all keys as markdown."""
    from tidegate_tools.config_documents import reference

    print(reference(), end="")


@app.command("check", epilog="Example: tidegate config check CONFIG.json --json")
def config_check(
    file: Annotated[Path, Argument(
        help="A board's file with a table `agent`, or such a table by itself.")],
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
):
    """Check a configuration as the device would, and name all that is wrong.

    Exit status 0: good; 1: it is refused; 2: it cannot be read.
    """
    from tidegate_tools.config_documents import check_file

    faults = or_complain(lambda: check_file(file))
    if as_json:
        print(json.dumps({"good": not faults, "faults": [each._asdict() for each in faults]}))
    elif faults:
        for each in faults:
            shell.complain(each.text())
    else:
        print("%s is good" % file)
    raise typer.Exit(shell.EXIT_FAILED if faults else 0)
