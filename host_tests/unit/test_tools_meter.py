"""The simulated meter: what it says, when it says it again, and how fast."""

import json
import os
import random
import signal
import subprocess
import sys

import pytest
from meter_world import Listener
from typer.testing import CliRunner

from tidegate_tools import bench, bench_device, bench_meter, cli
from tidegate_tools.broker import PACKAGES
from tidegate_tools.meter import OPAQUE_TIMES, SECOND_BYTES_MAX, Meter, Noise
from tidegate.sources.simulated import SimulatedSource


class Script:
    """A source that says what a table says: {second: samples}."""

    def __init__(self, table):
        self._table = table

    def step(self, elapsed_ms, emit):
        for sample in self._table.get(elapsed_ms // 1_000, ()):
            emit(*sample)


def played(source, first_s, last_s):
    """What a device hears of each second, and what it counts."""
    meter, listener, seconds = Meter(source), Listener(), []
    for second in range(first_s, last_s):
        begin = len(listener.heard)
        listener.hear(b"".join(meter.second(second)))
        seconds.append(listener.heard[begin:])
    return seconds, listener.counts()


def test_a_charging_session_comes_over_the_line_sample_by_sample():
    truth, expected = SimulatedSource(5, 60, 700), []
    for second in range(720):
        truth.step(second * 1_000, lambda *sample: expected.append(sample))
    seconds, counts = played(SimulatedSource(5, 60, 700), 0, 720)
    heard = [sample for samples in seconds for sample in samples]
    assert set(counts) == {"stamp repeated"}
    for is_opaque in (False, True):
        assert [each for each in heard if isinstance(each[1], (bytes, bytearray)) == is_opaque] \
            == [each for each in expected
                if isinstance(each[1], bytes) == is_opaque and each[0] != 813]


def test_no_second_has_more_bytes_than_a_meter_may_send():
    meter = Meter(Script({3: [(554, b"a" * 8_192), (723, b"b" * 8_192), (501, 1)]}))
    sizes = [sum(map(len, meter.second(second))) for second in range(90)]
    assert max(sizes) <= SECOND_BYTES_MAX and sum(sizes) > OPAQUE_TIMES * 2 * 8_192
    assert sizes[-1] < 20, "at last it has said it all"


def test_what_was_lost_comes_again_and_what_was_heard_does_not_pass_twice():
    table = {4: [(721, "session"), (554, b"signed"), (501, 7)], 25: [(721, "")]}
    meter, listener = Meter(Script(table)), Listener()
    for second in range(60):
        frames = meter.second(second)
        if second != 4:
            listener.hear(b"".join(frames))
    assert listener.heard == [(721, "session"), (501, 7), (554, b"signed"), (721, "")]
    assert listener.counts()["stamp repeated"] > 5
    seconds, _ = played(Script(table), 0, 60)
    assert seconds[4] == [(721, "session"), (501, 7), (554, b"signed")]
    assert [each for each in seconds if each] == [seconds[4], [(721, "")]]


def test_what_is_measured_each_second_is_not_said_twice():
    table = {second: [(501, second), (721, "standing")] for second in range(31)}
    assert played(Script(table), 0, 31)[1] == {}


def test_noise_damages_about_its_share_and_is_the_same_for_the_same_seed():
    data = bytes(range(256)) * 40
    assert Noise(0, random.Random(1)).on(data) == data
    first, again = (Noise(0.01, random.Random(9)).on(data) for _ in range(2))
    assert first == again != data
    listener = Listener().hear(Noise(0.02, random.Random(2)).on(b"".join(
        frame for second in range(200) for frame in METER.second(second))))
    assert 20 < listener.source.taken_count < 250
    assert {"damaged", "cut short", "lost"} <= set(listener.counts())


METER = Meter(SimulatedSource(1, 60, 700))


def test_the_command_says_where_its_line_is_and_cleans_up(tmp_path):
    link, log = tmp_path / "meter.tty", tmp_path / "meter.jsonl"
    meter = subprocess.Popen(
        [sys.executable, "-m", "tidegate_tools.cli", "meter", "--speed", "100", "--link", link,
         "--log", log], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": PACKAGES})
    try:
        assert json.loads(meter.stdout.readline())["line"] == os.readlink(link)
        with open(link, "rb", 0) as line:
            data = b""
            while data.count(0) < 40:
                data += line.read(4_096)
        meter.send_signal(signal.SIGINT)
        assert meter.wait(20) == 130 and not link.is_symlink()
    finally:
        meter.kill()
        meter.communicate()
    listener = Listener().hear(data)
    assert listener.source.taken_count >= 18 and not listener.packet_errors
    assert json.loads(log.read_text().splitlines()[0])["second"] >= 0


@pytest.mark.parametrize("arguments, words", [
    (("meter", "--plug-s", "0"), "plug_s"),
    (("meter", "--noise", "2"), "--noise"),
    (("demo", "--source", "i2c"), "simulated, serial_meter"),
    (("demo", "--noise", "0.1"), "--source serial_meter"),
    (("demo", "--source", "serial_meter", "--trace", __file__), "leave out --source or --trace"),
])
def test_what_cannot_be_is_refused_with_what_can(arguments, words):
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 2 and words in result.output


def test_a_link_that_exists_is_not_overwritten(tmp_path):
    result = CliRunner().invoke(cli.app, ["meter", "--link", str(tmp_path)])
    assert result.exit_code == 1 and "name another path with --link" in result.output


def test_the_bench_holds_the_heap_of_a_poll_to_nothing(monkeypatch):
    assert bench.BENCHES["meter"] == bench_meter.__name__
    found = {"kept": 1_700, "allocated": 32, "taken": 1, "heard": 13, "flaws": 0}
    monkeypatch.setattr(bench_device, "heap_meter", lambda: found)
    allocated, kept = bench_meter.run(lambda step: None)
    assert allocated.is_broken and (kept.value, kept.must) == (1_700, None)

    def absent():
        raise bench_device.NotMeasured("install node")

    monkeypatch.setattr(bench_device, "heap_meter", absent)
    assert [each.note for each in bench_meter.run(lambda step: None)] == [
        "not measured: install node"] * 2
