"""A simulated day, a recorded hour and a source gone mad: each sample against what is received."""

from pathlib import Path

import pytest
from reconstruction import Line, Receiver

from tidegate.limits import FUSE_REFILL_MS, SAMPLE_PERIOD_MS
from tidegate.observe.catalogue import Catalogue
from tidegate.sources.replay import ReplaySource
from tidegate.sources.simulated import SimulatedSource

SHARED_TRACE = Path(__file__).resolve().parents[3] / "shared" / "traces" / "openevse_1hz.csv"
IDS = (201, 202, 270, 501, 502, 503, 507, 508, 509, 513, 515, 516, 553, 702, 710, 809)
SESSIONS = {"plug_s": 1_800, "unplug_s": 7_200, "period_s": 28_800}


def lived(receiver, source, seconds):
    """So many turns, one a second, and the end; checks what is always true."""
    for second in range(seconds):
        moment_ms = second * SAMPLE_PERIOD_MS
        receiver.turn(moment_ms, lambda emit, at_ms=moment_ms: source.step(at_ms, emit))
    receiver.end()
    for series in receiver.series.values():
        quantity = series.quantity
        longest_ms = quantity.settle_ms
        if isinstance(series, Line):
            longest_ms += quantity.hold_ms
        assert series.excused_ms <= longest_ms, quantity.id
        if quantity.settle_ms == 0:
            assert isinstance(series, Line) or series.excused_count == 0, quantity.id
    return receiver


def ratio(receiver):
    """Samples by observations sent."""
    every = receiver.series.values()
    return sum(each.sample_count for each in every) // sum(each.report_count for each in every)


def excused_share(receiver):
    """Of 10,000 samples, how many the rules excused."""
    every = receiver.series.values()
    return (sum(each.excused_count for each in every) * 10_000
            // sum(each.sample_count for each in every))


def test_three_hours_with_a_session_are_within_the_bound_at_every_sample():
    receiver = lived(Receiver(IDS), SimulatedSource(7, **SESSIONS), 10_800)
    assert min(each.sample_count for each in receiver.series.values()) == 10_800
    assert excused_share(receiver) < 10 and ratio(receiver) > 300


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_day_with_three_sessions_is_within_the_bound_at_every_sample(seed):
    receiver = lived(Receiver(IDS), SimulatedSource(seed, **SESSIONS), 86_400)
    assert min(each.sample_count for each in receiver.series.values()) == 86_400
    assert excused_share(receiver) < 10 and ratio(receiver) > 300


@pytest.mark.skipif(not SHARED_TRACE.exists(), reason="no ../shared/traces beside this checkout")
def test_the_shared_trace_is_within_the_bound_at_every_sample():
    receiver = lived(Receiver((507, 513, 708)), ReplaySource(str(SHARED_TRACE), Catalogue()),
                     3_600)
    assert ratio(receiver) >= 35


def test_a_source_gone_mad_is_excused_for_no_longer_than_its_fuse_and_no_other_with_it():
    receiver = Receiver(IDS)
    for number in range(15_000):
        values = ((501, 230_000 + number % 2 * 9_000), (513, 3_000), (710, number // 500 % 3))
        receiver.turn(number * 40, lambda emit, given=values: [emit(*each) for each in given])
    receiver.end()
    mad, sane, state = (receiver.series[each] for each in (501, 513, 710))
    assert mad.excused_count > 5_000 and mad.report_count < 120
    assert mad.excused_ms <= FUSE_REFILL_MS
    assert sane.excused_count == state.excused_count == 0
    assert state.report_count == 30, "each change of state arrives, at once"
