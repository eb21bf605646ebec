"""`tidegate spool`: what an image of a device's flash holds, whatever state it is in."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer import Argument, Option

from tidegate_tools import shell
from tidegate_tools.decode import DEVICE, LOGS
from tidegate_tools.errors import ToolError

Image = Annotated[Path, Argument(help="File with the spool's flash region; it is only read.")]
AsJson = Annotated[bool, Option("--json", help="Print one JSON object.")]
BlockBytes = Annotated[int, Option(
    "--block-bytes", min=512, max=1 << 20, help="Bytes of an erase block.")]
Unit = Annotated[int | None, Option(
    min=1, max=4_096, help="Program unit in bytes. Default: what fits the image.")]
Once = Annotated[bool, Option(
    "--once", help="A unit is programmed once only, as with flash encryption.")]
Blocks = Annotated[int | None, Option(
    min=8, max=1 << 20, help="Blocks of the region. Default: what fits the image.")]
RecordsBlocks = Annotated[int | None, Option(
    "--records-blocks", min=1, help="Blocks of the log records. Default: a quarter.")]
Offset = Annotated[int, Option(min=0, help="Bytes of the file before the region.")]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                  help="Images of a device's spool, also damaged ones. The file is only read.")


@app.command(epilog="Example: tidegate spool dump spool.img --log records --json")
def dump(
    image: Image,
    log: Annotated[str | None, Option(help="telemetry or records. Default: both.")] = None,
    sectors: Annotated[bool, Option(
        "--sectors", help="Show the sectors in place of the observations.")] = False,
    block_bytes: BlockBytes = 4_096, unit: Unit = None, once: Once = False,
    blocks: Blocks = None, records_blocks: RecordsBlocks = None, offset: Offset = 0,
    as_json: AsJson = False,
):
    """Show every observation that can be read, or every sector.

    What cannot be read is named on standard error. Exit status 0; 2 where nothing can be read.
    """
    from tidegate_tools import spool_show
    from tidegate_tools.spool_verdict import judge

    if log is not None and log not in LOGS:
        shell.complain("there is no log '%s': one of %s" % (log, ", ".join(LOGS)))
        raise typer.Exit(shell.EXIT_USAGE)
    opened, readings = _open(image, block_bytes, unit, once, blocks, records_blocks, offset)
    shown = [reading for reading in readings if log in (None, reading.name)]
    if as_json:
        print(json.dumps(spool_show.to_json(opened, shown, sectors)))
    else:
        console = Console()
        if sectors:
            spool_show.print_sectors(console, shown)
        else:
            spool_show.print_observations(console, shown)
    for text in judge(opened, readings).damage:
        shell.complain(text)


@app.command(epilog="Example: tidegate spool verify spool.img --json")
def verify(
    image: Image, block_bytes: BlockBytes = 4_096, unit: Unit = None, once: Once = False,
    blocks: Blocks = None, records_blocks: RecordsBlocks = None, offset: Offset = 0,
    as_json: AsJson = False,
):
    """Count what is whole, confirmed, lost, given way or damaged, and judge.

    Exit status 0: sound; 1: damaged; 2: cannot be read. What a power cut left torn is sound.
    """
    from tidegate_tools import spool_show
    from tidegate_tools.spool_verdict import UNKNOWN_WEAR, judge, log_counts

    opened, readings = _open(image, block_bytes, unit, once, blocks, records_blocks, offset)
    verdict = judge(opened, readings)
    if as_json:
        print(json.dumps(dict(
            spool_show.head_json(opened), logs=[log_counts(each) for each in readings],
            sound=verdict.is_sound, damage=verdict.damage, notes=verdict.notes,
            verdict=verdict.text())))
    else:
        console = Console()
        spool_show.print_counts(console, opened, readings)
        for note in (*verdict.notes, UNKNOWN_WEAR):
            console.print(note, markup=False, highlight=False, soft_wrap=True)
        console.print(verdict.text(), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(0 if verdict.is_sound else shell.EXIT_FAILED)


@app.command(epilog="Example: tidegate spool export spool.img --device tg-7 --out tg-7.jsonl")
def export(
    image: Image,
    out: Annotated[Path, Option(help="File to write, - for standard output.")],
    unconfirmed: Annotated[bool, Option(
        "--unconfirmed", help="Only what no receiver has confirmed.")] = False,
    device: Annotated[str, Option(
        help="Id of the device; a spool does not hold it. Left out, the sink looks it up.")] = "",
    block_bytes: BlockBytes = 4_096, unit: Unit = None, once: Once = False,
    blocks: Blocks = None, records_blocks: RecordsBlocks = None, offset: Offset = 0,
):
    """Write what can be read as batches, one a line, for `tidegate sink ingest`.

    Each observation has the key under which the device itself sends it, so a sink stores it once.
    What cannot be read is named on standard error, and in the batches as a gap.
    """
    from tidegate_tools.spool_export import batches
    from tidegate_tools.spool_verdict import judge

    if device and not DEVICE.match(device):
        shell.complain("--device %r: 1 to 64 characters out of A-Z a-z 0-9 . _ -" % device)
        raise typer.Exit(shell.EXIT_USAGE)
    opened, readings = _open(image, block_bytes, unit, once, blocks, records_blocks, offset)
    try:
        with _output(out, image) as file:
            for batch in batches(opened.spool, device, unconfirmed):
                file.write(batch + b"\n")
    except OSError as error:
        shell.complain("%s cannot be written: %s" % (out, error.strerror))
        raise typer.Exit(shell.EXIT_USAGE) from None
    for text in judge(opened, readings).damage:
        shell.complain(text)


def _output(out, image):
    """The file to write. Errors: OSError; exit status 2 where it is the image itself."""
    if str(out) == "-":
        return open(sys.stdout.fileno(), "wb", closefd=False)
    if out.exists() and out.samefile(image):
        shell.complain("--out %s is the image itself: name another file" % out)
        raise typer.Exit(shell.EXIT_USAGE)
    return out.open("wb")


def _open(path, block_bytes, unit, once, blocks, records_blocks, offset):
    """The image and the readings of its logs; an error is one line and exit status 2."""
    from tidegate_tools.spool_image import Options, open_image
    from tidegate_tools.spool_reading import read_log

    try:
        opened = open_image(path, Options(block_bytes, unit, once, blocks, records_blocks, offset))
    except ToolError as error:
        shell.complain(error)
        raise typer.Exit(shell.EXIT_USAGE) from None
    return opened, [read_log(opened, index) for index in range(len(opened.spool.logs))]
