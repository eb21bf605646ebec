"""A process killed in the middle of appending, on both interpreters: SIGKILL is a power cut."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import FIRMWARE, INTERPRETER, LIBRARIES
from spool_world import SpoolWorld

from tidegate.hal.nor import FileFlash

SCRIPT = Path(__file__).parent.parent / "micropython" / "append_forever.py"
BLOCK_COUNT = 256
PATIENCE_S = 60


def killed_while_appending(interpreter, path, seq_count):
    """Run the script, kill it after `seq_count` seqs. Result: its boot, the seqs it printed."""
    search = f"{FIRMWARE}{os.pathsep}{LIBRARIES}"
    process = subprocess.Popen(
        [interpreter, str(SCRIPT), str(path), str(BLOCK_COUNT)],
        env={**os.environ, "MICROPYPATH": search, "PYTHONPATH": search},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if len(lines) > seq_count:
                break
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL, b"".join(lines)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    if not lines[-1].endswith(b"\n"):
        lines.pop()
    return int(lines[0].split()[1]), [int(line) for line in lines[1:]]


@pytest.mark.parametrize(
    "interpreter",
    [
        pytest.param(sys.executable, id="cpython"),
        pytest.param(str(INTERPRETER), id="micropython", marks=pytest.mark.micropython),
    ],
)
def test_sigkill_in_the_middle_of_appending_loses_nothing_that_was_acknowledged(
    interpreter, tmp_path
):
    path = tmp_path / "spool.bin"
    acknowledged = {}
    for round_number, seq_count in enumerate((3, 200, 777, 1_500), 1):
        boot, seqs = killed_while_appending(interpreter, path, seq_count)
        assert boot == round_number and len(seqs) >= seq_count
        assert not set(seqs) & set(acknowledged), "no seq is given twice"
        acknowledged.update((seq, boot) for seq in seqs)
    flash = FileFlash(path, BLOCK_COUNT)
    world = SpoolWorld(flash=flash)
    held = dict(world.read()[0])
    flash.close()
    missing = sorted(set(acknowledged) - set(held))
    assert not missing
    assert all(fields[2:] == (501, 7 * seq) for seq, fields in held.items())
    assert all(held[seq][0] == boot for seq, boot in acknowledged.items())
    assert len(held) - len(acknowledged) <= 4, "at most one append of each boot was not printed"
