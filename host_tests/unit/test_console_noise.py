"""Whatever comes in on the console's wire: nothing is done that was not typed whole, sampling goes
on, memory is flat."""

import gc
import tracemalloc

import pytest
from console_world import PROMPT, ConsoleWorld
from fakes import FakeTerminal, Random
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.diag import trail
from tidegate.console import commands
from tidegate.limits import CONSOLE_LINE_BYTES, SAMPLE_PERIOD_MS

NAMES = [row[commands.NAME] for row in commands.TABLE]
BURST_BYTES = 64


class Spy:
    """A desk that writes down each line it is to run, and the real one behind it."""

    def __init__(self, console):
        self.lines = []
        self._desk = console._desk
        console._desk = self

    def __getattr__(self, name):
        return getattr(self._desk, name)

    def run(self, text, now_ms):
        self.lines.append(text)
        self._desk.run(text, now_ms)


def quiet_world(seed=41):
    made = ConsoleWorld(seed)
    made.run(1_000)
    return made, Spy(made.agent.console)


def whole_lines(data):
    """What a careful reader finds typed whole in bytes without escapes and control keys."""
    return {line.decode() for line in data.replace(b"\n", b"\r").split(b"\r")
            if line and len(line) <= CONSOLE_LINE_BYTES and all(0x20 <= b < 0x7F for b in line)}


def feed(made, data):
    """At full speed: as much as the console takes, turn after turn."""
    made.type(data, 20)


@settings(max_examples=20)
@given(st.lists(st.one_of(
    st.binary(max_size=120), st.sampled_from(NAMES).map(lambda name: name.encode() + b"\r")),
    max_size=6))
def test_any_bytes_are_answered_or_refused_and_never_raise(chunks):
    made, _ = quiet_world()
    for chunk in chunks:
        feed(made, chunk)
    feed(made, b"\x03")
    assert made.ask("version")[0].startswith("  board")
    assert made.agent.counters.turns_failed == 0


def test_ten_thousand_lines_of_noise_do_nothing_that_was_not_typed_whole():
    made, spy = quiet_world()
    chance, typed = Random(7), set()
    plain = [number for number in range(256) if number not in (3, 8, 21, 27, 127)]
    for _ in range(100):
        data = b""
        for _ in range(100):
            name = NAMES[chance.below(len(NAMES))].encode()
            line = bytearray(name if chance.below(4) else chance.data(chance.below(60)))
            if line and chance.below(2):
                line[chance.below(len(line))] = plain[chance.below(len(plain))]
            data += bytes(byte for byte in line if byte in plain) + b"\r"
        typed |= whole_lines(data)
        made.agent.console.shown_level = 3
        feed(made, data)
    assert len(spy.lines) > 2_000 and set(spy.lines) <= typed
    assert not made.agent.verbs.wants_restart and not made.agent.console.guard.is_open
    assert made.agent.counters.turns_failed == 0


def test_noise_at_full_speed_leaves_memory_flat_and_sampling_in_time():
    made, _ = quiet_world()
    chance, late_ms, sampled_at = Random(11), [], []
    real = made.agent.sampler.begin_turn
    made.agent.sampler.begin_turn = lambda now_ms: (sampled_at.append(now_ms), real(now_ms))
    ours = tracemalloc.Filter(True, "*/tidegate/console/*")
    tracemalloc.start()
    sizes = []
    for _ in range(4):
        for _ in range(20):
            feed(made, chance.data(4 * BURST_BYTES) + b"\x03\r")
        gc.collect()
        found = tracemalloc.take_snapshot().filter_traces((ours,)).statistics("filename")
        sizes.append(sum(each.size for each in found))
    tracemalloc.stop()
    late_ms = [b - a - SAMPLE_PERIOD_MS for a, b in zip(sampled_at, sampled_at[1:])]
    assert len(late_ms) > 5 and max(late_ms) <= 100
    assert sizes[-1] - sizes[1] < 1_000, sizes


class LoopTerminal(FakeTerminal):
    """A wire whose far end is shorted: what is said comes back."""

    def __init__(self):
        super().__init__()
        self.said = b""

    def write(self, data):
        self.said += bytes(data)
        self.typed += bytes(data)
        return len(data)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_its_own_words_come_back_and_are_neither_done_nor_answered(newline):
    made, spy = quiet_world()
    made.type("help\rstatus\r")
    spy.lines.clear()
    terminal = LoopTerminal()
    terminal.newline = newline
    made.agent.console.output.terminal = terminal
    made.agent.console.output._newline = newline.decode()
    terminal.typed = (PROMPT + made.shown()).encode()
    for number in range(30):
        made.agent.trail.note(trail.INFO, "planted", number=number)
        made.run(2_000)
    assert not spy.lines
    # An event and its echo, which ends where a line is too long.
    assert len(terminal.said) < 30 * 1_000, len(terminal.said)
    before = len(terminal.said)
    made.run(60_000)
    assert len(terminal.said) - before < 2_000, "it has come to rest"


def test_a_paste_of_64_kib_is_refused_once_and_nothing_of_it_is_done():
    made, spy = quiet_world()
    said = made.type(b"reboot " * 9_362 + b"\r")
    assert said.count("longer than 200 bytes") == 1 and not spy.lines
    assert len(said) < 500
    said = made.type(b"version\r" * 8_192, 10)
    assert len(spy.lines) == 8_192 and said.count(PROMPT) == 8_192


def test_a_reader_that_stops_holds_up_no_sample_and_finds_the_next_reply_whole():
    made, _ = quiet_world()
    terminal, sampled_at = made.ports.terminal, []
    real, write = made.agent.sampler.begin_turn, terminal.write
    made.agent.sampler.begin_turn = lambda now_ms: (sampled_at.append(now_ms), real(now_ms))
    terminal.write = lambda data: 0
    terminal.typed = b"log follow\rstatus\robs\r"
    made.run(30_000)
    for number in range(100):
        made.agent.trail.note(trail.INFO, "planted", number=number)
    made.run(30_000)
    gaps = [b - a for a, b in zip(sampled_at, sampled_at[1:])]
    assert len(gaps) > 55 and max(gaps) <= SAMPLE_PERIOD_MS + 100
    assert made.receiver.stored, "telemetry went on"
    terminal.write = write
    said = made.type(b"", 1_000)
    assert "NOT SENDING" in said or "SENDING" in said or "WELL" in said
    assert "TotalChargePower" in said and said.endswith(PROMPT)
    assert made.agent.console.dropped_count >= 90
    assert "events not shown: type log" in said
