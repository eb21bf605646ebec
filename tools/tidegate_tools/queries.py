"""What can be asked of a sink's database, by the report, the demo and its ledger."""

import bisect
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select

from tidegate_tools import schema
from tidegate_tools.coverage import Coverage
from tidegate_tools.errors import StoreError
from tidegate_tools.store import guarded, open_engine

# What is on its way of a device that has nothing left to catch up with.
LIVE_COUNT_MAX = 32


def zero_at(ties, mono_ms):
    """UTC of a boot's moment 0 as of the tie that was in force at mono_ms, else of the first one.

    Argument: ties, (from_ms, utc_zero_ms) in order. Result: None where there is none.
    """
    place = bisect.bisect_right(ties, mono_ms, key=lambda tie: tie[0])
    return ties[max(0, place - 1)][1] if ties else None


class StoredRow(NamedTuple):
    """One stored observation; `value` is its canonical JSON text, `utc_ms` may be None."""

    seq: int
    boot: int
    mono_ms: int
    id: int
    value: str
    historical: bool
    received_ms: int
    utc_ms: int | None


class LiveValue(NamedTuple):
    """The newest value of one observation id of a device."""

    id: int
    value: str
    boot: int
    mono_ms: int
    seq: int
    utc_ms: int | None


class GapRow(NamedTuple):
    """Seqs that will never come: `count` observations, taken between two moments in UTC ms, None
    where nobody knows them.
    """

    first: int
    last: int
    reason: str
    count: int
    begin_utc_ms: int | None
    end_utc_ms: int | None


@dataclass(frozen=True)
class StreamReport:
    """What is here of one (device, store, log).

    `missing` are ranges of seqs up to `last` that are neither stored nor reported as a gap;
    `gaps` are GapRow, as the device reported them.
    """

    device: str
    store: str
    log: str
    stored: int
    first: int | None
    last: int | None
    missing: list
    gaps: list
    repeats: int
    conflicts: int
    lag_age_s: int | None
    lag_count: int
    lag_age_s_max: int
    lag_count_max: int
    lag_bytes: int
    lag_rate: int
    drain_s: int | None
    sessions: int


@dataclass(frozen=True)
class DeviceState:
    """The last word on a device: online while its last birth is above its last will."""

    device: str
    online: bool
    session: tuple
    store: str
    version: str
    interpreter: str
    board: str
    changed_ms: int


class Archive:
    """A sink's database, opened for reading; a sink may go on writing it.

    Arguments: path of an existing file. Errors: StoreError, from every method.
    """

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.is_file():
            raise StoreError("there is no database %s: `tidegate sink run --db FILE` makes one"
                             % path)
        self._engine = open_engine(self.path)
        found = dict(self._select(select(schema.meta.c.name, schema.meta.c.value)))
        if found.get("format") != schema.FORMAT:
            raise StoreError("%s is not the database of a sink" % path)

    def close(self):
        self._engine.dispose()

    def _select(self, statement):
        with guarded(self.path), self._engine.connect() as connection:
            return connection.execute(statement).all()

    def rows(self, log, store=None, device=None):
        """Stored observations of a log by (device, store); each list is in order of seq."""
        table = schema.observations
        streams = schema.streams
        statement = select(
            streams.c.device, streams.c.store, table.c.seq, table.c.boot, table.c.mono_ms,
            table.c.id, table.c.value, table.c.historical, table.c.received_ms,
        ).join(streams, streams.c.id == table.c.stream).where(
            streams.c.log == log).order_by(table.c.stream, table.c.seq)
        if store is not None:
            statement = statement.where(streams.c.store == store)
        if device is not None:
            statement = statement.where(streams.c.device == device)
        result, ties = {}, self._ties()
        for device, store_id, *values in self._select(statement):
            zero_ms = zero_at(ties.get((device, store_id, values[1]), ()), values[2])
            utc_ms = None if zero_ms is None else zero_ms + values[2]
            result.setdefault((device, store_id), []).append(StoredRow(*values, utc_ms))
        return result

    def _ties(self):
        """{(device, store, boot): [(from_ms, utc_zero_ms)]} of the best quality, in order."""
        table, best, ties = schema.anchors.c, {}, {}
        for *boot, quality, from_ms, zero_ms in self._select(select(
                table.device, table.store, table.boot, table.quality, table.from_ms,
                table.utc_zero_ms).order_by(table.quality.desc(), table.from_ms)):
            if best.setdefault(tuple(boot), quality) == quality:
                ties.setdefault(tuple(boot), []).append((from_ms, zero_ms))
        return ties

    def live(self, device):
        """The live values of a device, by observation id."""
        table = schema.live
        columns = [table.c[name] for name in LiveValue._fields]
        statement = select(*columns).where(table.c.device == device)
        return {row[0]: LiveValue(*row) for row in self._select(statement)}

    def devices(self):
        """The state of every device seen, by device id."""
        found = {}
        for row in self._select(select(schema.devices)):
            session = (row.boot, row.session)
            found[row.device] = DeviceState(
                row.device, session > (row.will_boot, row.will_session), session, row.store,
                row.version, row.interpreter, row.board, row.changed_ms)
        return found

    def counters(self):
        """Counters of the whole sink: `malformed` messages, `late_wills`."""
        found = {"malformed": 0, "late_wills": 0}
        found.update(
            tuple(row) for row in self._select(
                select(schema.counters.c.name, schema.counters.c.count)))
        return found

    def standing(self):
        """What alerts are made of, without reading any observation.

        Result: rows (device, store, log, stored, repeats, lag_age_s, lag_count, heard_ms,
        delay_ms) of the streams; (device, log, GapRow) of the gaps.
        """
        table = schema.streams.c
        streams = self._select(select(
            table.device, table.store, table.log, table.stored_count, table.repeats,
            table.lag_age_s, table.lag_count, table.heard_ms, table.delay_ms))
        gaps = self._select(select(
            table.device, table.log, *(schema.gaps.c[name] for name in GapRow._fields)
        ).join(schema.gaps, schema.gaps.c.stream == table.id))
        return streams, [(device, log, GapRow(*values)) for device, log, *values in gaps]

    def pulse(self):
        """How a fleet stands, without reading any observation.

        Result: (sum of the lags that were last heard, observations stored, devices online, devices
        heard since their birth whose telemetry is at most LIVE_COUNT_MAX behind).
        """
        table = schema.streams.c
        streams = self._select(select(
            table.device, table.log, table.lag_count, table.stored_count, table.heard_ms))
        online = {name: state for name, state in self.devices().items() if state.online}
        close = [row for row in streams if row.log == "telemetry" and row.device in online
                 and row.heard_ms >= online[row.device].changed_ms
                 and row.lag_count <= LIVE_COUNT_MAX]
        return (sum(row.lag_count for row in streams), sum(row.stored_count for row in streams),
                len(online), len(close))

    def births(self):
        """When each session began: (device, ms of the sink's clock), in order."""
        table = schema.sessions.c
        return [tuple(row) for row in self._select(
            select(table.device, table.born_ms).order_by(table.born_ms))]

    def anchors(self):
        """UTC in ms of each boot's beginning, by (device, boot), where it is known."""
        return {(device, boot): ties[-1][1] for (device, _, boot), ties in self._ties().items()}

    def report(self, device=None):
        """A StreamReport of every stream, or of one device's, sorted by device, store and log."""
        sessions = schema.sessions.c
        session_counts = {
            (device, store): number for device, store, number in self._select(
                select(sessions.device, sessions.store, func.count())
                .group_by(sessions.device, sessions.store))}
        gaps = {}
        columns = [schema.gaps.c[name] for name in ("stream", *GapRow._fields)]
        for stream, *values in self._select(select(*columns)):
            gaps.setdefault(stream, []).append(GapRow(*values))
        statement = select(schema.streams).order_by(
            schema.streams.c.device, schema.streams.c.store, schema.streams.c.log)
        if device is not None:
            statement = statement.where(schema.streams.c.device == device)
        streams = self._select(statement)
        return [self._stream_report(row, sorted(gaps.get(row.id, []), key=lambda gap: gap[:3]),
                                    session_counts.get((row.device, row.store), 0))
                for row in streams]

    def _stream_report(self, row, gaps, session_count):
        table = schema.observations.c
        seqs = [seq for (seq,) in self._select(
            select(table.seq).where(table.stream == row.id).order_by(table.seq))]
        known = Coverage(_runs(seqs))
        for gap in gaps:
            known.add(gap.first, gap.last)
        return StreamReport(
            row.device, row.store, row.log, len(seqs), seqs[0] if seqs else None,
            seqs[-1] if seqs else None, known.holes(max(known.last, row.first_held - 1)), gaps,
            row.repeats, row.conflicts, row.lag_age_s, row.lag_count, row.lag_age_s_max,
            row.lag_count_max, row.lag_bytes, row.lag_rate, row.drain_s, session_count)


def _runs(seqs):
    """Ranges of consecutive seqs out of an ascending list."""
    runs = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1] = (runs[-1][0], seq)
        else:
            runs.append((seq, seq))
    return runs
