"""`make console`: a person at the host program, with a device of its own on a pseudo-terminal."""

import os
import subprocess
import sys
import time

import pexpect
import pytest
from conftest import ROOT

pytestmark = [pytest.mark.micropython, pytest.mark.interop]
ENVIRONMENT = dict(os.environ, PYTHONPATH=str(ROOT / "tools"), TERM="xterm",
                   PROMPT_TOOLKIT_NO_CPR="1")
COMMAND = ["-m", "tidegate_tools.cli", "console"]


def test_a_person_looks_unlocks_and_leaves(tmp_path):
    said = tmp_path / "said.log"
    child = pexpect.spawn(
        sys.executable, [*COMMAND, "--demo", "--transcript", str(said)], env=ENVIRONMENT,
        dimensions=(24, 100), timeout=20, encoding="utf-8")
    try:
        child.expect("tg-000001 answers")
        child.send("status\r")
        child.expect("version +0.1.0 on micropython")
        child.expect("next: ")
        child.send("unlock\r")
        child.expect("PIN:")
        child.send("1234\r")
        child.expect("level +tech")
        child.send("stauts\r")
        child.expect("the nearest is 'status'")
        child.send("obs 501 --watch\r")
        child.expect("VoltagePhase1")
        child.sendintr()
        child.send("version\r")
        child.expect("board +posix")
        child.send("exit\r")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
    finally:
        child.close(force=True)
    text = said.read_text()
    assert "PIN: \n" in text.replace("\r", "") and "1234" not in text


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_window_that_is_closed_leaves_no_process_behind():
    child = pexpect.spawn(sys.executable, [*COMMAND, "--demo"], env=ENVIRONMENT, timeout=20)
    child.expect("tg-000001 answers")
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout
    children = [line.split()[0] for line in listed.splitlines()
                if line.split()[1] == str(child.pid)]
    assert len(children) == 3, "broker, sink and device"
    child.close(force=False)
    deadline_s = time.monotonic() + 10
    while any(is_alive(int(each)) for each in children):
        assert time.monotonic() < deadline_s, children
        time.sleep(0.05)
