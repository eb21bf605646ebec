"""The tables of a sink's database.

A stream is one (device, store, log). Whatever the sink knows is in these tables: a sink that
starts reads them and needs nothing else.
"""

import sqlalchemy as sql
from sqlalchemy import BigInteger, Column, Integer, Table, Text

FORMAT = "tidegate sink 3"

metadata = sql.MetaData()

meta = Table(
    "meta", metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

counters = Table(
    "counters", metadata,
    Column("name", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

streams = Table(
    "streams", metadata,
    Column("id", Integer, primary_key=True),
    Column("device", Text, nullable=False),
    Column("store", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("first_held", BigInteger, nullable=False),
    Column("repeats", BigInteger, nullable=False),
    Column("conflicts", BigInteger, nullable=False),
    Column("lag_age_s", BigInteger),
    Column("lag_count", BigInteger, nullable=False),
    Column("lag_age_s_max", BigInteger, nullable=False),
    Column("lag_count_max", BigInteger, nullable=False),
    # When the last batch came, how many were stored, and how late the last dated live batch was.
    Column("heard_ms", BigInteger, nullable=False),
    Column("stored_count", BigInteger, nullable=False),
    Column("delay_ms", BigInteger),
    Column("lag_bytes", BigInteger, nullable=False),
    Column("lag_rate", BigInteger, nullable=False),
    Column("drain_s", BigInteger),
    sql.UniqueConstraint("device", "store", "log"),
)

# History: each key once. `historical` and `received_ms` are those of the first arrival.
observations = Table(
    "observations", metadata,
    Column("stream", sql.ForeignKey("streams.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("boot", BigInteger, nullable=False),
    Column("mono_ms", BigInteger, nullable=False),
    Column("id", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("historical", sql.Boolean, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What is missing for good, and between which moments it was taken, where the device knows.
gaps = Table(
    "gaps", metadata,
    Column("stream", sql.ForeignKey("streams.id"), primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("last", BigInteger, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("begin_boot", BigInteger),
    Column("begin_mono_ms", BigInteger),
    Column("begin_utc_ms", BigInteger),
    Column("end_boot", BigInteger),
    Column("end_mono_ms", BigInteger),
    Column("end_utc_ms", BigInteger),
    sqlite_with_rowid=False,
)

# UTC of an observation is utc_zero_ms of its boot + mono_ms. The best quality seen wins, so that
# what arrived undated is dated as soon as any batch of the same boot tells the time; of several
# ties as good, the one that was in force, or the first. `from_ms` is the lowest mono_ms of a batch
# that was dated by a tie.
anchors = Table(
    "anchors", metadata,
    Column("device", Text, primary_key=True),
    Column("store", Text, primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("quality", Integer, primary_key=True),
    Column("utc_zero_ms", BigInteger, primary_key=True),
    Column("from_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Live state: the newest value of each observation id, apart from history.
live = Table(
    "live", metadata,
    Column("device", Text, primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("store", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("boot", BigInteger, nullable=False),
    Column("mono_ms", BigInteger, nullable=False),
    Column("utc_ms", BigInteger),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# The last birth and the last will of a device, each by its session (boot, number). A device is
# online while its last birth is above its last will.
devices = Table(
    "devices", metadata,
    Column("device", Text, primary_key=True),
    Column("boot", BigInteger, nullable=False),
    Column("session", BigInteger, nullable=False),
    Column("will_boot", BigInteger, nullable=False),
    Column("will_session", BigInteger, nullable=False),
    Column("store", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("interpreter", Text, nullable=False),
    Column("board", Text, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions", metadata,
    Column("device", Text, primary_key=True),
    Column("store", Text, primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("session", BigInteger, primary_key=True),
    Column("born_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
