"""The line discipline: what is typed becomes a line whole, or is refused whole."""

from hypothesis import given
from hypothesis import strategies as st

from tidegate.console.line import CANCELLED, DAMAGED, LINE, NOTHING, TOO_LONG, Line
from tidegate.limits import CONSOLE_HISTORY_COUNT, CONSOLE_LINE_BYTES

UP, DOWN = b"\x1b[A", b"\x1b[B"


class Typist:
    def __init__(self):
        self.echo = ""
        self.line = Line(self.show)
        self.ends = []

    def show(self, text):
        self.echo += text

    def type(self, data):
        """What came to an end: texts of lines, else the reason."""
        self.ends = []
        for byte in data:
            end = self.line.take(byte)
            if end != NOTHING:
                text = self.line.text()
                self.ends.append(text if end == LINE else end)
                if end == LINE:
                    self.line.remember(text)
                self.line.clear()
        return self.ends

    def screen(self):
        """What an eye sees of the last line's echo."""
        text = self.echo
        while "\b \b" in text:
            at = text.index("\b \b")
            text = text[: max(0, at - 1)] + text[at + 3 :]
        return text


def test_cr_lf_and_crlf_each_end_one_line():
    assert Typist().type(b"a\rb\nc\r\nd\r\r\n") == ["a", "b", "c", "d", ""]


def test_backspace_delete_and_control_u_take_back_what_is_shown():
    typist = Typist()
    assert typist.type(b"statux\x08s\x7fs") == []
    assert typist.screen() == "status"
    typist.type(b"\x15obs")
    assert typist.screen() == "obs"
    assert typist.type(b"\r") == ["obs"]
    assert typist.type(b"\x08\x7f\r") == [""]


def test_control_c_gives_up_the_line():
    assert Typist().type(b"rebo\x03status\r") == [CANCELLED, "status"]


def test_arrow_keys_bring_the_last_lines_back_and_other_keys_do_nothing():
    typist = Typist()
    typed = [b"line %d\r" % number for number in range(CONSOLE_HISTORY_COUNT + 2)]
    typist.type(b"".join(typed))
    assert typist.type(UP + UP + DOWN + b"\r") == ["line 5"]
    assert typist.type(UP * 9 + b"!\r") == ["line 2!"]
    assert typist.type(b"x\x1b[C\x1b[D\x1b[3~\x1b[15;2~\x1bOP\x1b[200~y\r") == ["xy"]
    assert typist.type(UP + DOWN + b"\r") == [""]


def test_a_line_that_is_too_long_is_refused_whole_and_the_next_one_is_not():
    typist = Typist()
    longest = b"y" * CONSOLE_LINE_BYTES
    assert typist.type(longest + b"\r") == [longest.decode()]
    assert typist.type(longest + b"reboot\x08\r" + b"status\r") == [TOO_LONG, "status"]
    assert typist.type(b"x" * 65_536 + b"\x15status\r") == ["status"]


def test_a_line_with_bytes_no_key_sends_is_refused_whole():
    for byte in [*range(0x20), *range(0x80, 0x100)]:
        if byte in (0x03, 0x08, 0x0A, 0x0D, 0x15, 0x1B):
            continue
        assert Typist().type(b"sta" + bytes([byte]) + b"tus\r") == [DAMAGED], byte
    for cut in (b"\x1bx", b"\x1b[\r"[:-1] + b"\x00", b"\x1b[12345678901"):
        assert Typist().type(b"status" + cut + b"\r") == [DAMAGED], cut


def test_what_is_hidden_is_neither_shown_nor_remembered():
    typist = Typist()
    typist.line.is_hidden = True
    assert typist.type(b"1234\x085\r") == ["1235"]
    assert typist.echo == "" and typist.line.shown() == ""
    typist.line.is_hidden = False
    assert typist.type(UP + b"\r") == [""]


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_any_bytes_bring_only_lines_that_were_typed_and_never_raise(chunks):
    typist = Typist()
    for chunk in chunks:
        for end in typist.type(chunk):
            if isinstance(end, str):
                assert len(end) <= CONSOLE_LINE_BYTES
                assert all(" " <= character <= "~" for character in end)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200))
def test_printable_text_is_echoed_and_comes_out_as_it_was_typed(text):
    typist = Typist()
    assert typist.type(text.encode() + b"\r") == [text]
    assert typist.echo == text
