"""The real agent as a process that really crashes, and what its next starts make of it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import FIRMWARE, INTERPRETER, LIBRARIES, ROOT

from tidegate.clock.monotonic import Monotonic
from tidegate.hal.nor import FileFlash
from tidegate.observe.catalogue import CRASH_ID, RECORDS
from tidegate.run import CRASH_STATUS
from tidegate.spool.spool import Spool

HERE = Path(__file__).parent
BLOCK_COUNT = 32
SPEED = 50
PATIENCE_S = 15
WATCHDOG_STATUS = 70


class Box:
    """One device: its flash, and starts of its process."""

    def __init__(self, folder, port):
        self.flash_path = folder / "spool.bin"
        self.settings_path = folder / "agent.json"
        wall_ms = time.time_ns() // 1_000_000
        self.settings_path.write_text(json.dumps({
            "board": {"flash_path": str(self.flash_path), "flash_bytes": BLOCK_COUNT * 4_096,
                      "clock": {"speed": SPEED, "wall_ms": wall_ms,
                                "utc_ms": 1_768_509_600_000}},
            "agent": {"device_id": "tg-1", "host": "127.0.0.1", "port": port}}))
        search = os.pathsep.join(map(str, (ROOT / "boards" / "posix", FIRMWARE, LIBRARIES)))
        self._environment = {**os.environ, "MICROPYPATH": search}

    def start(self, word, turn_count):
        command = [INTERPRETER, "-X", "heapsize=768K", HERE / "crash_main.py", self.settings_path,
                   word, str(turn_count)]
        return subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def crash(self, word, turn_count):
        """(exit status, what it said)."""
        process = self.start(word, turn_count)
        try:
            said, _ = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            process.wait()
        return process.returncode, said

    def live(self, until):
        """Let it run until it has said that. Result: all it said."""
        process = self.start("live", 0)
        said, end_s = "", time.monotonic() + PATIENCE_S
        try:
            while until not in said:
                assert time.monotonic() < end_s, said
                said += process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, said + rest
        return said + rest

    def crashes(self):
        """What the records on its flash say of crashes."""
        flash = FileFlash(str(self.flash_path), BLOCK_COUNT)
        spool = Spool(flash, Monotonic((1 << 30) - 1))
        assert spool.recover()
        cursor = spool.cursor(RECORDS)
        cursor.seek(1)
        found = []
        while cursor.next():
            if cursor.frame.observation_id == CRASH_ID:
                found.append(json.loads(cursor.frame.value))
        flash.close()
        return found


@pytest.mark.micropython
def test_five_crashes_of_a_real_process_end_in_safe_mode_each_told_once(tmp_path, free_port):
    box = Box(tmp_path, free_port)
    for number in range(5):
        status, said = box.crash("raise", number)
        assert status == CRASH_STATUS, said
        assert "safe mode" not in said and "RuntimeError: planted" in said
    said = box.live("attempt failed")
    assert "ALARM safe mode: nothing is sampled" in said, said
    assert "crashed before at=crash_main.py:" in said and "count=1" in said
    found = box.crashes()
    assert [each["boot"] for each in found] == [1, 2, 3, 4, 5]
    for each in found:
        assert (each["how"], each["error"], each["part"]) == (
            "turns failed", "RuntimeError: planted", "sample")
        assert each["at"].startswith("crash_main.py:") and each["trail"]


@pytest.mark.micropython
def test_a_real_watchdog_s_end_is_told_with_the_part_that_hung_and_a_kill_is_none(
        tmp_path, free_port):
    box = Box(tmp_path, free_port)
    status, said = box.crash("hang", 2)
    assert status == WATCHDOG_STATUS, said
    said = box.live("attempt failed")
    assert "boot cause=watchdog number=2" in said and "crashed before" in said
    [found] = box.crashes()
    assert (found["boot"], found["how"], found["part"]) == (1, "watchdog", "sample")
    said = box.live("attempt failed")
    assert "boot cause=power-on number=3" in said and "crashed before" not in said
