"""`tidegate console` without a device: wrong calls, the PIN's hash, frames that are damaged."""

import base64
import json
import zlib

import pytest
from tidegate_tools.cli import app
from tidegate_tools.console_frames import Frames, payloads
from typer.testing import CliRunner

BATCH = {"seq": 5, "obs": [[0, 0, 501, 1], [1, 0, 501, 2]], "gaps": [[3, 4, "evicted", 2]]}


@pytest.mark.parametrize("arguments, complaint", [
    ((), "name a port, or give --demo"),
    (("no-such-port",), "no-such-port cannot be opened"),
    (("--demo", "port"), "name a port, or give --demo"),
    (("port", "fetch"), "after the port comes `fetch-backlog FILE`"),
])  # fmt: skip
def test_a_wrong_call_is_one_line_that_says_what_to_do(arguments, complaint):
    done = CliRunner().invoke(app, ["console", *arguments])
    assert done.exit_code == 2 and complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_pin_becomes_the_text_of_the_configuration(monkeypatch):
    monkeypatch.setenv("TIDEGATE_PIN", "4711")
    done = CliRunner().invoke(app, ["console", "hash-pin"])
    assert done.exit_code == 0 and done.stdout.startswith("pbkdf2-sha256$4000$")
    assert "4711" not in done.stdout
    monkeypatch.setenv("TIDEGATE_PIN", "471")
    assert "a PIN is 4 or more" in CliRunner().invoke(app, ["console", "hash-pin"]).stderr


def framed(text):
    return "#%08x %s" % (zlib.crc32(text.encode()), text)


def lines():
    """An export of one batch, in two pieces."""
    data = json.dumps(BATCH).encode()
    half = len(data) // 2
    pieces = [framed("t 3 %d/2 %08x %s" % (
        place, zlib.crc32(data), base64.b64encode(part).decode()))
        for place, part in ((1, data[:half]), (2, data[half:]))]
    store = "00112233aabbccdd"
    return data, [framed("begin tg-1 %s telemetry 1 6 4" % store), *pieces,
                  framed("end tg-1 " + store)]


def test_lines_of_several_passes_complete_one_another_in_any_order():
    data, (begin, first, second, end) = lines()
    frames = Frames()
    assert frames.take(second.replace("t 3", "t 4")) == [] and frames.damaged_count == 1
    assert frames.take("tg-1# " + second) == [] and not frames.is_whole()
    assert frames.take(begin) == [] and frames.extents["telemetry"].missing() == [(1, 6)]
    assert frames.take(second + "\r" + first) == [data]
    assert frames.take(first) == [], "once"
    assert frames.is_whole() and frames.extents["telemetry"].missing() == [(1, 2)]
    frames.take(end)
    assert frames.has_ended


def test_a_terminal_s_log_gives_its_batches_whatever_else_stands_in_it():
    data, said = lines()
    log = ["tg-1# export", "* 1 INFO event", *said, "\xff\xfe", "tg-1# "]
    assert list(payloads(line.encode("latin-1") for line in log)) == [data]


def test_pieces_that_only_seem_to_fit_are_given_up():
    _, (begin, first, second, _) = lines()
    text = first.split(" ", 1)[1]
    other = framed(text[:-8] + "AAAAAAAA")
    frames = Frames()
    for line in (begin, other, second):
        assert frames.take(line) == []
    assert frames.damaged_count == 1 and not frames.batches
