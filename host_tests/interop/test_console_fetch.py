"""A backlog through a noisy console into a sink: what is whole is stored, what is not is named."""

import json
import os
import random
import select
import subprocess
import sys
import threading
import tty

import pytest
from agent_world import DEVICE, UTC_MS
from conftest import ROOT
from console_pty import command
from console_world import PIN
from tidegate_tools import console_fetch, fleet_image
from tidegate_tools.console_port import PtyPort
from tidegate_tools.console_talk import Talk
from tidegate_tools.ingest import ingest_file
from tidegate_tools.queries import Archive

pytestmark = [pytest.mark.micropython, pytest.mark.interop]
STORED_COUNT = 500


class Device:
    """An agent on a pseudo-terminal with so many stored observations, and no server."""

    def __init__(self, folder, count):
        self.facts = fleet_image.prepare(folder / "spool.img", count, 9, UTC_MS)
        program, arguments, environment = command(folder)
        self.ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            [program, *arguments], env=environment, stdin=theirs, stdout=theirs,
            stderr=subprocess.STDOUT, start_new_session=True)
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self.ours)


class NoisyPort(PtyPort):
    """Of what comes, a share of the bytes is damaged while `share` is above 0."""

    def __init__(self, descriptor, share, seed):
        super().__init__(descriptor)
        self.share = share
        self._chance = random.Random(seed)

    def read(self):
        data = bytearray(super().read())
        for place in range(len(data)):
            if self._chance.random() < self.share:
                data[place] ^= 1 << self._chance.randrange(8)
        return bytes(data)


def awake(port, transcript=None):
    talk = Talk(port, transcript=transcript)
    talk.wake()
    assert talk.ask("unlock").question == "PIN: "
    assert talk.ask(PIN, True).is_good()
    return talk


def stored(db):
    """{seq: (id, value)} of the log telemetry."""
    archive = Archive(db)
    try:
        [rows] = archive.rows("telemetry", device=DEVICE).values()
        return {row.seq: (row.id, row.value) for row in rows}
    finally:
        archive.close()


@pytest.fixture(autouse=True)
def a_short_silence_is_the_end(monkeypatch):
    monkeypatch.setattr(console_fetch, "QUIET_S", 1.0)


def check_fetch(folder, count):
    """A pass with 1 % of the bytes damaged, a clean one, and a terminal's log of a third."""
    db, log = folder / "out.db", folder / "terminal.log"
    with Device(folder, count) as device:
        with log.open("wb") as transcript:
            port = NoisyPort(device.ours, 0.0, 5)
            talk = awake(port, transcript)
            port.share = 0.01
            first = console_fetch.fetch(talk, db, print, pass_count_max=1)
            port.share = 0.0
            assert first.damaged_lines > 100 and first.ingested.refused_count == 0
            assert "telemetry: " in "".join(first.missing)
            second = console_fetch.fetch(talk, db, print)
            talk.close()
    assert second.missing == [] and second.passes == 1 and second.ingested.conflicts == 0
    assert not (folder / "out.db.partial").exists()
    found = stored(db)
    for seq, (_, fact) in enumerate(device.facts, 1):
        assert found[seq] == (fact.id, fact.value), seq
    again = ingest_file(log, db, is_console=True)
    assert again.stored == 0 and again.repeats >= count and again.refused_count == 0


def test_what_is_whole_is_stored_what_is_missing_is_named_and_a_second_pass_completes_it(tmp_path):
    check_fetch(tmp_path, STORED_COUNT)


@pytest.mark.long
def test_the_same_with_ten_thousand_observations(tmp_path):
    check_fetch(tmp_path, 10_000)


@pytest.mark.long
def test_a_line_that_damages_one_byte_in_a_hundred_all_the_time_is_enough(tmp_path):
    with Device(tmp_path, STORED_COUNT) as device:
        port = NoisyPort(device.ours, 0.0, 6)
        talk = awake(port)
        port.share = 0.01
        found = console_fetch.fetch(talk, tmp_path / "out.db", print)
        talk.close()
    assert found.missing == [] and found.passes > 3 and found.ingested.refused_count == 0


def test_a_script_gets_replies_and_exit_status_over_a_serial_port(tmp_path):
    """The host program on a port of the host: another pseudo-terminal, joined to the device's."""
    with Device(tmp_path, 10) as device:
        far, near = os.openpty()
        tty.setraw(near)
        ended = threading.Event()
        joint = threading.Thread(target=join, args=(device.ours, far, ended))
        joint.start()
        try:
            found = [run(os.ttyname(near), tmp_path, *lines) for lines in (
                ("status --json", "unlock", "again --json"), ("again", "reboot"))]
        finally:
            ended.set()
            joint.join()
            os.close(far)
            os.close(near)
    replies = [json.loads(line) for line in found[0].stdout.splitlines() if line[:1] == "{"]
    assert [each["ok"] for each in replies] == [True, True] and found[0].returncode == 0
    # The first run has left it unlocked.
    assert "count" in found[1].stdout
    assert found[1].returncode == 1 and "--confirm" in found[1].stderr
    assert b"NOT SENDING" in (tmp_path / "said.log").read_bytes()
    assert PIN.encode() not in (tmp_path / "said.log").read_bytes()


def join(left, right, ended):
    """Copy between two descriptors until the end."""
    while not ended.is_set():
        for source in select.select((left, right), (), (), 0.05)[0]:
            os.write(right if source == left else left, os.read(source, 4_096))


def run(port, folder, *lines):
    """`tidegate console` in a process of its own."""
    given = [word for line in lines for word in ("--run", line)]
    return subprocess.run(
        [sys.executable, "-m", "tidegate_tools.cli", "console", port,
         "--transcript", str(folder / "said.log"), *given],
        env=dict(os.environ, TIDEGATE_PIN=PIN, PYTHONPATH=str(ROOT / "tools")),
        capture_output=True, text=True, timeout=60)
