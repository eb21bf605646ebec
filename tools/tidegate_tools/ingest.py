"""Batches out of a file into a sink's database, by the sink's own way."""

import json
import re
import sys
import time
from dataclasses import asdict, dataclass, field

from tidegate_tools.console_frames import payloads
from tidegate_tools.decode import DEVICE, decode
from tidegate_tools.errors import DecodeError, ToolError
from tidegate_tools.sink import TRANSACTION_COUNT_MAX
from tidegate_tools.spool_export import topic_of
from tidegate_tools.store import Received, Store

# What `tidegate spool export` writes where nobody told it the device.
UNNAMED = re.compile(r"store-([0-9a-f]{16})\Z")
REFUSED_COUNT_MAX = 20


@dataclass
class Ingested:
    """What became of the lines: `refused` holds sentences with their numbers, at most
    REFUSED_COUNT_MAX of `refused_count`."""

    batches: int = 0
    stored: int = 0
    repeats: int = 0
    conflicts: int = 0
    refused_count: int = 0
    refused: list = field(default_factory=list)

    def refuse(self, number, reason):
        """A line that is not taken."""
        self.refused_count += 1
        if len(self.refused) < REFUSED_COUNT_MAX:
            self.refused.append("line %d: %s" % (number, reason))

    def text(self):
        """One line."""
        return "%d batches: %d observations stored, %d known already, %d in conflict, %d lines " \
            "refused" % (self.batches, self.stored, self.repeats, self.conflicts,
                         self.refused_count)

    def to_json(self):
        """A dict for json.dumps."""
        return asdict(self)


class Ingest:
    """Stores what lines hold, each key once.

    Arguments: store, a Store; device, whose spool it is, or None where the lines say so or the
    database knows.
    """

    def __init__(self, store, device=None):
        self._store = store
        self._device = device

    def run(self, lines):
        """Arguments: lines, of bytes. Result: Ingested. Errors: ToolError, StoreError."""
        outcome = Ingested()
        before = self._totals()
        items = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                items.append(Received(time.time_ns() // 1_000_000, self._decode(line)))
                outcome.batches += 1
            except DecodeError as error:
                outcome.refuse(number, error)
            if len(items) == TRANSACTION_COUNT_MAX:
                self._store.commit(items)
                items = []
        self._store.commit(items)
        outcome.stored, outcome.repeats, outcome.conflicts = (
            after - old for after, old in zip(self._totals(), before))
        return outcome

    def _totals(self):
        return (sum(self._store.stored_counts().values()), self._store.repeat_count(),
                self._store.conflict_count())

    def _decode(self, line):
        try:
            members = json.loads(line)
            topic = topic_of(dict(members, dev=self._name(members["dev"])))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DecodeError("is no batch of a device in JSON") from None
        device = topic.split("/")[2]
        if members["dev"] != device:
            line = json.dumps(dict(members, dev=device)).encode()
        return decode(topic, bytes(line).strip())

    def _name(self, device):
        """The device that a batch is of."""
        if self._device is not None:
            return self._device
        unnamed = UNNAMED.match(device)
        if not unnamed:
            return device
        known = {key[0] for key in self._store.stored_counts() if key[1] == unnamed.group(1)}
        known.discard(device)
        if len(known) != 1:
            raise ToolError("the file does not say whose spool it is, and the database %s the "
                            "store %s: give --device" % (
                                "knows several devices with" if known else "does not know",
                                unnamed.group(1)))
        return known.pop()


def ingest_file(path, db, device=None, is_console=False):
    """Arguments: path of the file, `-` for standard input; db, of the sink's database; device;
    is_console, whether the file is what a terminal showed of a console's export.

    Result: Ingested. Errors: ToolError.
    """
    if device is not None and not DEVICE.match(device):
        raise ToolError("--device %r: 1 to 64 characters out of A-Z a-z 0-9 . _ -" % device)
    try:
        file = sys.stdin.buffer if str(path) == "-" else open(path, "rb")
    except OSError as error:
        raise ToolError("%s cannot be read: %s" % (path, error.strerror)) from error
    with file:
        store = Store(db)
        try:
            return Ingest(store, device).run(payloads(file) if is_console else file)
        finally:
            store.close()
