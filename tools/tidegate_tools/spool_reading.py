"""All that an image holds of one log: its sectors, its observations, and what is amiss."""

from collections import Counter
from typing import Any, NamedTuple

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.observe.catalogue import LOG_NAMES  # noqa: E402
from tidegate.spool.cursor import END, LOST, OBSERVATION, Cursor  # noqa: E402
from tidegate.spool.reader import FrameReader  # noqa: E402
from tidegate.spool.sector import Header  # noqa: E402

BLANK, BURNT = b"\xff", b"\0"
MISSING, RETIRED, ERASED, UNREADABLE, STALE, HEAD, CONFIRMED, HELD = (
    "missing", "retired", "erased", "unreadable", "given way", "head", "confirmed", "held")


class Observation(NamedTuple):
    """One observation held, and the sector it stands in. `utc_ms` is None where undated."""

    seq: int
    boot: int
    mono_ms: int
    utc_ms: int | None
    quality: int
    id: int
    value: Any
    number: int


class Sector(NamedTuple):
    """One block of a log. From `number` to `copy_count` (whole copies of its header) all are None
    where no header can be read; `damaged_bytes` stand between whole frames, `torn_bytes` behind
    the last one, as a power cut leaves them.
    """

    block: int
    state: str
    number: int | None = None
    boot: int | None = None
    first_seq: int | None = None
    copy_count: int | None = None
    frame_count: int = 0
    observation_count: int = 0
    used_bytes: int = 0
    damaged_bytes: int = 0
    torn_bytes: int = 0


class Reading(NamedTuple):
    """A log as it was read. Ranges are (first, last): `lost` of what is missing, `cut` of what a
    power cut kept from being accepted, `evicted` of what gave way unconfirmed.
    """

    name: str
    log: Any
    observations: list
    sectors: list
    lost: list
    cut: list
    evicted: list

    @property
    def confirmed_count(self):
        """How many of the observations held are confirmed."""
        return sum(self.is_confirmed(each.seq) for each in self.observations)

    def is_confirmed(self, seq):
        """Whether the receiver has it."""
        return self.log.ranges.skip(seq) != seq


class _TellingReader(FrameReader):
    """Remembers where whole frames stand: {offset in the region: bytes}."""

    def __init__(self, flash):
        super().__init__(flash)
        self.frames = {}

    def read(self, at, end, seed, neutral):
        size = super().read(at, end, seed, neutral)
        if size > 0:
            self.frames[at] = size
        return size


def read_log(image, index):
    """Arguments: image, a SpoolImage; index, of the log. Result: Reading."""
    log = image.spool.logs[index]
    reader = _TellingReader(log.geometry.flash)
    holes = _Holes(log)
    observations = []
    if log.number >= 0:
        cursor = Cursor(log, reader)
        cursor.enter(log.oldest)
        while True:
            step = cursor.step(True)
            holes.take(cursor.take_hole())
            if step == END:
                holes.settle(None)
                break
            if step == OBSERVATION:
                holes.settle(cursor.boot)
                observations.append(_observation(cursor))
    sectors = _Blocks(image, log, reader.frames, observations).sectors()
    return Reading(LOG_NAMES[index], log, observations, sectors, holes.lost, holes.cut,
                   holes.evicted)


def _observation(cursor):
    mono_ms = cursor.mono_base_ms + cursor.frame.delta_ms
    zero_ms = cursor.utc_zero_ms
    return Observation(cursor.seq, cursor.boot, mono_ms,
                       None if zero_ms is None else zero_ms + mono_ms, cursor.quality,
                       cursor.frame.observation_id, cursor.frame.value, cursor.number)


class _Holes:
    """Sorts the seqs that cannot be had: evicted with a gap noted, cut, or lost."""

    def __init__(self, log):
        self._log = log
        self._boot = None
        self._open = []
        self.lost, self.cut, self.evicted = [], [], []

    def take(self, hole):
        """A hole, or None, as a cursor told it."""
        if hole is not None:
            self._open.append(hole)

    def settle(self, boot):
        """The next observation has this boot; None: there is none any more."""
        for first, last, reason in self._open:
            # A single seq missing between two boots is what a cut of the last append leaves.
            is_cut = first == last and self._boot is not None and boot != self._boot
            for piece in _unconfirmed(self._log.ranges, first, last):
                if reason != LOST and self._is_noted(piece):
                    self.evicted.append(piece)
                else:
                    (self.cut if is_cut else self.lost).append(piece)
        self._open = []
        self._boot = boot

    def _is_noted(self, piece):
        gap = self._log.gap
        return gap is not None and gap.first <= piece[0] and piece[1] <= gap.last


def _unconfirmed(ranges, first, last):
    """The pieces of first..last that nobody has confirmed."""
    pieces = []
    seq = ranges.skip(first)
    while seq <= last:
        end = ranges.end_before(seq)
        stop = last if end is None else min(last, end - 1)
        pieces.append((seq, stop))
        seq = ranges.skip(stop + 1)
    return pieces


class _Blocks:
    """Looks at every block of a log."""

    def __init__(self, image, log, frames, observations):
        self._image = image
        self._log = log
        self._bytes = log.block_bytes
        self._header = Header(log.geometry.flash)
        self._counts = Counter(each.number for each in observations)
        self._frames = {}
        for at in sorted(frames):
            self._frames.setdefault(at // self._bytes, []).append((at, frames[at]))

    def sectors(self):
        """A list of Sector, in order of the blocks."""
        return [self._sector(index) for index in range(self._log.geometry.block_count)]

    def _sector(self, index):
        log, header = self._log, self._header
        block = log.geometry.first_block + index
        data = self._image.data[block * self._bytes:(block + 1) * self._bytes]
        if index in log.retired:
            return Sector(block, RETIRED)
        if block >= self._image.missing_from:
            return Sector(block, MISSING)
        if data.count(BLANK) == len(data):
            return Sector(block, ERASED)
        size = header.copy_bytes
        copies = [header.take(data[at:at + size]) for at in (0, size)]
        if not (log.geometry.read_block(index, header)
                and log.geometry.read_header(header.number, header)):
            return Sector(block, UNREADABLE if self._is_held(index) else STALE)
        fields = (header.number, header.boot, header.first_seq, sum(copies))
        if not log.oldest <= header.number <= log.number:
            return Sector(block, STALE, *fields)
        frames = self._frames.get(block, [])
        return Sector(block, self._state(header.number), *fields, len(frames),
                      self._counts[header.number], *self._bytes_of(block, data, frames))

    def _is_held(self, index):
        """Whether the sector that belongs in a block is one of those held."""
        newest, count = self._log.number, self._log.geometry.block_count
        return newest - (newest - index) % count >= max(0, self._log.oldest)

    def _state(self, number):
        log = self._log
        if number == log.number:
            return HEAD
        end = log.geometry.first_begun(number + 1, log.number)
        return CONFIRMED if 0 < end <= log.ranges.watermark + 1 else HELD

    def _bytes_of(self, block, data, frames):
        """Bytes used, damaged and torn."""
        start = block * self._bytes
        at = 2 * self._header.copy_bytes
        damaged = 0
        for frame_at, size in frames:
            # Burnt flash is no damage: start-up left it where a cut had torn something.
            between = data[at:max(at, frame_at - start)]
            damaged += len(between) if between.strip(BURNT) else 0
            at = max(at, frame_at - start + self._log.padded(size))
        rest = data[at:].rstrip(BLANK)
        torn = len(rest) if rest.strip(BURNT) else 0
        return at + len(rest), damaged, torn
