"""The serial line of a host and the heap of what listens to it, on the real MicroPython."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import FIRMWARE, INTERPRETER, LIBRARIES

from tidegate_tools import bench_device

SCRIPT = Path(__file__).parent / "line_listener.py"
EVERY_BYTE = bytes(range(256))
both = pytest.mark.parametrize("interpreter", [
    pytest.param(sys.executable, id="cpython"),
    pytest.param(str(INTERPRETER), id="micropython", marks=pytest.mark.micropython),
])


def listen(interpreter, path, count):
    search = f"{FIRMWARE}{os.pathsep}{LIBRARIES}"
    return subprocess.Popen(
        [interpreter, str(SCRIPT), str(path), str(count)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, env={**os.environ, "MICROPYPATH": search, "PYTHONPATH": search})


@both
def test_every_byte_comes_as_it_was_sent_and_reading_never_waits(interpreter):
    far, near = os.openpty()
    os.write(far, b"of an earlier life")
    listener = listen(interpreter, os.ttyname(near), 3 * 256)
    try:
        assert select.select([listener.stdout], [], [], 30)[0], "it waits where nothing is"
        assert listener.stdout.readline() == b"open\n"
        for _ in range(3):
            os.write(far, EVERY_BYTE)
        said, _ = listener.communicate(timeout=30)
        assert bytes.fromhex(said.decode()) == 3 * EVERY_BYTE
    finally:
        listener.kill()
        listener.wait()
        os.close(far)
        os.close(near)


@both
@pytest.mark.parametrize("is_there", [False, True])
def test_what_is_no_terminal_is_refused_by_name(interpreter, is_there, tmp_path):
    path = tmp_path / "line"
    if is_there:
        path.write_bytes(EVERY_BYTE)
    said, _ = listen(interpreter, path, 1).communicate(timeout=30)
    assert str(path) in said.decode() and "is no serial line that can be read" in said.decode()


@pytest.mark.micropython
def test_ten_thousand_polls_with_frames_allocate_nothing(micropython):
    said = micropython(bench_device.SCRIPTS / "heap_meter.py").stdout
    found = json.loads(said.splitlines()[-1])
    assert found["taken"] == 10_100 and found["heard"] == 13 * 10_100 and not found["flaws"]
    assert found["allocated"] == 0 and 0 < found["kept"] < 4_096
