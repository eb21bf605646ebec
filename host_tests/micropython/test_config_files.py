"""A thousand spoilt files on boards/posix: one line that says what is wrong, or a board."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDERS = [ROOT / "firmware", ROOT / "host_tests", ROOT / "tools", ROOT / ".build" / "lib",
           ROOT / "boards" / "posix"]
# The names under which umqtt.simple imports them; MicroPython knows both.
ALIASES = """
import sys
if sys.implementation.name == "cpython":
    import importlib
    for name in ("usocket", "ustruct", "ubinascii", "uselect"):
        sys.modules[name] = importlib.import_module(name[1:])
"""
SPOILT_FILES = """
import config_mutations
config_mutations.main(1000)
"""
# A trial of a certificate that is not there: the board cannot even be built with it.
NO_SUCH_FILE = """
import json
import board
from tidegate.config.store import load
from tidegate.hal.posix import PosixKeep

given = {"device_id": "tg-1", "host": "sea"}
with open("config.json", "w") as file:
    json.dump({"board": {"flash_path": "spool.bin", "flash_bytes": 65536}, "agent": given}, file)
stamp = ("console", 0, 1, 1)
changes = {"tls": ("on",) + stamp, "tls_ca": ("missing.der",) + stamp}
assert load(PosixKeep("spool.bin."), given).save(changes, "console", 300) == ""
agent, ports = board.build(["config.json"])
store = agent.configuring.store
assert store.running["tls"] == "off" and store.trial is None
assert load(PosixKeep("spool.bin."), given).running["tls"] == "off"
agent.step(ports.clock.ticks_ms())
print(store.report)
"""


def run(interpreter, script, folder):
    """The last line that a script prints on boards/posix, with `folder` as working folder."""
    path = os.pathsep.join(map(str, FOLDERS))
    command = [sys.executable, "-c"]
    if interpreter == "micropython":
        program = ROOT / ".build" / "bin" / "micropython"
        command = [str(program), "-X", "heapsize=4M", "-c"]
    done = subprocess.run(
        command + [ALIASES + script], cwd=folder, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path, "MICROPYPATH": path})
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2_000:]
    return done.stdout.splitlines()[-1]


INTERPRETERS = pytest.mark.parametrize("interpreter", [
    "cpython", pytest.param("micropython", marks=pytest.mark.micropython)])


@INTERPRETERS
def test_a_thousand_spoilt_files_never_crash_a_board(interpreter, tmp_path):
    refused, built = run(interpreter, SPOILT_FILES, tmp_path).replace(",", "").split()[1::2]
    assert int(refused) + int(built) == 1_000 and int(built) > 10


@INTERPRETERS
def test_a_trial_with_which_a_board_cannot_be_built_is_reverted_at_once(interpreter, tmp_path):
    report = run(interpreter, NO_SUCH_FILE, tmp_path)
    assert '"what":"reverted","why":"cannot start with it: ' in report
    assert '"keys":["tls","tls_ca"]' in report
