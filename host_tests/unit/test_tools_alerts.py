"""Alerts: what raises each of them, what clears it, and what must not raise it."""

import asyncio
import json
import urllib.request

import pytest

from tidegate_tools import alert_outputs, alerts
from tidegate_tools.alerts import DeviceState, State, StreamState, Thresholds, Watch
from tidegate_tools.decode import Batch, Birth, Gap, Observation, Will
from tidegate_tools.errors import ToolError
from tidegate_tools.queries import Archive, GapRow
from tidegate_tools.store import Received, Store

STORE = "9f0c5a7e11d2b346"
T0_MS = 1_768_509_600_000


def stream(device="tg-1", **changes):
    plain = StreamState(device, STORE, "telemetry", 1_000, 0, 0, 0, T0_MS, 50)
    return plain._replace(**changes)


def device(name="tg-1", **changes):
    return DeviceState(name, True, STORE, T0_MS)._replace(**changes)


class Story:
    """A watch; `at(s, streams, devices, gaps)` gives [(change, kind)] of a look."""

    def __init__(self):
        self.watch = Watch(Thresholds())

    def at(self, second, streams=(), devices=(), gaps=()):
        state = State(T0_MS + 1_000 * second, list(streams), list(devices), list(gaps))
        return [(event.change, event.kind) for event in self.watch.look(state)]


def first_alert_s(story, make, kind, seconds=3_600):
    """The second at which an alert of that kind is raised; None where it is not."""
    for second in range(0, seconds, 10):
        if ("raised", kind) in story.at(second, *make(second)):
            return second
    return None


def test_the_operator_of_january_knows_within_15_minutes():
    """Some devices repeat themselves, the pipeline falls behind, live status stays right."""
    def january(second):
        sick = [stream("tg-%d" % n, lag_age_s=second, lag_count=9 * second, repeats=40 * second,
                       stored=1_000 + second, heard_ms=T0_MS + 1_000 * second)
                for n in range(5)]
        well = [stream("tg-%d" % n, heard_ms=T0_MS + 1_000 * second) for n in range(5, 100)]
        return sick + well, [device(each.device) for each in sick + well]

    assert first_alert_s(Story(), january, alerts.LAG) <= 900
    assert first_alert_s(Story(), january, alerts.REPEATS) <= 60


def test_a_device_that_drains_an_old_backlog_is_no_alert():
    def drains(second):
        return [stream(lag_age_s=90_000 - 20 * second, lag_count=9_000 - second)], [device()]

    assert first_alert_s(Story(), drains, alerts.LAG) is None


def test_a_lag_that_stands_still_is_cleared_when_it_falls_and_not_before():
    story = Story()
    raised = [(second, change) for second in range(0, 3_000, 10) for change, kind in story.at(
        second, [stream(lag_age_s=min(second, 800) - 4 * max(0, second - 1_500),
                        lag_count=second)]) if kind == alerts.LAG]
    assert [change for _, change in raised] == ["raised", "cleared"]
    assert 300 <= raised[0][0] <= 320 and raised[1][0] > 1_500


def test_a_device_is_offline_after_its_time_and_back_at_once():
    story = Story()
    away = [device(online=False)]
    assert story.at(29, [], away) == [] and story.at(30, [], away) == [("raised", "offline")]
    assert story.at(40, [], away) == []
    assert story.at(320, [], [device()]) == [("cleared", "offline")]


def test_gaps_and_stores_that_are_new_are_alerts_for_an_hour_and_cuts_are_none():
    story = Story()
    gap = ("tg-1", "telemetry", GapRow(5, 9, "evicted", 5, None, None))
    cut = ("tg-1", "telemetry", GapRow(3, 3, "cut", 1, None, None))
    assert story.at(0, [stream()], [], [gap]) == [], "what stands at the first look is old"
    other = ("tg-1", "telemetry", GapRow(20, 29, "evicted", 10, None, None))
    assert story.at(10, [stream()], [], [gap, other, cut]) == [("raised", "gap")]
    replaced = [stream(), stream(store="0" * 16)]
    assert story.at(20, replaced, [], [gap, other]) == [("raised", "store")]
    assert story.at(30, [*replaced, stream("tg-2")], [], [gap, other]) == [], "a new device"
    assert ("cleared", "gap") in story.at(3_610, replaced, [], [gap, other])
    assert ("cleared", "store") in story.at(3_620, replaced, [], [gap, other])


def test_the_pipeline_is_late_when_half_of_the_devices_are_and_silent_when_nothing_comes():
    story = Story()
    streams = [stream("tg-%d" % n, delay_ms=90_000 if n < 2 else 10) for n in range(5)]
    devices = [device("tg-%d" % n) for n in range(5)]
    assert story.at(10, streams, devices) == [], "two wrong clocks"
    late = [each._replace(delay_ms=90_000) for each in streams]
    assert story.at(20, late, devices) == [("raised", "pipeline")]
    assert story.at(30, streams, devices) == [("cleared", "pipeline")]
    assert story.at(301, streams, devices) == [("raised", "pipeline")], "nothing is stored"
    assert story.at(302, streams, []) == [("cleared", "pipeline")], "nobody is online"


@pytest.fixture
def archive(tmp_path):
    store = Store(tmp_path / "sink.db")
    live = Batch("tg-1", STORE, "telemetry", 1, T0_MS, "synced", False, 400, 12,
                 (Gap(1, 2, "lost", 2),), (Observation(3, 1, 5_000, 501, "1"),))
    born = Birth("tg-1", (1, 1), STORE, "1", "m", "posix", dict.fromkeys(("telemetry", "records"),
                 1), {"telemetry": 1, "records": 1})
    store.commit([Received(T0_MS, born), Received(T0_MS + 7_000, live),
                  Received(T0_MS + 9_000, Will("tg-1", (1, 1)))])
    store.close()
    again = Archive(store.path)
    yield again
    again.close()


def test_the_state_is_read_from_the_database_of_a_sink(archive):
    state = alert_outputs.read_state(archive, T0_MS + 10_000)
    assert [each for each in state.streams if each.log == "telemetry"] == [
        StreamState("tg-1", STORE, "telemetry", 1, 0, 400, 12, T0_MS + 7_000, 2_000)]
    assert state.devices == [DeviceState("tg-1", False, STORE, T0_MS + 9_000)]
    assert state.gaps == [("tg-1", "telemetry", GapRow(1, 2, "lost", 2, None, None))]


def test_the_endpoint_shows_health_and_lag(archive, free_port):
    metrics, watch = alert_outputs.Metrics(free_port), Watch()
    try:
        for offset_ms in (10_000, 400_000):
            state = alert_outputs.read_state(archive, T0_MS + offset_ms)
            watch.look(state)
        metrics.show(state, watch)
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % free_port) as answer:
            said = answer.read().decode()
    finally:
        metrics.close()
    for line in ('tidegate_lag_age_seconds{device="tg-1",log="telemetry"} 400.0',
                 'tidegate_device_online{device="tg-1"} 0.0',
                 'tidegate_alerts{kind="offline"} 1.0',
                 'tidegate_live_delay_seconds{device="tg-1",log="telemetry"} 2.0'):
        assert line in said.splitlines()
    with pytest.raises(ToolError, match="no metrics on port"):
        taken = alert_outputs.Metrics(free_port)
        try:
            alert_outputs.Metrics(free_port)
        finally:
            taken.close()


def test_each_event_is_told_once_as_a_line_or_json(archive):
    told = []

    async def look():
        task = asyncio.ensure_future(alert_outputs.run(archive, Watch(), 0.01, told.append))
        await asyncio.sleep(0.1)
        task.cancel()

    asyncio.run(look())
    [event] = told
    assert alert_outputs.line(event).endswith("RAISED offline: tg-1 is offline")
    assert json.loads(json.dumps(event.to_json()))["kind"] == "offline"


@pytest.mark.parametrize("text", ["", "host", ":1883", "host:", "host:0", "host:x", "host:65536"])
def test_where_to_publish_is_a_host_and_a_port(text):
    with pytest.raises(ToolError, match="--publish"):
        alert_outputs.link_of(text)
    assert alert_outputs.link_of("a.b:1883").port == 1883
