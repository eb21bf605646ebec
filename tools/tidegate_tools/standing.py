"""What stands now, as against history: live values, states, anchors, counters.

Every rule here gives the same result in whatever order messages of one store arrive, and however
often: the newer of two facts is told by what the device numbered, never by the time of arrival.
"""

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert as upsert

from tidegate_tools import schema
from tidegate_tools.decode import QUALITIES
from tidegate_tools.errors import StoreError


def claim(connection, identity, path):
    """Marks a new database as a sink's, or checks the mark. Result: the sink's identity.

    Errors: StoreError where the file is another program's or another format's.
    """
    known = dict(connection.execute(select(schema.meta.c.name, schema.meta.c.value)).all())
    if not known:
        known = {"format": schema.FORMAT, "identity": identity}
        connection.execute(schema.meta.insert(), [
            {"name": name, "value": value} for name, value in known.items()])
    if known.get("format") != schema.FORMAT:
        raise StoreError("%s is not a database of this sink (its format is %s): name another file"
                         % (path, known.get("format", "unknown")))
    return known["identity"]


def count(connection, name):
    """Adds 1 to a counter of the whole sink."""
    row = upsert(schema.counters).values(name=name, count=1)
    connection.execute(row.on_conflict_do_update(
        index_elements=["name"], set_={"count": schema.counters.c.count + 1}))


def take_anchor(connection, batch):
    """Keeps the tie of a boot to UTC by which a batch was dated."""
    content = batch.observations or batch.parts
    if batch.utc_zero_ms is None or not content:
        return
    table, from_ms = schema.anchors, content[0].mono_ms
    row = upsert(table).values(
        device=batch.device, store=batch.store, boot=batch.boot,
        quality=QUALITIES.index(batch.quality), utc_zero_ms=batch.utc_zero_ms, from_ms=from_ms)
    connection.execute(row.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={"from_ms": from_ms},
        where=table.c.from_ms > from_ms))


def is_newer(candidate, standing, historical):
    """Whether a candidate may take the place of a live value.

    Arguments: candidate and standing, mappings with store, seq, utc_ms; historical, whether the
    backlog cursor sent the candidate. Within one store seq decides. Between stores UTC decides
    where both are dated; where not, what the live cursor sends is the newer one.
    """
    if candidate["store"] == standing["store"]:
        return candidate["seq"] > standing["seq"]
    if candidate["utc_ms"] is not None and standing["utc_ms"] is not None:
        return candidate["utc_ms"] > standing["utc_ms"]
    return not historical


def take_live(connection, batch, observations):
    """Brings the live values of a device up to date with a batch's observations."""
    table = schema.live
    newest = {observation.id: observation for observation in observations}
    standing = {row["id"]: row for row in connection.execute(
        select(table).where(table.c.device == batch.device,
                            table.c.id.in_(list(newest)))).mappings()}
    for observation in newest.values():
        utc_ms = None if batch.utc_zero_ms is None else batch.utc_zero_ms + observation.mono_ms
        row = dict(observation._asdict(), device=batch.device, store=batch.store, log=batch.log,
                   utc_ms=utc_ms)
        old = standing.get(observation.id)
        if old is None or is_newer(row, old, batch.historical):
            connection.execute(upsert(table).values(**row).on_conflict_do_update(
                index_elements=["device", "id"], set_=row))


def take_birth(connection, birth, at_ms):
    """Notes a session, and makes it the device's last one unless a newer one is known.

    A birth with another store takes over whatever its session: with the store the device's
    count of boots began anew, so sessions and wills of the old store say nothing about it.
    """
    boot, session = birth.session
    connection.execute(upsert(schema.sessions).values(
        device=birth.device, store=birth.store, boot=boot, session=session, born_ms=at_ms,
    ).on_conflict_do_nothing())
    known = _device(connection, birth.device)
    will = (known["will_boot"], known["will_session"])
    if known["store"] == birth.store and birth.session <= (known["boot"], known["session"]):
        return
    if known["store"] not in ("", birth.store):
        will = (0, 0)
    _set_device(connection, {
        "device": birth.device, "boot": boot, "session": session, "will_boot": will[0],
        "will_session": will[1], "store": birth.store, "version": birth.version,
        "interpreter": birth.interpreter, "board": birth.board, "changed_ms": at_ms})


def take_will(connection, will, at_ms):
    """Notes a will; the late will of a session below the last birth is counted and ignored."""
    known = _device(connection, will.device)
    if will.session < (known["boot"], known["session"]):
        count(connection, "late_wills")
    elif will.session > (known["will_boot"], known["will_session"]):
        boot, session = will.session
        _set_device(connection, dict(known, will_boot=boot, will_session=session,
                                     changed_ms=at_ms))


def _device(connection, device):
    table = schema.devices
    row = connection.execute(select(table).where(table.c.device == device)).mappings().first()
    if row is not None:
        return dict(row)
    return {"device": device, "boot": 0, "session": 0, "will_boot": 0, "will_session": 0,
            "store": "", "version": "", "interpreter": "", "board": ""}


def _set_device(connection, row):
    connection.execute(upsert(schema.devices).values(**row).on_conflict_do_update(
        index_elements=["device"], set_=row))
