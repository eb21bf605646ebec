"""The demo, end to end: it balances, it sees a planted fault, it leaves nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tidegate_tools.broker import BROKERS, PACKAGES, find_mosquitto
from tidegate_tools.paths import find_checkout

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
SHORT = ("--speed", "40", "--cut", "4", "--seed", "7")
TIME_LIMIT_S = 90
# As the spool numbers it; what makes it lose one observation of telemetry without a word.
DROPPED_SEQ = 90
HEALTHY = "        if not self.evicts:\n            return self._append_record("
FAULTY = """\
        if self.next_seq == %d and not hasattr(self, "dropped"):
            self.dropped = True
            return self.next_seq
""" % DROPPED_SEQ + HEALTHY


def start_demo(folder, *arguments):
    """The demo as a user's shell starts it; its temporary files go below `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", "tidegate_tools.cli", "demo", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": PACKAGES, "TMPDIR": str(folder)})


def run_demo(folder, *arguments):
    """Result: (exit status, what it printed, what it complained)."""
    demo = start_demo(folder, *arguments)
    try:
        output, complaint = demo.communicate(timeout=TIME_LIMIT_S)
    except BaseException:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=TIME_LIMIT_S)
        raise
    return demo.returncode, output, complaint


def plant(folder, path, healthy, faulty):
    """A copy of the firmware in which one exact piece of one file is another.

    Result: the copy. Errors: the test fails where the piece is not there, or more than once.
    """
    copy = folder / "firmware"
    shutil.copytree(find_checkout().firmware, copy,
                    ignore=shutil.ignore_patterns("__pycache__"))
    source = (copy / path).read_text()
    assert source.count(healthy) == 1, "%s no longer holds this once: %r" % (path, healthy)
    (copy / path).write_text(source.replace(healthy, faulty))
    return copy


@pytest.mark.parametrize("broker", sorted(BROKERS))
def test_a_short_demo_balances_and_its_agent_is_a_micropython(tmp_path, broker):
    if broker == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    status, output, complaint = run_demo(tmp_path, *SHORT, "--broker", broker, "--json")
    result = json.loads(output)
    assert (status, result["balances"], result["faults"]) == (0, True, []), complaint
    assert result["interpreter"].startswith("micropython ")
    assert result["sessions"] >= 2
    telemetry, records = result["logs"]["telemetry"], result["logs"]["records"]
    assert telemetry["stored"] > DROPPED_SEQ and records["stored"] >= 4
    for log in (telemetry, records):
        assert log["stored"] == log["expected"] == log["recorded"] == log["confirmed"]
    assert result["backlog_count_max"] > 10 and result["unchanged"] > 0
    assert list(tmp_path.iterdir()) == [], "a demo that balances leaves no files"


def test_a_recorded_trace_balances_too(tmp_path):
    trace = tmp_path / "trace.csv"
    rows = ["time_s,charging_current_a,charging_power_w"]
    rows += ["%d,%d.%d,%d" % (n, n // 9 % 16, n % 10, n // 9 % 16 * 230) for n in range(240)]
    trace.write_text("\n".join(rows) + "\n")
    status, output, complaint = run_demo(
        tmp_path, "--trace", trace, "--speed", 24, "--cut", 3, "--json")
    result = json.loads(output)
    assert (status, result["faults"]) == (0, []), complaint
    assert result["logs"]["telemetry"]["stored"] > 10


def test_a_charger_at_the_end_of_a_noisy_serial_line_balances_too(tmp_path):
    kept = tmp_path / "kept"
    status, output, complaint = run_demo(
        tmp_path, "--speed", 60, "--cut", 2, "--seed", 7, "--source", "serial_meter", "--noise",
        "0.002", "--keep", kept, "--json")
    result = json.loads(output)
    assert (status, result["faults"]) == (0, []), complaint
    said = {(each, str(value)) for line in (kept / "meter.jsonl").read_text().splitlines()
            for each, value in json.loads(line)["said"]}
    heard = [(each, value.get("b64", value) if isinstance(value, dict) else value)
             for line in (kept / "journal.jsonl").read_text().splitlines()
             for each, value in json.loads(line[line.rindex('{"boot"'):])["samples"]]
    assert not [each for each in heard if each[0] != 813 and (each[0], str(each[1])) not in said]
    assert {554, 721, 501} <= {each for each, _ in heard} and len(heard) > 5_000
    packet_errors = [value for each, value in heard if each == 813]
    assert max(packet_errors) > 20, "the line was noisy, and the device knows"
    log = (kept / "agent.log").read_text()
    for event in ("damaged", "cut short", "lost", "stamp repeated"):
        assert "meter: %s count=" % event in log, log
    assert not (kept / "meter.tty").is_symlink()


def test_a_spool_that_drops_one_frame_makes_the_demo_fail_and_name_it(tmp_path):
    firmware = plant(tmp_path, "tidegate/spool/log.py", HEALTHY, FAULTY)
    kept = tmp_path / "kept"
    status, output, complaint = run_demo(tmp_path, *SHORT, "--firmware", firmware, "--keep", kept)
    assert status == 1, output + complaint
    assert "does not balance" in output.splitlines()[-1]
    assert "1 missing from the sink (seq %d)" % DROPPED_SEQ in output
    assert "seed 7" in complaint and str(kept) in complaint
    assert {"journal.jsonl", "sink.db", "spool.img", "agent.log"} <= {
        path.name for path in kept.iterdir()}


def test_an_agent_that_dies_at_its_start_is_shown_with_its_last_words(tmp_path):
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "main.py").write_text("print('no flash')\nraise SystemExit(3)\n")
    status, _, complaint = run_demo(tmp_path, *SHORT, "--firmware", firmware)
    assert status == 1
    assert complaint.splitlines()[0] == "tidegate: the agent ended with status 3: no flash"


def descendants(pid):
    """The ids of all processes that come from one, by their parents."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True,
                             check=True)
    children = {}
    for line in listing.stdout.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found = []
    pending = [pid]
    while pending:
        born = children.get(pending.pop(), [])
        found += born
        pending += born
    return found


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("moment", ["charger idle", "broker killed"])
def test_ctrl_c_leaves_no_process_no_file_and_no_traceback(tmp_path, moment):
    demo = start_demo(tmp_path, *SHORT)
    try:
        for line in demo.stdout:
            if moment in line:
                break
        processes = descendants(demo.pid)
        assert processes, "an agent runs by now"
        demo.send_signal(signal.SIGINT)
        started_s = time.monotonic()
        _, complaint = demo.communicate(timeout=TIME_LIMIT_S)
    finally:
        demo.kill()
    assert demo.returncode == 130 and time.monotonic() - started_s < 10
    assert complaint.splitlines() == [
        "tidegate: interrupted; every process of the demo is ended"]
    assert not [pid for pid in processes if is_alive(pid)]
    assert list(Path(tmp_path).iterdir()) == []
