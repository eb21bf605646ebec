"""The sink's storage: what arrived goes in, what is committed comes out as echoes.

SQLite in WAL mode with `synchronous = FULL`: an echo lets a device free its flash, so a commit
must outlive a power cut of the sink's machine too; with NORMAL the last commits may not.

One writer per database. Coverage is held in memory, but only ever as read from the database at
the start and as committed since.
"""

import json
import secrets
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import URL, create_engine, event, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from tidegate_tools import schema, standing
from tidegate_tools.coverage import Coverage
from tidegate_tools.decode import Batch, Birth, Will
from tidegate_tools.errors import StoreError
from tidegate_tools.parts import Assembly

LAG = ("lag_age_s", "lag_count", "lag_age_s_max", "lag_count_max", "heard_ms", "delay_ms",
       "lag_bytes", "lag_rate", "drain_s")


class Received(NamedTuple):
    """What arrived at host time `at_ms`: a Batch, Birth or Will, or None where malformed."""

    at_ms: int
    content: Any


@dataclass(frozen=True)
class Echo:
    """What is committed of one stream: every seq of 1..upto and of the ranges ahead."""

    device: str
    store: str
    log: str
    upto: int
    ahead: tuple

    @property
    def topic(self):
        return "tidegate/1/%s/confirm" % self.device

    def payload(self, is_again=False, utc_ms=None):
        """The message. `is_again` asks the device to send what is not covered once more; utc_ms,
        the time at which this is sent, for a device that has no other."""
        members = {"store": self.store, "log": self.log, "upto": self.upto,
                   "ahead": [list(item) for item in self.ahead]}
        if is_again:
            members["again"] = True
        if utc_ms is not None:
            members["utc_ms"] = utc_ms
        return json.dumps(members).encode()


@dataclass
class Stream:
    """One (device, store, log): its row and its coverage."""

    id: int
    coverage: Coverage
    stored_count: int = 0
    first_held: int = 1
    repeats: int = 0
    conflicts: int = 0
    lag_age_s: int | None = None
    lag_count: int = 0
    lag_age_s_max: int = 0
    lag_count_max: int = 0
    heard_ms: int = 0
    delay_ms: int | None = None
    lag_bytes: int = 0
    lag_rate: int = 0
    drain_s: int | None = None

    def counts(self):
        return {name: getattr(self, name)
                for name in ("first_held", "repeats", "conflicts", "stored_count", *LAG)}

    def copy(self):
        return Stream(self.id, self.coverage.copy(), **self.counts())

    def cover_unheld(self, first):
        """Seqs below `first` are no longer on the device: they will not come, or have come."""
        if first > self.first_held:
            self.first_held = first
            self.coverage.add(1, first - 1)


class Store:
    """A sink's database, opened for writing.

    Arguments: path of the file, created where it does not exist; its folder must exist.
    Errors: StoreError, from every method, names the file and the cause.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.engine = open_engine(self.path)
        with self._guard(), self.engine.begin() as connection:
            schema.metadata.create_all(connection)
            self.identity = standing.claim(connection, secrets.token_hex(4), self.path)
            self._streams = load_streams(connection)
        self._assembly = Assembly()

    def close(self):
        self.engine.dispose()

    def commit(self, items):
        """Writes what arrived, all or nothing.

        Arguments: items, Received in order of arrival. Result: the echoes that are now due: one
        for each stream that an item touched. A birth touches both logs of its store, so that a
        device learns what is here before it drains its backlog.
        """
        touched = {}
        with self._guard(), self.engine.begin() as connection:
            for item in items:
                if isinstance(item.content, Batch):
                    self._take_batch(connection, touched, item.content, item.at_ms)
                elif isinstance(item.content, Birth):
                    self._take_birth(connection, touched, item.content, item.at_ms)
                elif isinstance(item.content, Will):
                    standing.take_will(connection, item.content, item.at_ms)
                else:
                    standing.count(connection, "malformed")
            for stream in touched.values():
                connection.execute(update(schema.streams).values(**stream.counts())
                                   .where(schema.streams.c.id == stream.id))
        self._streams.update(touched)
        return [self._echo(key) for key in touched]

    def stored_counts(self):
        """Observations stored, by (device, store, log)."""
        return {key: stream.stored_count for key, stream in list(self._streams.items())}

    def repeat_count(self):
        """Deliveries of what was stored before, over all streams."""
        return sum(stream.repeats for stream in list(self._streams.values()))

    def conflict_count(self):
        """Deliveries of another content under a key that was stored before."""
        return sum(stream.conflicts for stream in list(self._streams.values()))

    def _echo(self, key):
        coverage = self._streams[key].coverage
        return Echo(*key, coverage.upto, tuple(coverage.ahead()))

    def _touch(self, connection, touched, key):
        if key in touched:
            return touched[key]
        stream = self._streams.get(key)
        if stream is None:
            device, store, log = key
            stream = Stream(0, Coverage())
            row = insert(schema.streams).values(
                device=device, store=store, log=log, **stream.counts())
            stream.id = connection.execute(row).inserted_primary_key[0]
        touched[key] = stream.copy()
        return touched[key]

    def _take_batch(self, connection, touched, batch, at_ms):
        key = (batch.device, batch.store, batch.log)
        if batch.is_snapshot:
            # The live picture, ahead of the history it is of.
            standing.take_anchor(connection, batch)
            standing.take_live(connection, batch, batch.observations)
            return
        whole = [self._assembly.take(key, part) for part in batch.parts]
        observations = [*batch.observations, *(each for each in whole if each is not None)]
        stream = self._touch(connection, touched, key)
        table = schema.observations
        known = {}
        if observations:
            span = (observations[0].seq, observations[-1].seq)
            known = {row.seq: tuple(row) for row in connection.execute(
                select(table.c.seq, table.c.boot, table.c.mono_ms, table.c.id, table.c.value)
                .where(table.c.stream == stream.id, table.c.seq.between(*span)))}
        agreed = []
        fresh = []
        for observation in observations:
            stored = known.get(observation.seq)
            if stored is None:
                fresh.append(dict(observation._asdict(), stream=stream.id,
                                  historical=batch.historical, received_ms=at_ms))
                stream.coverage.add(observation.seq, observation.seq)
            elif stored == observation:
                stream.repeats += 1
            else:
                stream.conflicts += 1
                continue
            agreed.append(observation)
        if fresh:
            connection.execute(insert(table), fresh)
            stream.stored_count += len(fresh)
        self._take_gaps(connection, stream, batch.gaps)
        self._take_lag(stream, batch, at_ms)
        standing.take_anchor(connection, batch)
        standing.take_live(connection, batch, agreed)

    @staticmethod
    def _take_gaps(connection, stream, gaps):
        for gap in gaps:
            values = {"first": gap.first, "last": gap.last, "reason": gap.reason,
                      "count": gap.count}
            for side, moment in (("begin", gap.begin), ("end", gap.end)):
                values.update(zip((side + "_boot", side + "_mono_ms", side + "_utc_ms"),
                                  moment or (None, None, None)))
            connection.execute(upsert(schema.gaps).values(
                stream=stream.id, **values).on_conflict_do_nothing())
            stream.coverage.add(gap.first, gap.last)

    @staticmethod
    def _take_lag(stream, batch, at_ms):
        stream.heard_ms = at_ms
        if batch.observations and batch.utc_zero_ms is not None and not batch.historical:
            stream.delay_ms = max(0, at_ms - batch.utc_zero_ms - batch.observations[-1].mono_ms)
        for name in ("lag_age_s", "lag_bytes", "lag_rate", "drain_s"):
            setattr(stream, name, getattr(batch, name))
        stream.lag_count = batch.lag_count
        stream.lag_age_s_max = max(stream.lag_age_s_max, batch.lag_age_s or 0)
        stream.lag_count_max = max(stream.lag_count_max, batch.lag_count)

    def _take_birth(self, connection, touched, birth, at_ms):
        standing.take_birth(connection, birth, at_ms)
        for log, first in birth.first.items():
            stream = self._touch(connection, touched, (birth.device, birth.store, log))
            stream.cover_unheld(first)

    @contextmanager
    def _guard(self):
        with guarded(self.path):
            yield


@contextmanager
def guarded(path):
    """Turns what the database layer raises into a StoreError with the file's name."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StoreError("the database %s cannot be used: %s" % (path, cause)) from error


def open_engine(path):
    """An engine on a database file, every connection in WAL mode with `synchronous = FULL`."""
    engine = create_engine(URL.create("sqlite", database=str(path)))

    @event.listens_for(engine, "connect")
    def prepare(connection, _record):
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    return engine


def load_streams(connection):
    """Every stream of a database, by (device, store, log), with its coverage worked out."""
    table = schema.observations
    island = (table.c.seq - func.row_number().over(
        partition_by=table.c.stream, order_by=table.c.seq)).label("island")
    rows = select(table.c.stream, table.c.seq, island).subquery()
    runs = select(rows.c.stream, func.min(rows.c.seq), func.max(rows.c.seq)).group_by(
        rows.c.stream, rows.c.island)
    streams = {}
    by_id = {}
    for row in connection.execute(select(schema.streams)).mappings():
        values = dict(row)
        key = values.pop("device"), values.pop("store"), values.pop("log")
        stream = Stream(values.pop("id"), Coverage(), **values)
        if stream.first_held > 1:
            stream.coverage.add(1, stream.first_held - 1)
        streams[key] = by_id[stream.id] = stream
    for stream_id, first, last in connection.execute(runs):
        by_id[stream_id].coverage.add(first, last)
    for gap in connection.execute(select(schema.gaps)):
        by_id[gap.stream].coverage.add(gap.first, gap.last)
    return streams
