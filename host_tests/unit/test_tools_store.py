"""The sink's storage: each key once, whatever arrives, in whatever order, however often."""

import random
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tidegate_tools import schema
from tidegate_tools.decode import Batch, Birth, Gap, Observation, Part, Will
from tidegate_tools.errors import StoreError
from tidegate_tools.queries import Archive
from tidegate_tools.store import Received, Store

STORE = "9f0c5a7e11d2b346"
DEVICE = "tg-000001"
STREAM = (DEVICE, STORE, "telemetry")


def batch(first, last, boot=1, **changes):
    """Seqs first..last at 1 s each; the id goes round through five, the value is the seq."""
    content = dict(
        device=DEVICE,
        store=STORE,
        log="telemetry",
        boot=boot,
        utc_zero_ms=1_000_000,
        quality="rtc",
        historical=False,
        lag_age_s=3,
        lag_count=7,
        gaps=(),
        observations=tuple(
            Observation(seq, boot, 1_000 * seq, 501 + seq % 5, str(seq))
            for seq in range(first, last + 1)
        ),
    )
    content.update(changes)
    return Batch(**content)


def birth(session, first=1, **changes):
    content = dict(
        device=DEVICE,
        session=session,
        store=STORE,
        version="1",
        interpreter="m",
        board="posix",
        first={"telemetry": first, "records": 1},
        split={"telemetry": 9, "records": 1},
    )
    content.update(changes)
    return Birth(**content)


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "sink.db")
    yield opened
    opened.close()


def commit(store, *contents):
    return store.commit([Received(1_000 + n, content) for n, content in enumerate(contents)])


def read(store):
    return Archive(store.path)


def only_stream(store):
    [stream] = [each for each in read(store).report() if each.log == "telemetry"]
    return stream


def test_a_batch_is_stored_and_echoed_after_its_commit(store):
    [echo] = commit(store, batch(1, 5))
    assert (echo.upto, echo.ahead, echo.topic) == (5, (), "tidegate/1/tg-000001/confirm")
    assert echo.payload() == (
        b'{"store": "9f0c5a7e11d2b346", "log": "telemetry", "upto": 5, "ahead": []}'
    )
    rows = read(store).rows("telemetry")[DEVICE, STORE]
    assert [(row.seq, row.value, row.utc_ms) for row in rows] == [
        (seq, str(seq), 1_000_000 + 1_000 * seq) for seq in range(1, 6)
    ]


def test_a_repeat_is_counted_and_echoed_again_but_not_stored_again(store):
    commit(store, batch(1, 5))
    [echo] = commit(store, batch(4, 8), batch(4, 8))
    stream = only_stream(store)
    assert (echo.upto, stream.stored, stream.repeats, stream.conflicts) == (8, 8, 7, 0)


def test_a_repeat_with_another_content_is_a_conflict_and_the_first_one_stays(store):
    commit(store, batch(1, 5))
    commit(store, batch(2, 2, observations=(Observation(2, 1, 2_000, 503, "99"),)))
    stream = only_stream(store)
    assert (stream.stored, stream.repeats, stream.conflicts) == (5, 0, 1)
    assert read(store).rows("telemetry")[DEVICE, STORE][1].value == "2"
    assert "99" not in {value.value for value in read(store).live(DEVICE).values()}


def test_what_lies_ahead_of_a_hole_is_echoed_as_a_range_and_reported_missing(store):
    commit(store, batch(1, 3), batch(8, 9), batch(20, 25))
    [echo] = commit(store, batch(10, 10))
    assert (echo.upto, echo.ahead) == (3, ((8, 10), (20, 25)))
    assert only_stream(store).missing == [(4, 7), (11, 19)]


def test_an_echo_has_at_most_sixteen_ranges(store):
    [echo] = commit(store, *[batch(10 * n, 10 * n + n % 3) for n in range(1, 25)])
    assert echo.upto == 0 and len(echo.ahead) == 16


def test_a_reported_gap_closes_the_hole_for_the_echo_but_is_not_stored(store):
    [echo] = commit(store, batch(1, 3), batch(8, 9, gaps=(Gap(4, 7, "evicted", 4),)))
    stream = only_stream(store)
    assert (echo.upto, stream.stored, stream.missing) == (9, 5, [])
    assert stream.gaps == [(4, 7, "evicted", 4, None, None)]


def test_a_new_sink_does_not_wait_for_what_the_device_no_longer_holds(store):
    echoes = {echo.log: echo for echo in commit(store, birth((2, 1), first=41))}
    assert (echoes["telemetry"].upto, echoes["records"].upto) == (40, 0)
    [echo] = commit(store, batch(41, 50))
    assert echo.upto == 50
    assert only_stream(store).missing == [(1, 40)], "the report does not pretend"


def test_live_never_goes_back_and_history_never_overwrites_it(store):
    commit(store, batch(100, 104))
    commit(store, batch(1, 9, historical=True))
    live = read(store).live(DEVICE)
    assert {value.seq for value in live.values()} == set(range(100, 105))
    commit(store, batch(105, 105))
    assert read(store).live(DEVICE)[501].value == "105"
    commit(store, batch(100, 104))
    assert read(store).live(DEVICE)[501].value == "105"


def test_history_fills_a_live_value_that_nothing_newer_holds(store):
    commit(store, batch(1, 1, historical=True))
    assert read(store).live(DEVICE)[502].seq == 1


def test_a_new_store_takes_live_over_by_date_and_undated_by_the_live_cursor(store):
    commit(store, batch(50, 50))
    commit(store, batch(5, 5, store="1" * 16, utc_zero_ms=0))
    assert read(store).live(DEVICE)[501].seq == 50
    commit(store, batch(5, 5, store="2" * 16, utc_zero_ms=9_000_000))
    assert read(store).live(DEVICE)[501].seq == 5
    commit(store, batch(10, 10, store="3" * 16, utc_zero_ms=None, historical=True))
    assert read(store).live(DEVICE)[501].seq == 5
    commit(store, batch(15, 15, store="3" * 16, utc_zero_ms=None))
    assert read(store).live(DEVICE)[501].seq == 15


def test_what_arrived_undated_is_dated_by_a_later_batch_of_the_same_boot(store):
    commit(store, batch(1, 2, utc_zero_ms=None, quality="unknown"))
    assert read(store).rows("telemetry")[DEVICE, STORE][0].utc_ms is None
    commit(store, batch(3, 3, utc_zero_ms=5_000, quality="estimated"))
    commit(store, batch(4, 4, utc_zero_ms=7_000, quality="synced"))
    commit(store, batch(5, 5, utc_zero_ms=9_000, quality="rtc"))
    assert [row.utc_ms for row in read(store).rows("telemetry")[DEVICE, STORE]] == [
        7_000 + 1_000 * seq for seq in range(1, 6)
    ]


def test_a_tie_that_moves_dates_what_comes_after_it_and_nothing_before(store):
    commit(store, batch(5, 6, utc_zero_ms=9_000, quality="synced"))
    commit(store, batch(3, 4, utc_zero_ms=7_000, quality="synced"))
    commit(store, batch(1, 2, utc_zero_ms=90_000, quality="rtc"))
    commit(store, batch(7, 7, utc_zero_ms=None, quality="unknown"))
    assert [row.utc_ms for row in read(store).rows("telemetry")[DEVICE, STORE]] == [
        zero_ms + 1_000 * seq
        for seq, zero_ms in enumerate((7_000,) * 4 + (9_000,) * 3, 1)
    ]


def test_a_will_takes_a_device_offline_and_a_late_one_is_ignored(store):
    commit(store, birth((2, 1)))
    assert read(store).devices()[DEVICE].online
    commit(store, Will(DEVICE, (1, 9)))
    assert read(store).devices()[DEVICE].online
    assert read(store).counters()["late_wills"] == 1
    commit(store, Will(DEVICE, (2, 1)))
    assert not read(store).devices()[DEVICE].online
    commit(store, birth((2, 2)))
    assert read(store).devices()[DEVICE].online
    assert read(store).devices()[DEVICE].session == (2, 2)


def test_a_birth_with_a_new_store_counts_although_its_boots_began_anew(store):
    commit(store, birth((7, 3)), Will(DEVICE, (7, 3)), birth((1, 1), store="1" * 16))
    device = read(store).devices()[DEVICE]
    assert (device.online, device.session, device.store) == (True, (1, 1), "1" * 16)


def test_malformed_messages_are_counted(store):
    assert commit(store, None, None) == []
    assert read(store).counters()["malformed"] == 2


def test_a_snapshot_is_live_and_no_history(store):
    assert commit(store, batch(7, 9, is_snapshot=True)) == []
    archive = Archive(store.path)
    assert {each.seq for each in archive.live(DEVICE).values()} == {7, 8, 9}
    assert archive.rows("telemetry") == {} and archive.report() == []
    commit(store, batch(1, 6, historical=True))
    assert sorted(each.seq for each in archive.live(DEVICE).values()) == [5, 6, 7, 8, 9]
    archive.close()


def test_a_value_in_parts_is_echoed_when_all_of_it_is_stored(store):
    value = bytes(range(100))

    def part(first, last):
        return batch(5, 4, parts=(Part(5, 1, 5_000, 554, first, 100, value[first:last]),))

    for first, last in ((0, 60), (50, 80), (0, 60)):
        [echo] = commit(store, part(first, last))
        assert (echo.upto, echo.ahead) == (0, ())
    [echo] = commit(store, part(80, 100))
    assert echo.ahead == ((5, 5),)
    [echo] = commit(store, part(0, 60), part(60, 100))
    assert store.repeat_count() == 1 and store.conflict_count() == 0


def test_everything_is_derived_again_from_the_file(store, tmp_path):
    gaps = (Gap(10, 10, "lost", 1),)
    commit(store, birth((1, 1), first=3), batch(5, 9), batch(12, 14, gaps=gaps))
    store.close()
    again = Store(store.path)
    echoes = {echo.log: echo for echo in again.commit([Received(1, batch(30, 30))])}
    assert (echoes["telemetry"].upto, echoes["telemetry"].ahead) == (
        2,
        ((5, 10), (12, 14), (30, 30)),
    )
    assert again.identity == store.identity
    assert again.stored_counts()[STREAM] == 9
    again.close()


def test_a_commit_that_fails_leaves_nothing_and_confirms_nothing(store, monkeypatch):
    commit(store, batch(1, 3))
    with monkeypatch.context() as patch:
        patch.setattr("tidegate_tools.standing.take_live", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            commit(store, batch(4, 6))
    assert only_stream(store).stored == 3
    [echo] = commit(store, batch(6, 6))
    assert (echo.upto, echo.ahead) == (3, ((6, 6),))


def test_a_file_that_is_no_database_of_a_sink_is_refused_by_name(tmp_path):
    alien = tmp_path / "alien.db"
    alien.write_text("hello " * 1_000)
    for wrong in (alien, tmp_path / "no" / "folder.db"):
        with pytest.raises(StoreError, match=wrong.name):
            Store(wrong)
    with pytest.raises(StoreError, match="there is no database"):
        Archive(tmp_path / "absent.db")
    assert not (tmp_path / "absent.db").exists()


BIRTHS = [birth((1, 1)), birth((1, 2), first=4), birth((2, 1), first=9)]
WILLS = [Will(DEVICE, (1, 1)), Will(DEVICE, (1, 2)), Will(DEVICE, (2, 1))]


def dump(store):
    """All tables without what may differ: times of arrival and what counts deliveries.

    Of devices the state counts: a will that is ignored leaves no trace.
    """
    omitted = {"received_ms", "born_ms", "changed_ms", "repeats", "lag_age_s", "lag_count",
               "heard_ms", "delay_ms"}
    tables = {}
    with store.engine.connect() as connection:
        for table in schema.metadata.sorted_tables:
            if table.name in ("meta", "counters", "devices"):
                continue
            columns = [column for column in table.columns if column.name not in omitted]
            tables[table.name] = sorted(map(tuple, connection.execute(select(*columns))))
    tables["devices"] = {name: replace(state, changed_ms=0)
                         for name, state in Archive(store.path).devices().items()}
    return tables


@st.composite
def histories(draw):
    """What one device once sent: batches of seqs 1..n in two boots, births and wills."""
    cuts = sorted(draw(st.sets(st.integers(1, 60), min_size=2, max_size=12)))
    messages = []
    for start, end in zip([0, *cuts], cuts, strict=False):
        boot = 1 if end <= 30 else 2
        gaps = (Gap(start + 1, start + 1, "lost", 1),) if end - start > 3 else ()
        messages.append(
            batch(
                start + 1 + len(gaps),
                end,
                boot,
                gaps=gaps,
                historical=boot == 1,
                utc_zero_ms=boot * 10**9,
            )
        )
    return messages + draw(st.lists(st.sampled_from(BIRTHS + WILLS), unique_by=id))


@settings(max_examples=40)
@given(histories(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_any_order_and_any_repeats_give_the_same_tables_and_a_right_echo(messages, chance, group):
    arrivals = messages + chance.choices(messages, k=len(messages))
    random.Random(chance.random()).shuffle(arrivals)
    with tempfile.TemporaryDirectory() as folder:
        straight, shuffled = Store(Path(folder) / "a.db"), Store(Path(folder) / "b.db")
        commit(straight, *messages)
        seen = set()
        for start in range(0, len(arrivals), group):
            part = arrivals[start : start + group]
            echoes = commit(shuffled, *part)
            seen |= known(part)
            for echo in echoes:
                if echo.log == "telemetry":
                    assert covered(echo) == seen
        assert dump(shuffled) == dump(straight)
        straight.close()
        shuffled.close()


def known(messages):
    seqs = set()
    for message in messages:
        if isinstance(message, Batch):
            seqs |= {observation.seq for observation in message.observations}
            for first, last, *_ in message.gaps:
                seqs |= set(range(first, last + 1))
        elif isinstance(message, Birth):
            seqs |= set(range(1, message.first["telemetry"]))
    return seqs


def covered(echo):
    return {seq for first, last in ((1, echo.upto), *echo.ahead) for seq in range(first, last + 1)}
