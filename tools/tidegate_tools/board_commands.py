"""`tidegate boards`, `image`, `provision`, `deploy`, `flash`: from a checkout to a board."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer import Argument, Option

from tidegate_tools import board_image, boards, deploy, flash, provision
from tidegate_tools.errors import ToolError
from tidegate_tools.report import print_rows
from tidegate_tools.sink_commands import AsJson, or_complain

BoardName = Annotated[str, Argument(help="A folder of boards/.", metavar="BOARD")]
Factory = Annotated[Path | None, Option(
    help="Folder that tidegate provision wrote. Default: what is on the board stays.")]


def register(app):
    """Add the commands to the program."""
    app.command("boards", epilog="Example: tidegate boards --json")(boards_command)
    app.command("image", epilog="Example: tidegate image esp32_generic_s3 --factory ~/tg-000001"
                " -o files.img")(image_command)
    app.command("provision", epilog="Example: tidegate provision ~/tg-000001 --device-id tg-000001"
                " --host mqtt.example --wifi depot --country NO")(provision_command)
    app.command("deploy", epilog="Example: tidegate deploy esp32_generic_s3 /dev/ttyUSB0 --factory"
                " ~/tg-000001")(deploy_command)
    app.command("flash", epilog="Example: tidegate flash esp32_generic_s3 /dev/ttyUSB0 --firmware"
                " ESP32_GENERIC_S3-SPIRAM_OCT.bin --factory ~/tg-000001")(flash_command)


def _finish(action, as_json):
    found, text = or_complain(action)
    print(json.dumps(found) if as_json else text)


def boards_command(as_json: AsJson = False):
    """List the boards, and what of the agent, as it is now, fits into the heap of each."""
    rows = []
    for name in boards.names():
        board = boards.load(name)
        heap = board.facts["heap_bytes"]
        needs = {"%s, %s" % (form, "TLS" if with_tls else "no TLS"):
                 boards.heap_needed(board, form == "frozen", with_tls)
                 for form in ("files", "frozen") for with_tls in (False, True)
                 if board.is_stock or form == "frozen"}
        rows.append({"board": name, "heap": heap, "spool": board.regions["spool"].size,
                     "needs": needs})
    if as_json:
        print(json.dumps({"boards": rows}))
        return
    forms = ("files, no TLS", "files, TLS", "frozen, no TLS", "frozen, TLS")
    titles = ("board", "spool", "heap", *forms)
    print_rows(Console(), "heap that the agent needs, in KiB", titles, [
        (row["board"], str(row["spool"] // 1_024), str(row["heap"] // 1_024), *(
            "-" if form not in row["needs"] else "%d, %s" % (
                row["needs"][form] // 1_024,
                "fits" if row["needs"][form] <= row["heap"] else "too much") for form in forms))
        for row in rows])


def image_command(
    board: BoardName,
    output: Annotated[Path, Option("--output", "-o", help="File to write.")],
    factory: Annotated[Path, Option(help="Folder that tidegate provision wrote.")],
    as_json: AsJson = False,
):
    """Make the whole file system of a board as one littlefs image.

    It holds the secrets of the factory folder: nobody but you may read it.
    """
    def action():
        found = boards.load(board)
        made = board_image.make(found, factory)
        output.unlink(missing_ok=True)
        output.touch(mode=0o600)
        output.write_bytes(made)
        offset = found.regions["vfs"].offset
        return ({"path": str(output), "bytes": len(made), "offset": offset},
                "%s: %d bytes, for 0x%x of the flash" % (output, len(made), offset))

    _finish(action, as_json)


def provision_command(
    folder: Annotated[Path, Argument(help="New folder, outside the checkout.")],
    device_id: Annotated[str, Option(help="Name of the device in all topics.")],
    host: Annotated[str, Option(help="Name or address of the MQTT server.")],
    port: Annotated[int, Option(help="Its port.")] = 1883,
    wifi: Annotated[list[str] | None, Option(
        help="Name of a Wi-Fi network; its password is asked for. May be given again.")] = None,
    country: Annotated[str, Option(help="Two letters, whose radio rules hold.")] = "",
    ca: Annotated[Path | None, Option(help="Certificate of the server's authority.")] = None,
    certificate: Annotated[Path | None, Option(help="The device's own.")] = None,
    key: Annotated[Path | None, Option(help="Its key.")] = None,
    source: Annotated[str, Option(help="simulated or serial_meter.")] = "simulated",
    set_: Annotated[list[str] | None, Option(
        "--set", help="KEY=VALUE of the configuration; KEY=- asks for a secret.")] = None,
    no_watchdog: Annotated[bool, Option(help="For development at the REPL.")] = False,
    as_json: AsJson = False,
):
    """Write what makes one board this device: `factory.json` and certificates, yours alone."""
    def action():
        agent = {"device_id": device_id, "host": host, "port": port}
        for pair in set_ or ():
            name, _, value = pair.partition("=")
            if value == "-":
                value = typer.prompt(name, hide_input=True, err=True)
            agent[name] = int(value) if value.isdigit() else value
        networks = [[name, typer.prompt("password of " + name, hide_input=True, err=True)]
                    for name in wifi or ()]
        certificates = {name: path for name, path in (
            ("tls_ca", ca), ("tls_certificate", certificate), ("tls_key", key)) if path}
        if certificates:
            agent.setdefault("tls", "on")
        kept = {"source": {"kind": source}, "wifi": networks, "country": country,
                "watchdog": not no_watchdog}
        path = provision.write(folder, agent, kept, certificates)
        return {"path": str(path)}, "%s: factory.json and %d certificates" % (
            path, len(certificates))

    _finish(action, as_json)


def deploy_command(
    board: BoardName,
    port: Annotated[str, Argument(help="Serial port, such as /dev/ttyUSB0.")],
    factory: Factory = None,
    as_json: AsJson = False,
):
    """Copy the agent onto a board, beside what it runs, and switch to it last.

    A cable that is pulled in the middle leaves a board that starts what it ran before.
    """
    from tidegate_tools.board_remote import Remote

    def action():
        found = boards.load(board)
        why = boards.refusal(found, factory is not None and deploy.with_tls(factory))
        if why:
            raise ToolError(why)
        remote = Remote(port)
        try:
            platform, version = remote.facts()
            check_remote(found, platform, version)
            outcome = deploy.deploy(remote, found, factory)
            remote.start()
        finally:
            remote.close()
        return (vars(outcome), "%s: %s; %d files, %d bytes" % (
            board, "tree %s starts" % outcome.tree if outcome.tree else "nothing new",
            outcome.file_count, outcome.byte_count))

    _finish(action, as_json)


def check_remote(board, platform, version):
    """Errors: ToolError where another chip answers, or a MicroPython that is too old."""
    if platform != board.facts["port"]:
        raise ToolError("a board of %s answers, %s is one of %s"
                        % (platform, board.name, board.facts["port"]))
    wanted = [int(part) for part in board.facts["firmware_min"].split(".")]
    if [int(part) for part in version.split(".")[:2]] < wanted:
        raise ToolError("MicroPython %s answers, %s needs %s or newer: tidegate flash"
                        % (version, board.name, board.facts["firmware_min"]))


def flash_command(
    board: BoardName,
    port: Annotated[str, Argument(help="Serial port, or the drive of an RP2's boot loader.")],
    firmware: Annotated[Path, Option(help="Image of MicroPython, of your own download or build.")],
    factory: Annotated[Path | None, Option(
        help="Folder that tidegate provision wrote: its files are written too.")] = None,
    erase: Annotated[bool, Option(help="Erase the whole chip first, the spool too.")] = False,
    as_json: AsJson = False,
):
    """Write MicroPython onto a board, with the partitions that the agent needs."""
    def action():
        found = boards.load(board)
        if not firmware.is_file():
            raise ToolError("there is no %s: download %s" % (firmware,
                                                           found.facts["stock_image"]))
        if found.facts["port"] == "rp2":
            flash.copy_uf2(found, firmware, port)
            return {"board": board}, "%s: copied; it restarts by itself" % board
        with tempfile.TemporaryDirectory() as work:
            image = flash.adjusted(found, firmware, work)
            files = None
            if factory is not None:
                files = Path(work) / "files.img"
                files.write_bytes(board_image.make(found, factory))
            flash.run_esptool(flash.esptool_arguments(found, port, image, files, erase))
        return {"board": board}, "%s: written" % board

    _finish(action, as_json)
