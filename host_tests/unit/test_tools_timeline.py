"""The demo's script: its phases fall where they must, at every speed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_tools import timeline
from tidegate_tools.errors import ToolError


def moments(plan):
    return {phase.action or phase.text: phase.at_s for phase in plan.phases}


def test_the_default_script_stays_within_ninety_seconds():
    plan = timeline.simulated()
    assert [round(phase.at_s) for phase in plan.phases] == [0, 4, 20, 34, 40, 50]
    assert plan.end_s == 56 and plan.limit_s <= 88


@given(speed=st.integers(1, timeline.SPEED_MAX), cut_s=st.floats(1, 60))
def test_the_kill_falls_inside_the_cut_and_a_quarter_hour_before_it(speed, cut_s):
    plan = timeline.simulated(speed, cut_s)
    at = moments(plan)
    assert at["cut"] < at["kill"] < at["back"] == plan.back_s < plan.end_s < plan.limit_s
    assert [phase.at_s for phase in plan.phases] == sorted(phase.at_s for phase in plan.phases)
    quarters = range(timeline.QUARTER_S, int(plan.scenario_s(plan.end_s)) + 1, timeline.QUARTER_S)
    assert any(
        plan.scenario_s(at["cut"]) <= second + 1 and second <= plan.scenario_s(at["kill"])
        for second in quarters
    )
    assert 0 <= plan.elapsed_s < plan.plug_s
    assert plan.unplug_s - plan.plug_s >= 60


def test_a_trace_takes_about_a_minute_by_itself():
    plan = timeline.replayed(3_600)
    assert plan.speed == 60 and plan.end_s == 61
    assert moments(plan)["back"] - moments(plan)["cut"] == 20


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: timeline.simulated(0), "--speed"),
        (lambda: timeline.simulated(timeline.SPEED_MAX + 1), "--speed"),
        (lambda: timeline.simulated(10, 0), "--cut"),
        (lambda: timeline.simulated(10, float("nan")), "--cut"),
        (lambda: timeline.replayed(3_600, 60, 50), "--cut"),
    ],
)
def test_what_cannot_be_played_is_refused_by_the_option_to_change(make, word):
    with pytest.raises(ToolError, match=word):
        make()


@pytest.mark.parametrize("content", ["", "time_s,power\n", "time_s\nlater\n", "time_s\nnan\n"])
def test_a_trace_without_times_is_refused_by_name(tmp_path, content):
    path = tmp_path / "trace.csv"
    path.write_text(content)
    with pytest.raises(ToolError, match=r"trace\.csv"):
        timeline.trace_seconds(path)


def test_the_length_of_a_trace_is_its_last_time(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("time_s,power\n0,1\n12.5,2\n\n")
    assert timeline.trace_seconds(path) == 12.5
