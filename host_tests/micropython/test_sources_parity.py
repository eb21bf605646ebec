"""The sources on the real MicroPython: the same numbers, refusals and lines as on CPython."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.micropython

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
CHECKSUM = """
class Checksum:
    value = 1
    count = 0
    def add(self, name, value):
        self.count += 1
        self.number(name)
        if isinstance(value, str):
            value = value.encode()
        if isinstance(value, bytes):
            for byte in value:
                self.number(byte + 1)
        else:
            self.number(value)
    def number(self, value):
        self.value = (self.value * 31 + value) %% 1000003
"""
SIMULATED = (
    CHECKSUM
    + """
from tidegate.sources.simulated import SimulatedSource
checksum = Checksum()
source = SimulatedSource(%d, 30, 880, %d)
for second in range(%d, %d + 1000):
    source.step(second * 1000, checksum.add)
print(checksum.count, checksum.value)
"""
)
REPLAY = (
    CHECKSUM
    + """
from tidegate.errors import SourceError
from tidegate.observe.catalogue import Catalogue
from tidegate.sources.decimal_text import scaled
from tidegate.sources.replay import ReplaySource
for text in ("0.0005", "-0.0005", "5.", ".5", "-", ".", "", "+7.25", "1e3", "nan", "9" * 30,
             "0." + "9" * 30, "1.2.3", "\\u0663"):
    print(scaled(text, 0), scaled(text, 3))
path = %r
lines = ["time_s,507,TotalChargePower,firmware"]
for row in range(150):
    lines.append("%%d.25,%%d.%%d,%%d.5,V%%d" %% (row, row %% 17, row, row %% 7000, row // 100))
good = ("\\r\\n".join(lines) + "\\r\\n").encode()
with open(path, "wb") as file:
    file.write(good)
source = ReplaySource(path, Catalogue())
checksum = Checksum()
for second in range(0, 180, 3):
    source.step(second * 1000 - 1, checksum.add)
later = ReplaySource(path, Catalogue())
later.step(123456, checksum.add)
print(checksum.count, checksum.value, source.finished, later.finished)
for wrong in (b"", b"time_s", b"time_s,5", b"x", good.replace(b"\\n140.", b"\\n14."),
              good.replace(b"V1", b"\\xff"), good.replace(b"16.1", b"16,1", 1),
              good.replace(b"16.1", b"1.6.1", 1), good + b"\\n9999,1,1,1\\n", good + b"\\x00",
              good + b"x" * 5000, good.replace(b"V1", b"V" * 65, 1)):
    with open(path, "wb") as file:
        file.write(wrong)
    try:
        ReplaySource(path, Catalogue())
        print("loaded")
    except SourceError as error:
        print(str(error).replace(path, "FILE"))
"""
)
JOURNAL = """
from tidegate.sources.journal import JournalSource
class Source:
    def step(self, elapsed_ms, emit):
        for value in (-1, 1 << 64, True, None, "", "a\\"\\\\\\n\\t\\u00e9", b"", b"\\0\\xff", 0.5):
            emit(554, value)
journal = JournalSource(Source(), lambda line: print(line, end=""))
journal.turn(2, 1 << 33)
journal.step(0, lambda name, value: print(isinstance(value, bool), "handed on"))
"""
ALLOCATION = """
import gc
from tidegate.sources.simulated import SimulatedSource
def ignore(name, value):
    pass
def used(source, first_s, last_s):
    source.step((first_s - 1) * 1000, ignore)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for second in range(first_s, last_s):
        source.step(second * 1000, ignore)
    after = gc.mem_alloc()
    gc.enable()
    return after - before
source = SimulatedSource(7, 60, 700)
print(used(source, 1, 1), used(source, 1, 50), used(source, 70, 670), used(source, 710, 899))
print(used(source, 899, 901) > 500)
"""


@pytest.fixture
def both(micropython):
    """both(text): what it prints on CPython and on MicroPython."""

    def run(text):
        done = subprocess.run(
            [sys.executable, "-c", text],
            env=dict(os.environ, PYTHONPATH=str(FIRMWARE)),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, micropython(text).stdout

    return run


@pytest.mark.parametrize("seed", [0, 1, 4_294_967_311])
def test_a_thousand_seconds_have_the_same_checksum_on_both_interpreters(both, seed):
    cpython, micropython = both(SIMULATED % (seed, 0, 0, 0))
    assert int(cpython.split()[0]) > 24_000
    assert micropython == cpython


def test_the_world_is_the_same_at_a_moment_counted_from_1970(both):
    cpython, micropython = both(SIMULATED % (3, 900, 1_768_509_661, 1_768_509_661))
    assert micropython == cpython


def test_a_replay_gives_and_refuses_the_same_on_both_interpreters(both, tmp_path):
    cpython, micropython = both(REPLAY % str(tmp_path / "trace.csv"))
    assert micropython == cpython
    assert "True False" in cpython and "loaded" not in cpython
    assert cpython.count("FILE line ") == 12


def test_a_journal_line_reads_the_same_from_both_interpreters(both):
    lines = [output.splitlines() for output in both(JOURNAL)]
    assert json.loads(lines[0][0]) == json.loads(lines[1][0])
    assert len(json.loads(lines[0][0])["samples"]) == 9
    assert lines[0][1:] == lines[1][1:]


def test_a_second_without_an_event_leaves_nothing_on_the_heap(micropython):
    counts, event = micropython(ALLOCATION).stdout.splitlines()
    idle = int(counts.split()[0])
    assert [int(count) for count in counts.split()] == [idle] * 4
    assert event == "True", "the measure does not see the record of a quarter hour"
