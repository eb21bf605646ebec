"""Deploying onto a board whose cable is pulled at every operation."""

import json
import shutil

import loader
import pytest
from folder_remote import CablePulled, FolderRemote
from typer.testing import CliRunner

from tidegate_tools import board_commands, boards, cli, deploy
from tidegate_tools.errors import ToolError

OLD = {"main.py": b"old\n", "tidegate/__init__.mpy": b"M", "tidegate/link/x.mpy": b"MM",
       boards.WHOLE: b"old"}
NEW = {"main.py": b"new\n", "tidegate/__init__.mpy": b"N", "board.mpy": b"NN", "umqtt/s.mpy": b"N",
       boards.WHOLE: b"new"}
ROOT_FILES = {"loader.mpy": b"L2", "main.py": boards.START}
FACTORY = {"factory.json": b'{"agent": {}}', "certs/ca.der": b"C"}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """(put(tree) that says what is deployed, folder of the board)."""
    monkeypatch.setattr(boards, "root_files", lambda: dict(ROOT_FILES))
    monkeypatch.setattr(boards, "factory_files", lambda folder: dict(FACTORY))
    root = tmp_path / "board"
    root.mkdir()
    monkeypatch.setattr(loader, "ROOT", f"{root}/")

    def put(tree, countdown=0):
        monkeypatch.setattr(boards, "code", lambda board: dict(tree))
        remote = FolderRemote(root, countdown)
        return remote, deploy.deploy(remote, None, "factory")

    return put, root


def content(root, tree):
    return {path.relative_to(root / tree).as_posix(): path.read_bytes()
            for path in (root / tree).rglob("*") if path.is_file()}


def test_a_blank_board_gets_a_tree_and_starts_it(world):
    put, root = world
    _, outcome = put(OLD)
    assert outcome.tree == "a" and outcome.file_count == 2 + 4 + 2
    assert loader.choose() == "a" and content(root, "a") == OLD
    assert (root / "main.py").read_bytes() == boards.START
    assert (root / "certs" / "ca.der").read_bytes() == b"C"


def test_what_is_there_already_is_not_written_again(world):
    put, _ = world
    put(OLD)
    remote, outcome = put(OLD)
    assert remote.count == 0 and outcome == deploy.Outcome("", 0, 0)


def test_a_new_tree_stands_beside_the_old_one_until_it_reached_its_server(world):
    put, root = world
    put(OLD)
    assert put(NEW)[1].tree == "b" and loader.read() == ["b", "a", loader.START_COUNT]
    assert content(root, "a") == OLD and content(root, "b") == NEW
    # One that has yet to be proven is written over; the proven one stays.
    assert put({**NEW, boards.WHOLE: b"newer"})[1].tree == "b"
    assert content(root, "a") == OLD and loader.read()[:2] == ["b", "a"]
    assert loader.choose() == "b"
    loader.keep()
    assert put(OLD)[1].tree == "a" and loader.read()[:2] == ["a", "b"]


@pytest.mark.parametrize("state", ["blank", "one tree", "two trees", "unproven"])
def test_a_cable_pulled_at_any_operation_leaves_a_board_that_starts_a_whole_tree(world, state):
    put, root = world
    if state != "blank":
        put(OLD)
    if state in ("two trees", "unproven"):
        put({**OLD, boards.WHOLE: b"older", "main.py": b"older\n"})
    if state == "two trees":
        loader.keep()
    saved = root.parent / "saved"
    shutil.copytree(root, saved)
    whole = {b"old": OLD, b"new": NEW,
             b"older": {**OLD, boards.WHOLE: b"older", "main.py": b"older\n"}}
    seen = set()
    for countdown in range(1, 100):
        shutil.rmtree(root)
        shutil.copytree(saved, root)
        try:
            put(NEW, countdown)
        except CablePulled:
            tree = loader.choose()
            if state == "blank":
                assert tree in ("", "a")
            if tree:
                mark = (root / tree / boards.WHOLE).read_bytes()
                assert content(root, tree) == whole.get(mark, None), (countdown, mark)
                seen.add(mark)
            # Whoever comes back and tries again gets there.
            put(NEW)
            assert content(root, loader.choose()) == NEW
            continue
        break
    else:
        raise AssertionError("it never ended")
    assert countdown > 8 and content(root, loader.choose()) == NEW
    assert state == "blank" or seen & {b"old", b"older"}, "the old tree was started"


def test_a_board_of_another_kind_or_with_an_old_micropython_is_refused():
    board = boards.load("esp32_generic_s3")
    board_commands.check_remote(board, "esp32", "1.25.0")
    with pytest.raises(ToolError, match="a board of rp2 answers"):
        board_commands.check_remote(board, "rp2", "1.29.0")
    with pytest.raises(ToolError, match="1.24.1 answers.*tidegate flash"):
        board_commands.check_remote(board, "esp32", "1.24.1")


@pytest.mark.parametrize("arguments, words", [
    (("deploy", "esp32_generic", "/dev/absent"), "KiB of heap"),
    (("deploy", "rpi_pico_w", "/dev/absent"), "firmware of its own"),
    (("deploy", "esp32_generic_s3", "/dev/absent"), "press reset, try again"),
    (("deploy", "esp8266", "/dev/absent"), "there is no board 'esp8266'"),
    (("flash", "esp32_generic_s3", "/dev/absent", "--firmware", "absent.bin"),
     "there is no absent.bin: download ESP32_GENERIC_S3-SPIRAM_OCT"),
    (("image", "esp32_generic_s3", "--factory", "/absent", "-o", "x.img"), "tidegate provision"),
])
def test_the_commands_refuse_in_one_line_that_says_what_to_do(arguments, words):
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 2 and words in result.stderr, result.output
    assert len(result.stderr.splitlines()) == 1


def test_whether_a_factory_folder_asks_for_tls_is_read_from_it(tmp_path):
    (tmp_path / "factory.json").write_text(json.dumps({"agent": {"tls": "on"}}))
    assert deploy.with_tls(tmp_path)
    (tmp_path / "factory.json").write_text(json.dumps({"agent": {}}))
    assert not deploy.with_tls(tmp_path)
