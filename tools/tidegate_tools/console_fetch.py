"""`tidegate console PORT fetch-backlog`: a device's backlog through its console into a sink.

What is not whole at the end waits beside the database, so that another run completes it.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from tidegate_tools.console_frames import LOG_NAMES, Frames
from tidegate_tools.errors import ToolError
from tidegate_tools.ingest import Ingest
from tidegate_tools.store import Store

PASS_COUNT_MAX = 40
FRUITLESS_COUNT_MAX = 8
QUIET_S = 3.0
_SHOWN_COUNT = 10


@dataclass
class Fetched:
    """`ingested` is what the sink made of it; `missing` are sentences, none where all is there."""

    ingested: object
    passes: int
    damaged_lines: int
    missing: list

    def to_json(self):
        """A dict for json.dumps."""
        return dict(self.ingested.to_json(), passes=self.passes,
                    damaged_lines=self.damaged_lines, missing=self.missing)


def fetch(talk, db, say, pass_count_max=PASS_COUNT_MAX):
    """Ask until all is there, or FRUITLESS_COUNT_MAX passes in a row bring nothing new.

    Arguments: talk, unlocked; db, path of the sink's database; say(text), told of each pass.
    Result: Fetched. Errors: ToolError.
    """
    partial = Path(str(db) + ".partial")
    frames, passes, fruitless_count = _recalled(partial), 0, 0
    for passes in range(1, pass_count_max + 1):
        before = len(frames.kept)
        _run_pass(talk, frames)
        say("pass %d: %d batches whole, %d damaged lines" % (
            passes, len(frames.batches), frames.damaged_count))
        if frames.is_whole() and len(frames.extents) == len(LOG_NAMES):
            break
        fruitless_count = fruitless_count + 1 if before == len(frames.kept) else 0
        if fruitless_count == FRUITLESS_COUNT_MAX:
            break
    # Of an export whose end nobody needs any more.
    talk.interrupt()
    missing = missing_of(frames)
    _keep(partial, frames if missing else None)
    if not frames.kept:
        raise ToolError("the device sent nothing that can be read: look at the cable and the"
                        " speed of the port, then try again")
    store = Store(db)
    try:
        ingested = Ingest(store).run(frames.batches.values())
    finally:
        store.close()
    return Fetched(ingested, passes, frames.damaged_count, missing)


def _recalled(path):
    """What an earlier run left behind. Errors: ToolError."""
    frames = Frames()
    if path.exists():
        for line in path.read_text().splitlines():
            frames.take(line)
    return frames


def _keep(path, frames):
    if frames is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text("\n".join(frames.kept) + "\n")


def missing_of(frames):
    """Sentences about what is not whole."""
    found = []
    for log in LOG_NAMES:
        extent = frames.extents.get(log)
        if extent is None:
            found.append("%s: how much there is was not understood" % log)
        elif not extent.is_whole():
            ranges = extent.missing()
            found.append("%s: %d of %d, among %s%s" % (
                log, extent.count - len(extent.covered), extent.count,
                ", ".join("%d..%d" % each for each in ranges[:_SHOWN_COUNT]),
                " .." if len(ranges) > _SHOWN_COUNT else ""))
    return found


def _next_place(frames):
    """(log, seq) from which on something is not here."""
    for log in LOG_NAMES:
        extent = frames.extents.get(log)
        if extent is None:
            return log, 1
        if not extent.is_whole():
            return log, extent.missing()[0][0]
    return LOG_NAMES[0], 1


def _is_past(frames):
    """Whether what comes now stands behind all that is not here."""
    log, first = frames.place
    if len(frames.extents) < len(LOG_NAMES) or log not in LOG_NAMES:
        return False
    for name in LOG_NAMES[LOG_NAMES.index(log):]:
        extent = frames.extents[name]
        if not extent.is_whole() and (name != log or extent.missing()[-1][1] >= first):
            return False
    return True


def _run_pass(talk, frames):
    log, seq = _next_place(frames)
    frames.has_ended, frames.place = False, ("", 0)
    talk.wake()
    if not talk.is_open:
        raise ToolError("the console is locked again: start once more")
    talk.take_lines()
    talk.type(b"export --from %s %d\r" % (log.encode(), seq))
    heard_s = time.monotonic()
    received_bytes = talk.received_bytes
    while not frames.has_ended and not _is_past(frames) \
            and time.monotonic() - heard_s < QUIET_S:
        for line in talk.take_lines():
            frames.take(line)
        if talk.received_bytes != received_bytes:
            received_bytes, heard_s = talk.received_bytes, time.monotonic()
