"""What a demo shows: plain lines elsewhere than on a terminal, values with their units."""

import io

from rich.console import Console

from tidegate_tools import display
from tidegate_tools.quantities import load_quantities
from tidegate_tools.queries import LiveValue


def test_values_are_shown_with_their_unit_and_the_favourites_first():
    live = {
        identity: LiveValue(identity, value, 1, 1, 1, None)
        for identity, value in ((120, "1"), (501, "230125"), (4000, '"odd"'), (513, "-7"))
    }
    assert display.live_values(live, load_quantities()) == [
        ("TotalChargePower", "-7 W"),
        ("VoltagePhase1", "230.125 V"),
        ("AuthenticationRequired", "1"),
        ("4000", "odd"),
    ]


def test_plain_lines_come_at_each_phase_and_then_every_few_seconds():
    lines = []
    screen = display.PlainDisplay(lines.append)
    for tenth in range(60):
        screen.show(
            display.Snapshot(
                wall_s=tenth / 10, phase="idle" if tenth < 20 else "cut", accepted=9, stored=4
            )
        )
    assert [line[:13].split() for line in lines] == [
        ["0.0", "s", "idle"],
        ["2.0", "s", "cut"],
        ["5.0", "s", "cut"],
    ]
    assert "backlog    5" in lines[0]


def test_elsewhere_than_on_a_terminal_the_display_is_plain_and_flushed():
    stream = io.StringIO()
    with display.make_display(stream, False) as screen:
        screen.say("hello")
    assert isinstance(screen, display.PlainDisplay) and stream.getvalue() == "hello\n"


def test_on_a_terminal_the_picture_holds_backlog_and_values():
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=40)
    with display.LiveDisplay(console) as screen:
        screen.show(
            display.Snapshot(
                1.0,
                60.0,
                "20:31:00 UTC",
                "idle",
                "up",
                "online",
                5,
                4,
                1,
                0,
                [("VoltagePhase1", "230.125 V")],
            )
        )
    text = console.file.getvalue()
    assert "230.125 V" in text and "backlog" in text and "1 of 60 s" in text
