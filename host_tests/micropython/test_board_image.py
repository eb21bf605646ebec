"""The littlefs image of each board, mounted by the real MicroPython, which boots the agent from it
on fakes of the board's chip until it has reached a real broker."""

import asyncio
import json
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import INTERPRETER
from littlefs import LittleFS
from typer.testing import CliRunner

from tidegate_tools import board_image, boards, cli, device_code
from tidegate_tools.broker import Broker
from tidegate_tools.errors import ToolError

HERE = Path(__file__).parent
NAMES = boards.names()


def factory(folder, port=1883):
    """A factory folder for a device at a broker on loopback."""
    folder.mkdir(exist_ok=True)
    (folder / "factory.json").write_text(json.dumps({
        "board": {"wifi": [["home", "secret"]], "country": "NO"},
        "agent": {"device_id": "tg-000001", "host": "127.0.0.1", "port": port,
                  "confirm": "puback"}}))
    return folder


def boot(name, folder, port):
    """Start a board's image on MicroPython. Result: what it said."""
    board = boards.load(name)
    image = folder / f"{name}.img"
    image.write_bytes(board_image.make(board, factory(folder / "factory", port)))
    frozen = "" if board.is_stock else folder / "frozen"
    if frozen:
        device_code.write(boards.code(board), frozen)
    # An ESP32 asks how large its partition is: a small one starts sooner.
    size = board.regions["storage"].size if "storage" in board.regions else 64 * boards.BLOCK_BYTES
    done = subprocess.run(
        [INTERPRETER, "-X", "heapsize=48M", HERE / "board_main.py", image, board.facts["port"],
         str(size // boards.BLOCK_BYTES),
         str(board.facts["file_system_program_bytes"]), str(frozen)],
        env={"MICROPYPATH": str(HERE.parent)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=25)  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.micropython
@pytest.mark.interop
@pytest.mark.parametrize("name", [
    # One of each chip each time; the others differ in sizes and pins.
    name if name in ("esp32_generic_s3", "rpi_pico_w") else pytest.param(
        name, marks=pytest.mark.long) for name in NAMES])
def test_a_board_boots_from_its_image_reaches_its_server_and_keeps_its_tree(name, tmp_path):
    async def scene():
        broker = Broker("amqtt", tmp_path)
        await broker.start()
        try:
            return await asyncio.to_thread(boot, name, tmp_path, broker.port)
        finally:
            broker.kill()

    said = asyncio.run(scene())
    assert "wifi up" in said and "session up" in said, said
    assert "agent ended" in said and "ended 0" in said
    if boards.load(name).is_stock:
        assert "ran /a/tidegate/__init__.mpy" in said and "file tree=a\n" in said
    else:
        assert "ran /frozen/tidegate/__init__.mpy" in said and "file tree" not in said


def test_an_image_holds_one_tree_the_start_and_the_factory_files(tmp_path):
    output = tmp_path / "files.img"
    result = CliRunner().invoke(cli.app, [
        "image", "esp32_generic_s3", "--factory", str(factory(tmp_path / "f")), "-o", str(output),
        "--json"])
    assert result.exit_code == 0, result.output
    board = boards.load("esp32_generic_s3")
    region = board.regions["vfs"]
    assert json.loads(result.stdout) == {
        "path": str(output), "bytes": region.size, "offset": region.offset}
    assert stat.S_IMODE(output.stat().st_mode) == 0o600, "it holds secrets"
    system = LittleFS(block_size=4_096, block_count=region.size // 4_096, mount=False)
    system.context.buffer = bytearray(output.read_bytes())
    system.mount()
    assert set(system.listdir("/")) == {"a", "factory.json", "loader.mpy", "main.py", "tree"}
    with system.open("/a/whole", "rb") as file:
        assert len(file.read()) == 64


def test_what_does_not_fit_and_what_was_not_provisioned_is_refused(tmp_path):
    board = boards.load("rpi_pico_w")
    folder = factory(tmp_path / "f")
    (folder / "big").write_bytes(bytes(board.regions["vfs"].size))
    with pytest.raises(ToolError, match="do not fit"):
        board_image.make(board, folder)
    with pytest.raises(ToolError, match="tidegate provision"):
        board_image.make(board, tmp_path)
