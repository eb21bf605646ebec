"""Output: whole replies at the pace of the terminal, and nothing that waits for it."""

from fakes import FakeTerminal, Random
from hypothesis import given
from hypothesis import strategies as st

from tidegate.console.output import Output
from tidegate.limits import CONSOLE_RING_BYTES, CONSOLE_STEP_BYTES


class SlowTerminal(FakeTerminal):
    """Takes as many bytes of each write as `takes` says in turn, none at the end of it."""

    newline = b"\r\n"

    def __init__(self, takes):
        super().__init__()
        self.takes = list(takes)
        self.data = b""

    def write(self, data):
        count = min(len(data), self.takes.pop(0)) if self.takes else 0
        self.data += bytes(data[:count])
        return count


def lines(count):
    return ["line %d of a reply that is longer than the ring\n" % number
            for number in range(count)]


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(0, 60))
def test_a_reply_arrives_whole_and_in_order_however_slowly_it_is_taken(takes, count):
    terminal = SlowTerminal(takes)
    output = Output(terminal)
    output.begin(iter(lines(count)))
    for _ in range(len(takes) + 1):
        output.step()
    terminal.takes = [100] * 1_000
    for _ in range(1_000):
        output.step()
    assert output.is_empty()
    assert terminal.data.decode() == "".join(lines(count)).replace("\n", "\r\n")


def test_what_has_no_room_is_not_shown_in_part():
    terminal = SlowTerminal(())
    output, kept, refused = Output(terminal), "", 0
    for number in range(60):
        line = "event %d %s\n" % (number, "x" * 30)
        if output.put(line):
            kept += line
        else:
            refused += 1
        output.step()
    assert refused > 20 and len(kept.replace("\n", "\r\n")) <= CONSOLE_RING_BYTES
    terminal.takes = [7] * 1_000
    for _ in range(1_000):
        output.step()
    assert terminal.data.decode() == kept.replace("\n", "\r\n")


def test_a_stalled_reader_costs_no_more_than_a_ring_of_the_reply():
    drawn = []

    def reply():
        for line in lines(500):
            drawn.append(line)
            yield line

    output = Output(SlowTerminal(()))
    output.begin(reply())
    for _ in range(1_000):
        output.step()
        assert not output.moved
    assert sum(map(len, drawn)) < CONSOLE_RING_BYTES + 100
    assert not output.put("event\n"), "an event waits for the end of the reply"
    assert output.cancel() and not output.is_busy()


def test_a_step_hands_over_no_more_than_a_uart_sends_in_22_ms():
    terminal = SlowTerminal([10_000] * 99)
    output = Output(terminal)
    output.begin(iter(lines(20)))
    for number in range(1, 4):
        output.step()
        assert len(terminal.data) == number * CONSOLE_STEP_BYTES
        assert output.moved and not output.stopped


def test_nothing_gets_between_the_lines_of_a_reply():
    output = Output(SlowTerminal([10_000] * 9))
    output.begin(iter(["first\n", "", "last\n"]))
    output.step()
    assert output.is_busy() and not output.put("event\n")
    output.step()
    output.step()
    assert output.put("event\n") and output.terminal.data == b"first\r\nlast\r\n"


def test_a_reply_that_fails_is_over_and_the_next_one_is_shown():
    terminal = SlowTerminal([10_000] * 9)
    output = Output(terminal)

    def failing():
        yield "begun\n"
        raise ValueError("planted")

    output.begin(failing())
    try:
        output.step()
        raise AssertionError("it was swallowed")
    except ValueError:
        pass
    assert not output.is_busy()
    output.begin(iter(["whole\n"]))
    output.step()
    assert terminal.data == b"begun\r\nwhole\r\n"


def test_a_ring_keeps_the_order_over_any_number_of_wraps():
    chance, terminal = Random(5), SlowTerminal(())
    output, said = Output(terminal), ""
    for number in range(2_000):
        line = "%d %s\n" % (number, "y" * chance.below(90))
        if output.put(line):
            said += line.replace("\n", "\r\n")
        terminal.takes = [chance.below(150)]
        output.step()
    terminal.takes = [5_000] * 9
    output.step()
    assert terminal.data.decode() == said and len(said) > 50 * CONSOLE_RING_BYTES
