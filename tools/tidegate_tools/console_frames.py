"""Batches out of the lines of a console's export, however damaged. SPEC section 11."""

import base64
import json
import re
import zlib
from dataclasses import dataclass, field

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.observe.catalogue import LOG_NAMES  # noqa: E402

_FRAME = re.compile(r"#([0-9a-f]{8}) ([ -~]*)")
_PIECE = re.compile(r"([a-z]) (\d{1,10}) (\d{1,4})/(\d{1,4}) ([0-9a-f]{8}) ([A-Za-z0-9+/=]+)\Z")
_BEGIN = re.compile(r"begin (\S+) ([0-9a-f]{16}) (\S+) (\d+) (\d+) (\d+)\Z")
_LOG_OF_LETTER = {name[0]: name for name in LOG_NAMES}


@dataclass
class Extent:
    """What a log's export is to hold: its span, and how many of it were not confirmed."""

    first: int
    last: int
    count: int
    covered: set = field(default_factory=set)

    def missing(self):
        """Ranges of seqs that no whole batch covers; what was confirmed before is among them."""
        found = []
        for seq in range(self.first, self.last + 1):
            if seq in self.covered:
                continue
            if found and found[-1][1] == seq - 1:
                found[-1] = (found[-1][0], seq)
            else:
                found.append((seq, seq))
        return found

    def is_whole(self):
        """Whether all is there."""
        return len(self.covered) >= self.count


class Frames:
    """Takes lines in any order, as often as they come, and puts batches together.

    Members: extents, {log: Extent}; batches, {(log, first seq): payload}; has_ended, whether the
    end of an export was read; damaged_count, of lines that say they are of one and are not whole;
    kept, the lines that are, each once; place, (log, first seq) of the batch of the last one.
    """

    def __init__(self):
        self.extents = {}
        self.batches = {}
        self.has_ended = False
        self.damaged_count = 0
        self.kept = {}
        self.place = ("", 0)
        self._pieces = {}

    def take(self, line):
        """A line of text, be it what it may. Result: payloads of batches that are now whole."""
        found = []
        for match in _FRAME.finditer(line):
            text = match.group(2)
            if zlib.crc32(text.encode()) != int(match.group(1), 16):
                self.damaged_count += 1
                continue
            self.kept[match.group(0)] = None
            if text.startswith("begin "):
                self._begin(text)
            elif text.startswith("end "):
                self.has_ended = True
            else:
                found += self._piece(text)
        return found

    def is_whole(self):
        """Whether every log's extent is known and filled."""
        return bool(self.extents) and all(each.is_whole() for each in self.extents.values())

    def _begin(self, text):
        match = _BEGIN.match(text)
        if match:
            log, first, last, count = match.group(3), *map(int, match.group(4, 5, 6))
            known = self.extents.get(log)
            # A later pass may begin later; the first one says it all.
            if known is None or first < known.first:
                self.extents[log] = Extent(first, last, count)
                for (name, _), payload in self.batches.items():
                    if name == log:
                        self._cover(log, payload)

    def _piece(self, text):
        match = _PIECE.match(text)
        if not match or match.group(1) not in _LOG_OF_LETTER:
            self.damaged_count += 1
            return []
        log, first = _LOG_OF_LETTER[match.group(1)], int(match.group(2))
        self.place = (log, first)
        place, count, whole_crc = int(match.group(3)), int(match.group(4)), match.group(5)
        if (log, first) in self.batches:
            return []
        pieces = self._pieces.setdefault((log, first, count, whole_crc), {})
        pieces[place] = base64.b64decode(match.group(6))
        if len(pieces) < count:
            return []
        payload = b"".join(pieces[each] for each in sorted(pieces))
        if zlib.crc32(payload) != int(whole_crc, 16):
            pieces.clear()
            self.damaged_count += 1
            return []
        self.batches[log, first] = payload
        self._cover(log, payload)
        return [payload]

    def _cover(self, log, payload):
        extent = self.extents.get(log)
        if extent is None:
            return
        members = json.loads(payload)
        seqs = {members["seq"] + each[0] for each in members["obs"]}
        for gap in members["gaps"]:
            seqs.update(range(gap[0], gap[1] + 1))
        extent.covered.update(seq for seq in seqs if extent.first <= seq <= extent.last)


def payloads(lines):
    """The batches in the log of a terminal, as bytes. Argument: lines, of bytes."""
    frames = Frames()
    for line in lines:
        yield from frames.take(line.decode("ascii", "replace"))
