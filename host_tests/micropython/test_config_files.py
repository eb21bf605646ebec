"""A thousand spoilt files on boards/posix: one line that says what is wrong, or a board."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "host_tests" / "config_mutations.py"
FOLDERS = [ROOT / "firmware", ROOT / "host_tests", ROOT / "tools", ROOT / ".build" / "lib",
           ROOT / "boards" / "posix"]
ALIASES = ("import sys, importlib\n"
           "for name in ('usocket', 'ustruct', 'ubinascii', 'uselect'):\n"
           "    sys.modules[name] = importlib.import_module(name[1:])\n"
           "import config_mutations\n"
           "config_mutations.main(1000)\n")


@pytest.mark.parametrize("interpreter", [
    "cpython", pytest.param("micropython", marks=pytest.mark.micropython)])
def test_a_thousand_spoilt_files_never_crash_a_board(interpreter, tmp_path):
    path = os.pathsep.join(map(str, FOLDERS))
    command = [sys.executable, "-c", ALIASES]
    if interpreter == "micropython":
        program = ROOT / ".build" / "bin" / "micropython"
        command = [str(program), "-X", "heapsize=4M", str(SCRIPT), "1000"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path, "MICROPYPATH": path})
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2_000:]
    refused, built = done.stdout.splitlines()[-1].replace(",", "").split()[1::2]
    assert int(refused) + int(built) == 1_000 and int(built) > 10
