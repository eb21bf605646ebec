"""Figures that only a MicroPython can give: its heap, and its speed."""

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tidegate_tools.errors import ProcessError
from tidegate_tools.paths import find_checkout

SCRIPTS = Path(__file__).resolve().parent / "device"
UNIX_HEAP = "16M"
# Room for a region of 1 MiB beside what is measured.
HEAP_BYTES = 3 << 20
SMALL_HEAP_BYTES = 1 << 20
PATIENCE_S = 600


class NotMeasured(Exception):
    """Why a figure cannot be had here, in words that say what to do next."""


class Rates(NamedTuple):
    """Medians over turns: `ours_us` and `file_us` per append; `ratio`, the file's time over ours;
    `default_ratio` with VfsLfs2's default program size, `nor_ratio` with both on the NOR model.
    """

    ours_us: float
    file_us: float
    ratio: float
    default_ratio: float
    nor_ratio: float


def append_rates(own_count=4_000, file_count=150, turn_count=9):
    """Ours against a flushed file, by turns in one process of the Unix port. Result: Rates.

    Errors: NotMeasured, ProcessError.
    """
    turns = _on_unix("append_rate.py", own_count, file_count, turn_count)["turns"]
    return Rates(*(statistics.median(turn[side] for turn in turns) for side in (0, 1)),
                 *(statistics.median(turn[side] / turn[0] for turn in turns)
                   for side in (1, 2, 3)))


def heap_kept():
    """Bytes of a 32-bit heap that a spool takes: once `recovered`, and kept when `started`.

    Errors: NotMeasured, ProcessError.
    """
    return on_webassembly("heap_kept.py", HEAP_BYTES)


def heap_appended():
    """Bytes that 10,000 numeric appends took of a 32-bit heap.

    Result: `within` a sector, in `within_count` of them, and `across` the `sector_count`
    boundaries; by the `idle` work beside them; by the first appends of a boot, `warm_up`.
    Errors: NotMeasured, ProcessError.
    """
    return on_webassembly("heap_append.py", SMALL_HEAP_BYTES)


def heap_meter():
    """Of a 32-bit heap: what a serial meter `kept`, and what 10,000 polls `allocated`.

    Errors: NotMeasured, ProcessError.
    """
    return on_webassembly("heap_meter.py", SMALL_HEAP_BYTES)


def turn_rates(turn_count, round_count):
    """Microseconds of a bare loop, of a turn with equal and of one with noisy values, in rounds.

    Errors: NotMeasured, ProcessError.
    """
    return _on_unix("turn_rate.py", turn_count, round_count)["turns"]


def heap_suppressed():
    """What `device/heap_suppress.py` prints. Errors: NotMeasured, ProcessError."""
    return on_webassembly("heap_suppress.py", HEAP_BYTES)


def webassembly():
    """(node, folder of the build), fetched on first use. Errors: NotMeasured."""
    node = shutil.which("node")
    if node is None:
        raise NotMeasured("install node")
    checkout = find_checkout()
    folder = checkout.root / ".build" / "webassembly"
    if not (folder / "micropython.wasm").exists():
        fetch = checkout.root / "tools" / "fetch_webassembly.py"
        done = subprocess.run([sys.executable, str(fetch), str(folder)], capture_output=True,
                              text=True)
        if done.returncode:
            raise NotMeasured((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return node, folder


def _on_unix(script, *arguments):
    checkout = find_checkout()
    if not checkout.interpreter.exists():
        raise NotMeasured("run make setup")
    return _run([checkout.interpreter, "-X", "heapsize=" + UNIX_HEAP, SCRIPTS / script,
                 *arguments], {"MICROPYPATH": str(checkout.firmware)})


def on_webassembly(script, heap_bytes, firmware=None, more=()):
    """What a script prints on the 32-bit build. Arguments: firmware, the folder of the modules,
    by default the checkout's; more, files that it can import. Errors: NotMeasured, ProcessError.
    """
    node, folder = webassembly()
    return _run([node, SCRIPTS / "on_webassembly.mjs", folder,
                 firmware or find_checkout().firmware, heap_bytes, SCRIPTS / script, *more], {})


def _run(command, environment):
    """The JSON object that a process prints last. Errors: ProcessError."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            [str(part) for part in command], env={**os.environ, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProcessError("%s did not run to its end: %s" % (name, error)) from error
    lines = [line for line in done.stdout.splitlines() if line.strip()] or ["nothing"]
    try:
        if done.returncode:
            raise ValueError
        return json.loads(lines[-1])
    except ValueError:
        raise ProcessError("%s ended with status %d; it said last: %s" % (
            name, done.returncode, " | ".join(lines[-3:]))) from None
