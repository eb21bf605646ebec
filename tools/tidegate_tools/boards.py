"""The boards: one folder each, read and checked, and what a board's file system holds."""

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tidegate_tools import device_code
from tidegate_tools.errors import ToolError
from tidegate_tools.paths import find_checkout

BLOCK_BYTES = 4_096
TREE, WHOLE = "a", "whole"
START = b"import loader\n\nloader.run()\n"
# Of its file a module loaded from .mpy keeps so much in the heap, one that is frozen so much
# (measured: `tidegate bench size`, and FROZEN on an ESP32).
LOADED_SHARE, FROZEN_SHARE = 1.55, 0.55
# What the agent keeps beside its code, what a day takes above that, and one TLS connection.
OBJECT_BYTES, PEAK_BYTES, TLS_BYTES = 31_000, 21_000, 27_000


@dataclass(frozen=True)
class Region:
    """A part of the flash chip, or on RP2 of its storage area. Bytes."""

    offset: int
    size: int

    @property
    def end(self):
        return self.offset + self.size


@dataclass(frozen=True)
class Board:
    """One folder of `boards/`. Argument: regions, {name: Region}; `vfs` and `spool` are there."""

    name: str
    folder: Path
    facts: dict
    regions: dict

    @property
    def is_stock(self):
        """Whether MicroPython's own image leaves room for the spool; an RP2's formats it."""
        return self.facts["port"] == "esp32"


def names():
    """Of all boards of silicon."""
    folder = find_checkout().root / "boards"
    return sorted(path.parent.name for path in folder.glob("*/pins.csv"))


def load(name):
    """The Board. Errors: ToolError where there is none, or its folder lacks something."""
    folder = find_checkout().root / "boards" / name
    if name not in names():
        raise ToolError("there is no board '%s': one of %s" % (name, ", ".join(names())))
    try:
        facts = json.loads((folder / "board.json").read_text())
        if facts["port"] == "esp32":
            regions = {row[0]: Region(int(row[3], 0), int(row[4], 0))
                       for row in partitions(folder / "partitions.csv")}
        else:
            regions = {key: Region(each["offset"], each["bytes"])
                       for key, each in facts["regions"].items()}
            regions["vfs"] = regions["file_system"]
        return Board(name, folder, facts, regions)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ToolError("%s: %s: %s" % (folder, type(error).__name__, error)) from error


def partitions(path):
    """Rows of a partition table: (name, type, subtype, offset, size, flags), all text."""
    with open(path, newline="") as file:
        lines = [line for line in file if line.strip() and not line.startswith("#")]
    return [tuple(cell.strip() for cell in row) for row in csv.reader(lines)]


def sources(board):
    """{path: Path} of the modules that the board's agent needs."""
    checkout = find_checkout()
    return device_code.closure(("main", "board"),
                               (board.folder, checkout.firmware, checkout.libraries))


def code(board):
    """One tree of code, {path: bytes}: `whole`, put there last, is the digest of all others."""
    tree = device_code.compiled(sources(board))
    total = hashlib.sha256()
    for name in sorted(tree):
        total.update(name.encode() + b"\0" + hashlib.sha256(tree[name]).digest())
    return {**tree, WHOLE: total.hexdigest().encode()}


def root_files():
    """What lies beside the trees: the start and the loader."""
    loader = device_code.compiled({"loader.py": find_checkout().firmware / "loader.py"})
    return {**loader, "main.py": START}


def factory_files(folder):
    """{path on the device: bytes} of what `tidegate provision` wrote. Errors: ToolError."""
    folder = Path(folder)
    if not (folder / "factory.json").is_file():
        raise ToolError("%s holds no factory.json: tidegate provision makes one" % folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def heap_needed(board, is_frozen, with_tls):
    """Bytes of heap that the agent needs on a board, worked out from what was measured."""
    checkout = find_checkout()
    at_boot = set(device_code.loaded(("main", "board"), (
        board.folder, checkout.firmware, checkout.libraries)))
    made = device_code.compiled({
        name: path for name, path in sources(board).items()
        if name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") in at_boot})
    code_bytes = sum(map(len, made.values()))
    share = FROZEN_SHARE if is_frozen else LOADED_SHARE
    return int(code_bytes * share) + OBJECT_BYTES + PEAK_BYTES + TLS_BYTES * with_tls


def refusal(board, with_tls):
    """Why a tree of .mpy files cannot run on a board, "" where it can."""
    if not board.is_stock:
        return ("%s needs a firmware of its own, with the manifest.py of its folder: the stock"
                " image formats the whole storage area, the spool too" % board.name)
    needed = heap_needed(board, False, with_tls)
    if needed > board.facts["heap_bytes"]:
        frozen = heap_needed(board, True, with_tls)
        return ("%s has %d KiB of heap, code from files needs %d, frozen into a firmware with the"
                " manifest.py of its folder %d: %s" % (
                    board.name, board.facts["heap_bytes"] // 1_024, needed // 1_024,
                    frozen // 1_024, "build that" if frozen <= board.facts["heap_bytes"]
                    else "it cannot run here"))
    return ""
