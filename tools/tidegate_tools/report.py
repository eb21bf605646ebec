"""Reports as tables, plain lines or JSON: the sink's, and the demo's ledger."""

from dataclasses import asdict
from datetime import datetime, timezone

from rich.console import Console
from rich.table import Table

from tidegate_tools.ledger import NAMED_COUNT_MAX, named

PLAIN_WIDTH = 200
STREAM_COLUMNS = ("device", "store", "log", "stored", "first", "last", "missing", "gaps",
                  "repeats", "conflicts", "lag", "largest lag", "sessions")
# Row of the ledger: how its value is found.
OVERALL = (("sampled", "sampled"), ("refused", "refused"), ("suppressed: unchanged", "unchanged"),
           ("suppressed: within bound", "within_bound"),
           ("suppressed: settling, fused, repeated", "held_up"),
           ("undecided at a kill", "undecided"))
BY_LOG = (("accepted", "expected"), ("numbered by the device", "recorded"),
          ("confirmed to the device", "confirmed"), ("stored by the sink", "stored"),
          ("repeats", "repeats"), ("conflicts", "conflicts"), ("missing", "missing"),
          ("changed", "changed"), ("unexpected", "unexpected"), ("misplaced", "misplaced"))


def print_rows(console, title, columns, rows):
    """A table on a terminal; elsewhere lines of text in columns that keep their width."""
    if console.is_terminal:
        table = Table(*columns, title=title)
    else:
        table = Table(*columns, box=None, pad_edge=False)
        console = Console(file=console.file, width=PLAIN_WIDTH)
        console.print(title, markup=False, highlight=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table, markup=False, highlight=False)


def ranges_text(ranges):
    """`13-19, 84` for (13, 19), (84, 84); long lists end in the number of ranges left out."""
    parts = ["%d" % each[0] if each[0] == each[1] else "%d-%d" % each[:2]
             for each in ranges[:NAMED_COUNT_MAX]]
    if len(ranges) > NAMED_COUNT_MAX:
        parts.append("and %d more" % (len(ranges) - NAMED_COUNT_MAX))
    return ", ".join(parts) or "-"


def gap_text(gap):
    """`13-19 evicted, 7 observations of 2026-01-15 20:41:01 to 20:59:59 UTC`."""
    text = "%s %s, %d observation%s" % (ranges_text([gap]), gap.reason, gap.count,
                                        "" if gap.count == 1 else "s")
    if gap.begin_utc_ms is None or gap.end_utc_ms is None:
        return text
    return "%s, from %s to %s UTC" % (text, *(
        datetime.fromtimestamp(ms // 1_000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        for ms in (gap.begin_utc_ms, gap.end_utc_ms)))


def lag_text(age_s, count):
    return "%s, %d" % ("? s" if age_s is None else "%d s" % age_s, count)


def stream_row(stream):
    """The cells of one StreamReport."""
    return (stream.device, stream.store, stream.log, stream.stored, stream.first or "-",
            stream.last or "-", ranges_text(stream.missing), ranges_text(stream.gaps),
            stream.repeats, stream.conflicts, lag_text(stream.lag_age_s, stream.lag_count),
            lag_text(stream.lag_age_s_max, stream.lag_count_max), stream.sessions)


def sink_json(archive):
    """A sink's database as a dict for json.dumps."""
    return {"streams": [asdict(stream) for stream in archive.report()],
            "devices": [asdict(device) for device in archive.devices().values()],
            "counters": archive.counters()}


def print_sink(console, archive):
    """The report of `tidegate sink report`."""
    streams = archive.report()
    if not streams:
        console.print("nothing has arrived yet")
    else:
        print_rows(console, "streams", STREAM_COLUMNS, map(stream_row, streams))
    for stream in streams:
        for gap in stream.gaps[:NAMED_COUNT_MAX]:
            console.print("gap of %s %s: %s" % (stream.device, stream.log, gap_text(gap)),
                          markup=False, highlight=False, soft_wrap=True)
    for device in archive.devices().values():
        console.print("%s is %s since session %d.%d (%s, %s)" % (
            device.device, "online" if device.online else "offline", *device.session,
            device.interpreter, device.board), markup=False, highlight=False)
    for name, count in archive.counters().items():
        if count:
            console.print("%s: %d" % (name.replace("_", " "), count), highlight=False)


def print_ledger(console, ledger):
    """The account of a run; the verdict is not part of it."""
    logs = list(ledger.logs)
    rows = [(name, *[""] * len(logs), getattr(ledger, attribute))
            for name, attribute in OVERALL]
    for name, attribute in BY_LOG:
        rows.append((name, *[_cell(getattr(ledger.logs[log], attribute)) for log in logs],
                     ledger.total(attribute)))
    delay = ledger.live_delay_ms_max
    rows.append(("largest live delay", *[""] * len(logs),
                 "-" if delay is None else "%d ms" % delay))
    rows.append(("largest backlog", *[""] * len(logs), ledger.backlog_count_max))
    print_rows(console, "ledger", ("", *logs, "total"), rows)


def _cell(value):
    if isinstance(value, list):
        return "%d: %s" % (len(value), named(value)) if value else 0
    return value
