"""Configurations as files on boards/posix: spoilt in a thousand ways, and cut by SIGKILL."""

import os
import random
import subprocess
import sys
import time
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


# Change after change, each of three keys that belong together, until somebody kills it.
FOR_EVER = """
from tidegate.config.store import load
from tidegate.hal.posix import PosixKeep

given = {"device_id": "tg-1", "host": "h0", "port": 1, "password": "p0"}
store = load(PosixKeep("spool.bin."), given)
values = store.running
assert values["host"][1:] == values["password"][1:] == str(values["port"] - 1), values
assert not store.findings, store.findings
number = int(values["host"][1:])
print(number)
while %d:
    if store.trial is None:
        number += 1
        entries = {"host": "h%%d" %% number, "port": number + 1, "password": "p%%d" %% number}
        changes = {name: (entries[name], "console", 0, 1, 1) for name in entries}
        assert store.save(changes, "console", 60) == ""
        store.begin_trial()
    assert store.keep("console") == ""
    print(number)
"""


def started(interpreter, script, folder):
    """A process on boards/posix, with `folder` as working folder."""
    path = os.pathsep.join(map(str, FOLDERS))
    command = [sys.executable, "-c"]
    if interpreter == "micropython":
        program = ROOT / ".build" / "bin" / "micropython"
        command = [str(program), "-X", "heapsize=4M", "-c"]
    return subprocess.Popen(
        command + [ALIASES + script], cwd=folder, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "MICROPYPATH": path,
             "PYTHONUNBUFFERED": "1"})


def run(interpreter, script, folder):
    """The last line that a script prints."""
    with started(interpreter, script, folder) as done:
        said, errors = done.communicate(timeout=60)
    assert done.returncode == 0, said[-500:] + errors[-2_000:]
    return said.splitlines()[-1]


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


@INTERPRETERS
def test_a_process_killed_in_the_middle_of_saving_leaves_a_whole_configuration(
    interpreter, tmp_path
):
    chance = random.Random(1)
    for _ in range(12):
        with started(interpreter, FOR_EVER % 1, tmp_path) as process:
            for _ in range(chance.randint(2, 4)):
                assert process.stdout.readline(), process.stderr.read()
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
    assert int(run(interpreter, FOR_EVER % 0, tmp_path)) > 5
