"""Each folder of `boards/` is complete and consistent, and its `board.py` makes an agent."""

import ast
import csv
import json

import fake_boards
import pytest
from board_world import assembled
from conftest import ROOT
from typer.testing import CliRunner

from tidegate.limits import BLOCK_BYTES
from tidegate_tools import boards, cli, flash
from tidegate_tools.errors import ToolError

NAMES = boards.names()
FACTS = {"name", "port", "chip", "flash_bytes", "heap_bytes", "stock_image", "firmware_min",
         "program_unit_bytes", "reprogram", "file_system_program_bytes"}
SPOOL_BYTES_MIN = {"esp32_charger": 4 << 20}
KIB = 1_024


@pytest.fixture(params=NAMES)
def board(request):
    return boards.load(request.param)


def constants(board):
    """{name: value} of the assignments of `board.py` that are literals."""
    found = {}
    for node in ast.parse((board.folder / "board.py").read_text()).body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], ast.literal_eval(node.value)
            if isinstance(target, ast.Tuple):
                found.update(zip((each.id for each in target.elts), value))
            else:
                found[target.id] = value
    return found


def test_the_boards_of_the_project_are_there():
    assert NAMES == ["esp32_charger", "esp32_generic", "esp32_generic_c3", "esp32_generic_s3",
                     "rpi_pico2_w", "rpi_pico_w"]


def test_a_folder_holds_all_that_makes_a_board(board):
    wanted = {"README.md", "board.json", "board.py", "manifest.py", "pins.csv"}
    wanted |= {"partitions.csv"} if board.facts["port"] == "esp32" else {"_boot.py"}
    assert {path.name for path in board.folder.iterdir()} - {"__pycache__"} == wanted
    assert set(board.facts) - {"regions"} == FACTS and board.facts["name"] == board.name
    assert constants(board)["NAME"] == board.name


def test_regions_fit_the_chip_and_do_not_overlap(board):
    room = board.regions["storage"].size if "storage" in board.regions \
        else board.facts["flash_bytes"]
    parts = sorted((each for name, each in board.regions.items()
                    if name not in ("storage", "file_system")), key=lambda each: each.offset)
    for before, each in zip(parts, parts[1:]):
        assert before.end <= each.offset
    assert parts[-1].end <= room
    assert all(each.offset % BLOCK_BYTES == each.size % BLOCK_BYTES == 0 for each in parts)
    assert board.regions["spool"].size >= SPOOL_BYTES_MIN.get(board.name, 512 * KIB)
    if "storage" in board.regions:
        storage = board.regions["storage"]
        assert storage.end == board.facts["flash_bytes"]


def test_two_trees_of_code_fit_where_code_may_be_deployed(board):
    if boards.refusal(board, with_tls=True):
        return
    tree = boards.code(board)
    folders = {name.rpartition("/")[0] for name in tree}
    blocks = sum(-(-len(data) // BLOCK_BYTES) for data in tree.values()) + 2 * len(folders)
    assert 2 * blocks * BLOCK_BYTES < board.regions["vfs"].size * 9 // 10


def test_what_cannot_run_is_refused_with_its_reason():
    assert boards.refusal(boards.load("esp32_generic_s3"), True) == ""
    assert "KiB of heap" in boards.refusal(boards.load("esp32_generic"), False)
    assert "firmware of its own" in boards.refusal(boards.load("rpi_pico_w"), False)


def test_the_boards_are_listed_with_what_fits_them():
    result = CliRunner().invoke(cli.app, ["boards", "--json"])
    rows = {row["board"]: row for row in json.loads(result.stdout)["boards"]}
    assert list(rows) == NAMES and set(rows["rpi_pico_w"]["needs"]) == {
        "frozen, no TLS", "frozen, TLS"}
    needs = rows["esp32_generic_s3"]["needs"]
    assert needs["files, TLS"] > needs["files, no TLS"] > needs["frozen, no TLS"] > 60_000
    assert needs["files, TLS"] - needs["files, no TLS"] == boards.TLS_BYTES
    shown = CliRunner().invoke(cli.app, ["boards"])
    assert shown.exit_code == 0 and "too much" in shown.output and "fits" in shown.output


def test_a_partition_table_is_one_that_the_kept_tool_takes(board):
    if board.facts["port"] != "esp32":
        with pytest.raises(FileNotFoundError):
            flash.table(board)
        return
    table = flash.table(board)
    assert {part.name for part in table} >= {"nvs", "factory", "vfs", "spool"}
    assert table.by_name("spool").type_name == "data"
    again = type(table).from_bytes(table.to_bytes(), board.facts["flash_bytes"])
    assert again == table


def test_a_table_whose_parts_overlap_is_refused(tmp_path):
    board = boards.load("esp32_generic")
    text = (board.folder / "partitions.csv").read_text()
    (tmp_path / "partitions.csv").write_text(text.replace("0x300000", "0x280000"))
    with pytest.raises(ToolError, match="overlap"):
        flash.table(boards.Board("x", tmp_path, board.facts, board.regions))


def test_pins_are_unique_and_those_of_the_code(board):
    with open(board.folder / "pins.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    pins = {row["use"]: row["pin"] for row in rows}
    assert len({row["pin"] for row in rows}) == len(rows) == len(pins)
    assert pins == {use: str(pin) for use, pin in constants(board)["PINS"].items()}
    assert all(row["direction"] in ("in", "out", "both") and row["wire"] for row in rows)
    if board.facts["chip"] == "esp32":
        flash_pins, psram_pins = {6, 7, 8, 9, 10, 11}, {16, 17}
        taken = {int(pin) for pin in pins.values()}
        assert not taken & flash_pins
        assert "SPIRAM" not in board.facts["stock_image"] or not taken & psram_pins


def test_the_code_uses_the_regions_that_the_facts_say(board):
    if board.facts["port"] == "rp2":
        spool, files = board.regions["spool"], board.regions["vfs"]
        assert constants(board)["SPOOL_OFFSET"] == spool.offset
        assert constants(board)["SPOOL_BYTES"] == spool.size
        text = (board.folder / "_boot.py").read_text()
        assert f"rp2.Flash(start={files.offset}, len={files.size})" in text


def test_a_manifest_freezes_the_agent_its_board_and_the_client(board):
    calls = {node.func.id: ast.unparse(node) for node in ast.walk(ast.parse(
        (board.folder / "manifest.py").read_text())) if isinstance(node, ast.Call)}
    text = (board.folder / "manifest.py").read_text()
    assert calls["package"].startswith("package('tidegate'") and 'require("umqtt.simple")' in text
    assert '"board.py"' in text and '"main.py"' in text


def test_a_readme_says_wiring_steps_and_what_production_needs(board):
    text = (board.folder / "README.md").read_text()
    for title in ("## Wiring", "## Steps", "## Production", "## What fits"):
        assert title in text
    assert board.facts["stock_image"].split("-")[0] in text


@pytest.mark.parametrize("name", NAMES)
def test_a_board_builds_its_agent_on_its_chip(name, tmp_path, monkeypatch, capsys):
    board = boards.load(name)
    ports, agent = assembled(board, tmp_path, monkeypatch,
                             {"wifi": [["home", "secret"]], "country": "NO"})
    assert ports.name == name and ports.flash.block_count * BLOCK_BYTES \
        == board.regions["spool"].size
    for second in range(3):
        agent.step(second * 1_000)
        fake_boards.Station.made.answer()
        ports.watchdog.feed()
    assert ports.network.is_up() and "wifi up" in capsys.readouterr().out
    assert fake_boards.Watchdog.made.feed_count == 3
    assert ports.flash.program_unit_bytes == board.facts["program_unit_bytes"]


@pytest.mark.parametrize("name", NAMES)
def test_a_board_takes_a_meter_on_its_line(name, tmp_path, monkeypatch):
    _, agent = assembled(boards.load(name), tmp_path, monkeypatch,
                         {"source": {"kind": "serial_meter"}})
    agent.step(0)


@pytest.mark.parametrize("factory, words", [
    (None, "run tidegate provision"), ({"wife": []}, "board.wife: no such key"),
    ({"wifi": [["home", "secret"]]}, "board.country"), ({"wifi": ["home"]}, "board.wifi"),
    ({"source": {"kind": "magic"}}, "board.source.kind"), ({"watchdog": 1}, "board.watchdog"),
])
def test_a_wrong_factory_file_is_one_line(factory, words, tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        assembled(boards.load("esp32_generic_s3"), tmp_path, monkeypatch, factory)
    assert stop.value.code == 2 and words in capsys.readouterr().err


def test_an_unknown_board_is_refused_with_those_that_there_are():
    with pytest.raises(ToolError, match="esp32_charger, esp32_generic"):
        boards.load("esp8266")
    assert ROOT.is_dir()
