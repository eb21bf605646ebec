"""The replay of a CSV file: exact numbers, clear refusals, the newest row that is due."""

import random
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import SourceError
from tidegate.observe.catalogue import Catalogue, is_valid
from tidegate.sources.csv_table import LINE_BYTES_MAX
from tidegate.sources.decimal_text import scaled
from tidegate.sources.replay import BOOKMARK_COUNT_MAX, ReplaySource

CATALOGUE = Catalogue()
SHARED_TRACE = Path(__file__).resolve().parents[3] / "shared" / "traces" / "openevse_1hz.csv"
GOOD = [
    "time_s,507,TotalChargePower,allocated_current_a,firmware",
    "0,0.1,0,16,V1",
    "1.5,,1200.4,16,V1",
    "2,15.9995,3600.5,16,",
    "60,,,,",
    "61,-0.25,-57,0,V2",
]


def replay(lines, **arguments):
    return ReplaySource(lines, CATALOGUE, **arguments)


def play(source, *moments_ms):
    """[[(id, value)]] of each moment."""
    turns = []
    for moment_ms in moments_ms:
        turns.append([])
        source.step(moment_ms, lambda *sample, turn=turns[-1]: turn.append(sample))
    return turns


def refusal(lines, **arguments):
    with pytest.raises(SourceError) as caught:
        replay(lines, **arguments)
    return str(caught.value)


# Decimal text.


def rounded(number, decimals):
    """number * 10^decimals by the decimal module, with more digits than any example has."""
    with localcontext() as context:
        context.prec = 200
        return int(number.scaleb(decimals).to_integral_value(rounding=ROUND_HALF_UP))


@given(st.decimals(-(10**40), 10**40, places=9), st.integers(0, 9))
def test_scaled_is_exact_and_rounds_half_away_from_zero(number, decimals):
    assert scaled(format(number, "f"), decimals) == rounded(number, decimals)


@given(st.integers(-(10**25), 10**25), st.integers(0, 12), st.integers(0, 12))
def test_scaled_agrees_with_decimal_at_and_around_a_half(digits, places, decimals):
    number = Decimal((int(digits < 0), tuple(map(int, str(abs(digits) * 10 + 5))), -places))
    assert scaled(format(number, "f"), decimals) == rounded(number, decimals)


@given(st.text("0123456789.+-eE _x\u0663", max_size=12), st.integers(0, 4))
def test_scaled_takes_a_sign_digits_and_one_point_and_nothing_else(text, decimals):
    is_number = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text) is not None
    assert (scaled(text, decimals) is not None) == is_number


@pytest.mark.parametrize(
    "text, decimals, expected",
    [
        ("230.125", 3, 230_125),
        ("0.0005", 3, 1),
        ("-0.0005", 3, -1),
        ("0.00049999", 3, 0),
        ("-0.4", 0, 0),
        (".5", 0, 1),
        ("5.", 1, 50),
        ("+7", 2, 700),
        ("", 0, None),
        (".", 0, None),
        ("-", 0, None),
        ("nan", 0, None),
        ("1e3", 0, None),
        ("1,5", 1, None),
        (" 1", 0, None),
    ],
)
def test_scaled_by_example(text, decimals, expected):
    assert scaled(text, decimals) == expected


# Playing.


def test_columns_are_mapped_by_id_by_name_and_by_alias_and_scaled_by_the_catalogue():
    turns = play(replay(GOOD), 0, 1_500, 2_000, 60_000, 61_000)
    assert turns == [
        [(507, 100), (513, 0), (708, 16_000), (908, "V1")],
        [(513, 1_200), (708, 16_000), (908, "V1")],
        [(507, 16_000), (513, 3_601), (708, 16_000)],
        [],
        [(507, -250), (513, -57), (708, 0), (908, "V2")],
    ]


def test_only_the_newest_row_that_is_due_is_given_and_only_once():
    source = replay(["time_s,513", "1,10", "2,20", "3,30", "9,90"])
    turns = play(source, 0, 999, 1_000, 1_500, 3_200, 4_000, 8_999, 9_000, 10_000)
    assert turns == [[], [], [(513, 10)], [], [(513, 30)], [], [], [(513, 90)], []]


def test_a_replay_is_finished_with_its_last_row_and_then_gives_nothing():
    source = replay(GOOD)
    play(source, 0, 60_999)
    assert not source.finished
    assert play(source, 61_000)[0] and source.finished
    assert play(source, 61_000, 10**9) == [[], []]


def test_time_that_goes_back_gives_nothing_twice():
    source = replay(["time_s,513", "1,10", "2,20", "3,30"])
    assert play(source, 2_000, 500, 1_000, 2_000, 3_000) == [[(513, 20)], [], [], [], [(513, 30)]]


def test_a_mapping_of_the_caller_takes_the_place_of_the_usual_one():
    columns = {"amps": 508}
    assert play(replay(["time_s,amps", "0,1.5"], columns=columns), 0) == [[(508, 1_500)]]
    text = refusal(["time_s,charging_current_a", "0,1"], columns=columns)
    assert "line 1" in text and "charging_current_a" in text
    assert "amps" in refusal(["time_s,amps", "0,1"], columns={"amps": 9})


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", "end", "end end", "blank end"])
def test_a_file_plays_like_its_lines_whatever_its_line_ends(tmp_path, end, tail):
    path = tmp_path / "trace.csv"
    text = end.join(GOOD) + tail.replace("end", end).replace("blank", "  ").replace(" ", "")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    moments_ms = range(0, 63_000, 500)
    assert play(replay(str(path)), *moments_ms) == play(replay(GOOD), *moments_ms)


def test_blanks_around_cells_are_passed():
    lines = ["time_s , 513,\tCurrentPhase1", " 1 ,\t20 , "]
    assert play(replay(lines), 1_000) == [[(513, 20)]]


class CountedLines(list):
    """Lines that count how often one is read."""

    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return list.__getitem__(self, index)


@pytest.mark.parametrize("row_count", [1, 127, 128, 129, 1_000, 9_001])
def test_a_replay_started_later_gives_what_one_that_ran_gives(row_count):
    lines = CountedLines(["time_s,513"])
    lines += [f"{2 * row},{row % 9_000}" for row in range(row_count)]
    through = replay(lines)
    for second in range(0, 2 * row_count, max(1, row_count // 7)):
        play(through, *range((second - 3) * 1_000, (second + 1) * 1_000, 1_000))
        later = replay(lines)
        lines.reads = 0
        assert play(later, second * 1_000) == [[(513, second // 2 % 9_000)]]
        assert lines.reads <= 2 * row_count // BOOKMARK_COUNT_MAX + 5
        moments_ms = range((second + 1) * 1_000, (second + 12) * 1_000, 1_000)
        assert play(later, *moments_ms) == play(through, *moments_ms)


def test_every_row_is_given_when_steps_are_as_dense_as_rows():
    lines = ["time_s,513", *(f"{row},{row % 7_000}" for row in range(5_000))]
    turns = play(replay(lines), *range(0, 5_000_000, 1_000))
    assert turns == [[(513, row % 7_000)] for row in range(5_000)]


# Refusing.


@pytest.mark.parametrize(
    "lines, line, words",
    [
        ([], 1, ["empty"]),
        (["", "1,2"], 1, ["time_s"]),
        (["513,time_s", "1,2"], 1, ["time_s", "513"]),
        (["time_s", "1"], 1, ["observation"]),
        (["time_s,513,power", "1,2,3"], 1, ["power", "unknown"]),
        (["time_s,513,", "1,2,3"], 1, ["unknown"]),
        (["time_s,9999", "1,2"], 1, ["9999", "unknown"]),
        (["time_s,513.0", "1,2"], 1, ["513.0", "unknown"]),
        (["time_s,513,charging_power_w", "1,2,3"], 1, ["charging_power_w", "513", "already"]),
        (["time_s,SignedMeterValue", "1,OCMF"], 1, ["SignedMeterValue", "opaque"]),
        (["time_s,513"], 1, ["no row"]),
        (["time_s,513", ""], 2, ["no row"]),
        (["time_s,513", "1,2", "2,2,2"], 3, ["3 cells", "2"]),
        (["time_s,513", "1,2", "2"], 3, ["1 cells", "2"]),
        (["time_s,513", "1,2", "", "3,2"], 3, ["blank"]),
        (["time_s,513", "1,2", " ", "", "3,2"], 3, ["blank"]),
        (["time_s,513", "1,2", ",2"], 3, ["time_s", "no time"]),
        (["time_s,513", "x,2"], 2, ["time_s", "'x'"]),
        (["time_s,513", "-1,2"], 2, ["time_s", "'-1'"]),
        (["time_s,513", "1,2", "1,3"], 3, ["time_s", "later"]),
        (["time_s,513", "1,2", "1.0004,3"], 3, ["time_s", "later"]),
        (["time_s,513", "1,2", "2,2", "1.5,3"], 4, ["time_s", "later"]),
        (["time_s,513,507", "1,2,3", "2,2,off"], 3, ["column 507", "'off'", "number"]),
        (["time_s,513", "1,1e3"], 2, ["513", "'1e3'"]),
        (["time_s,513", "1,nan"], 2, ["513", "'nan'"]),
        (["time_s,CurrentPhase1", "1,100.0005"], 2, ["CurrentPhase1", "range", "100000"]),
        (["time_s,710", "1,-1"], 2, ["710", "range", "0..255"]),
        (["time_s,firmware", "1," + "v" * 65], 2, ["firmware", "65 bytes", "0..64"]),
        (["time_s,firmware", "1," + "\u00e9" * 33], 2, ["firmware", "66 bytes"]),
        (["time_s,firmware", '1,"V1"'], 2, ["firmware", "quote"]),
        ([b"time_s,firmware", b"1,\xff"], 2, ["UTF-8"]),
        (["time_s,firmware", "1," + "v" * LINE_BYTES_MAX], 2, ["longer"]),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_column(tmp_path, lines, line, words):
    text = refusal(lines)
    assert f"lines line {line}" in text
    for word in words:
        assert word in text
    data = b"\n".join(part if isinstance(part, bytes) else part.encode() for part in lines)
    path = tmp_path / "wrong.csv"
    path.write_bytes(data + b"\n" * bool(data))
    assert refusal(str(path)) == text.replace("lines line", f"{path} line")


def test_a_refusal_does_not_repeat_a_text_that_may_be_personal():
    assert "secret" not in refusal(["time_s,ChargerCurrentUserUuid", "1," + "secret" * 12])


@pytest.mark.parametrize("name", ["missing.csv", ""])
def test_a_path_that_is_no_file_is_refused_by_name(tmp_path, name):
    path = str(tmp_path / name)
    assert path in refusal(path)


def test_the_last_line_is_checked_before_the_first_is_used(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("time_s,513\n" + "".join(f"{n},1\n" for n in range(500)) + "500,oops\n")
    assert "line 502 column 513: 'oops'" in refusal(str(path))


def test_a_file_changed_after_the_check_is_refused_once_and_then_given_up(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("time_s,513\n" + "".join(f"{n},1\n" for n in range(5_000)))
    source = replay(str(path))
    assert play(source, 0) == [[(513, 1)]]
    path.write_text("time_s,513\n" + "".join(f"{n},?\n" for n in range(5_000)))
    with pytest.raises(SourceError, match=r"line \d+ column 513"):
        play(source, 4_000_000)
    assert source.finished
    assert play(source, 4_001_000) == [[]]


@st.composite
def mutations(draw):
    """GOOD as bytes after one to four random edits of bytes or lines."""
    data = bytearray("\n".join(GOOD).encode() + b"\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["insert", "replace", "delete", "cut", "swap", "repeat"]))
        piece = draw(
            st.binary(min_size=1, max_size=3)
            | st.sampled_from(
                [b",", b"\n", b"\r\n", b'"', b".", b"-", b"9" * 30, b"\x00", b"\xff", b" "]
            )
        )
        if kind == "insert":
            data[at:at] = piece
        elif kind == "replace":
            data[at : at + len(piece)] = piece
        elif kind == "delete":
            del data[at : at + draw(st.integers(1, 8))]
        elif kind == "cut":
            del data[at:]
        else:
            lines = bytes(data).splitlines(keepends=True) or [b""]
            a = draw(st.integers(0, len(lines) - 1))
            b = draw(st.integers(0, len(lines) - 1))
            if kind == "swap":
                lines[a], lines[b] = lines[b], lines[a]
            else:
                lines.insert(a, lines[b])
            data = bytearray(b"".join(lines))
    return bytes(data)


@given(data=mutations())
def test_a_mutated_file_is_refused_with_its_line_or_plays_valid_values(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "mutated.csv"
    path.write_bytes(data)
    try:
        source = replay(str(path))
    except SourceError as error:
        match = re.search(r"mutated\.csv line (\d+)", str(error))
        assert match and 1 <= int(match.group(1)) <= max(1, data.count(b"\n") + 1)
        return
    for turn in play(source, *range(0, 200_000, 700), 10**40):
        for name, value in turn:
            assert is_valid(CATALOGUE.rows[CATALOGUE.index(name)], value)
    assert source.finished


@pytest.mark.skipif(not SHARED_TRACE.exists(), reason="no ../shared/traces beside this checkout")
def test_the_shared_trace_of_an_hour_plays_in_full_and_exactly():
    rows = [line.split(",") for line in SHARED_TRACE.read_text().splitlines()[1:]]
    turns = play(replay(str(SHARED_TRACE)), *range(0, 3_600_000, 1_000))
    assert len(rows) == len(turns) == 3_600
    for row, turn in zip(rows, turns):
        assert turn == [
            (507, int(Decimal(row[1]) * 1_000)),
            (513, int(Decimal(row[2]).to_integral_value(rounding=ROUND_HALF_UP))),
            (708, int(row[3]) * 1_000),
            (908, row[4]),
        ]


def test_a_longer_hour_of_random_rows_plays_like_a_model():
    draw = random.Random(11)
    rows, moment_ms = [], 0
    for _ in range(2_000):
        moment_ms += draw.randrange(1, 4_000)
        rows.append((moment_ms, draw.randrange(9_000)))
    source = replay(["time_s,513", *(f"{t // 1_000}.{t % 1_000:03d},{p}" for t, p in rows)])
    given_count = elapsed_ms = 0
    while elapsed_ms < moment_ms:
        elapsed_ms += draw.choice([1, 500, 1_000, 1_000, 90_000])
        due = [row for row in rows[given_count:] if row[0] <= elapsed_ms]
        given_count += len(due)
        assert play(source, elapsed_ms) == [[(513, due[-1][1])] if due else []]
    assert source.finished
