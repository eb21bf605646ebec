"""The ports on the real MicroPython, by the checks of `unit/test_ports_contract.py`."""

import os
import socket
import subprocess
import sys
import termios
import time
from pathlib import Path

import pexpect
import pytest
from conftest import FIRMWARE, INTERPRETER, LIBRARIES

HERE = Path(__file__).parent


@pytest.mark.micropython
def test_every_port_keeps_its_contract_on_micropython(micropython, free_port, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refused_port = taken.getsockname()[1]
        done = micropython(HERE / "port_checks.py", tmp_path, free_port, refused_port, heap="2M")
    assert done.stdout.endswith("all ports keep their contracts\n"), done.stdout
    assert (tmp_path / "keep.name").stat().st_mode & 0o777 == 0o600, "it may be a secret"


NOTHING_ALLOCATED = """
import micropython, sys

class Device:
    def ioctl(self, command, argument):
        return (8, 4096, 0)[command - 4]

    def readblocks(self, block, buffer, offset):
        for i in range(len(buffer)):
            buffer[i] = 0xFF

    writeblocks = readblocks

class Esp:
    TYPE_DATA = 1

    def find(self, kind, label):
        return [Device()]

    def info(self):
        return 1, 6, 0x200000, 8 * 4096, "spool", self.is_encrypted

    def flash_read(self, address, buffer):
        for i in range(len(buffer)):
            buffer[i] = 0xFF

esp = Esp()
esp.Partition = esp
Device.info = esp.info
for name in ("esp", "esp32", "machine", "network"):
    sys.modules[name] = esp

from tidegate.hal.blocks import BlockFlash
from tidegate.hal.esp32 import PartitionFlash

def use(flash):
    data = memoryview(bytearray(b"\\xff" * 512))
    buffer = memoryview(bytearray(100))
    micropython.heap_lock()
    flash.program(4096 - 512, data)
    flash.program(8 * 4096 - 512, data)
    flash.read(3, buffer)
    flash.erase(7)
    micropython.heap_unlock()

use(BlockFlash(Device(), 256, True))
for esp.is_encrypted in (False, True):
    use(PartitionFlash("spool", esp.is_encrypted))
print("nothing allocated")
"""


@pytest.mark.micropython
def test_the_flash_of_the_boards_allocates_nothing(micropython):
    assert micropython(NOTHING_ALLOCATED).stdout == "nothing allocated\n"


INTERPRETERS = pytest.mark.parametrize(
    "interpreter",
    [
        pytest.param(sys.executable, id="cpython"),
        pytest.param(str(INTERPRETER), id="micropython", marks=pytest.mark.micropython),
    ],
)


@INTERPRETERS
def test_the_terminal_of_a_process_passes_every_byte(interpreter):
    search = f"{FIRMWARE}{os.pathsep}{LIBRARIES}"
    typed = b"status obs backlog " * 50 + b"\n"
    process = subprocess.Popen(
        [interpreter, str(HERE / "terminal_echo.py")],
        env={**os.environ, "MICROPYPATH": search, "PYTHONPATH": search},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        # The whole text in one write, the end only once its echo is here: what a reader
        # underneath keeps to itself would never come back.
        process.stdin.write(typed)
        process.stdin.flush()
        shown = process.stdout.read(len(typed))
        assert shown == typed.upper()
        said, _ = process.communicate(b"q", timeout=30)
        assert said == b"Q"
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


@INTERPRETERS
def test_a_tty_passes_control_c_as_a_byte_like_any_other(interpreter):
    search = f"{FIRMWARE}{os.pathsep}{LIBRARIES}"
    child = pexpect.spawn(
        interpreter,
        [str(HERE / "terminal_echo.py")],
        env={**os.environ, "MICROPYPATH": search, "PYTHONPATH": search},
        timeout=10,
    )
    try:
        while termios.tcgetattr(child.child_fd)[3] & termios.ICANON:
            time.sleep(0.01)
        child.send(b"a\x03b\x1a\x1c\rz")
        child.expect_exact(b"A\x03B\x1a\x1c\rZ")
        child.send(b"q")
        child.expect_exact([b"Q", pexpect.EOF])
    finally:
        child.close(force=True)
