"""The console through a real pseudo-terminal, on the real MicroPython."""

import json
import os
import random
import signal
import time

import pexpect
import pyte
import pytest
from console_pty import OPEN_PROMPT, PROMPT, ask, spawned, unlock

pytestmark = pytest.mark.micropython
LONG = pytest.mark.long


def sampled_ms(folder):
    """When the source was sampled, by the agent's own ms."""
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [json.loads(line)["mono"] for line in lines]


def late_ms(gaps):
    """By how much a sample was late, but for one: a busy host holds up any process once."""
    print("once sampled late by %d ms, else by at most %d ms" % tuple(
        each - 1_000 for each in (max(gaps), sorted(gaps)[-2])))
    return sorted(gaps)[-2] - 1_000


def test_a_technician_s_way_through_the_console(tmp_path):
    with spawned(tmp_path) as child:
        began_s = time.monotonic()
        assert "NOT SENDING yet" in ask(child, "status")
        assert time.monotonic() - began_s < 1, "a key is not kept waiting for the next turn"
        child.send("sta\x03")
        child.expect_exact("^C\r\n" + PROMPT)
        assert "read-only" in ask(child, "again")
        child.send("unlock\r")
        child.expect_exact("PIN: ")
        child.send("0000\r")
        child.expect_exact("! wrong PIN")
        child.expect_exact(PROMPT)
        unlock(child)
        reply = json.loads(ask(child, "again --json", OPEN_PROMPT))
        assert reply["ok"] and reply["result"]["count"] > 30
        child.send("\x1b[A\x1b[A\x15version\r")
        child.expect("interpreter +micropython")
        child.expect_exact(OPEN_PROMPT)
        child.send("reboot\r")
        child.expect_exact("device id: ")
        child.send("0001\r")
        child.expect_exact("agent ended")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 75


def test_control_c_ends_no_agent_and_sigint_does(tmp_path):
    with spawned(tmp_path) as child:
        for _ in range(20):
            child.send("\x03")
        child.expect_exact("^C\r\n" * 1)
        assert "board" in ask(child, "version")
        child.kill(signal.SIGINT)
        child.expect_exact("agent ended")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0


def test_status_fits_the_screen_of_a_terminal_of_80_by_24(tmp_path):
    screen = pyte.Screen(80, 24)
    stream = pyte.Stream(screen)
    with spawned(tmp_path) as child:
        text = ask(child, "status")
    stream.feed(PROMPT + "status\r\n" + text + PROMPT)
    shown = [line.rstrip() for line in screen.display]
    assert shown[0] == PROMPT + "status", "nothing has scrolled away"
    last = max(number for number, line in enumerate(shown) if line)
    assert shown[last] == PROMPT.rstrip()
    assert shown[last - 1].startswith("  NOT SENDING yet: ")
    assert any(line.startswith("  telemetry  ") for line in shown)


@pytest.mark.parametrize("noise_bytes", [50_000, pytest.param(1_000_000, marks=LONG)])
def test_noise_at_full_speed_on_the_wire_stops_nothing_and_does_nothing(tmp_path, noise_bytes):
    chance = random.Random(noise_bytes)
    with spawned(tmp_path) as child:
        left = noise_bytes
        while left > 0:
            data = chance.randbytes(512)
            left -= os.write(child.child_fd, data)
            try:
                child.read_nonblocking(65_536, 0)
            except pexpect.TIMEOUT:
                pass
        child.send("\x03\r")
        assert '"tech"' not in ask(child, "status --json")
        while len(sampled_ms(tmp_path)) < 4:
            time.sleep(0.1)
        times = sampled_ms(tmp_path)
        assert "turns_failed        0" in ask(child, "errors")
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert late_ms(gaps) <= 100, gaps


@pytest.mark.parametrize("span_s", [3, pytest.param(60, marks=LONG)])
def test_a_reader_that_stops_holds_up_no_sample(tmp_path, span_s):
    """The pty takes some 64 KiB before it is full, so it is filled first."""
    with spawned(tmp_path) as child:
        for _ in range(60):
            child.send("help\rstatus\r")
            time.sleep(0.01)
        child.send("log debug\rlog follow\robs --watch\r")
        time.sleep(span_s)
        times = sampled_ms(tmp_path)
        child.send("\x03")
        child.expect_exact("ended by Ctrl-C", timeout=20)
        child.send("\r")
        child.expect_exact(PROMPT)
        assert "board" in ask(child, "version")
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(gaps) >= span_s and late_ms(gaps) <= 100, gaps
