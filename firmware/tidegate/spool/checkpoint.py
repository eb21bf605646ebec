"""Checkpoints: what start-up needs to know, so that it need not read the whole log. SPEC 7.3."""

from tidegate.limits import CHECKPOINT_SECTOR_COUNT, DIGEST_BYTES, RANGE_COUNT_MAX
from tidegate.spool import frame
from tidegate.spool.ranges import Ranges
from tidegate.spool.room import Gap

NUMBER, TEXT, DIGEST = 0, 1, 2
_ENTRY_BYTES = 8 + DIGEST_BYTES


class NoLatest:
    """The port `latest` where nobody wants to know the last values."""

    count = 0

    def restore(self, observation_id, seq, value, is_digest):
        """Nothing is kept."""


class Checkpoint:
    """Writes a checkpoint into a log, all its notes in a row.

    Arguments: log; latest, the port that knows the last durable value of each observation, with
    `count` and, for an index below it, log(index), id(index), seq(index), 0 where there is none,
    and value(index): an integer, a short text, or the SHA-256 of what is longer.
    """

    def __init__(self, log, latest):
        self._log = log
        self._latest = latest
        self._is_writing = False
        self._begun_number = 0
        self._refused_at = (-1, -1)

    def is_due(self):
        """Whether the newest one is old enough, early enough for it to be still there."""
        log = self._log
        count = min(CHECKPOINT_SECTOR_COUNT, max(1, log.geometry.block_count // 2 - 1))
        return log.number - max(log.checkpoint_number, 0) >= count

    def is_last_moment(self):
        """Whether the next sector would take the place of what start-up still needs."""
        log = self._log
        return (not self._is_writing
                and log.number + 1 - log.geometry.block_count >= max(log.checkpoint_number, 0))

    def step(self, now_ms):
        """Write one where it is due; where there was no room, not before something changed."""
        log = self._log
        if self._is_writing or not self.is_due() or self._refused_at == (log.number, log.oldest):
            return
        self._is_writing = True
        if self._write(now_ms):
            log.checkpoint_number = self._begun_number
        else:
            self._refused_at = (log.number, log.oldest)
        self._is_writing = False

    def _write(self, now_ms):
        """Result: whether all of it is on flash."""
        log, writer = self._log, self._log.writer
        if not self._begin(frame.CHECKPOINT, now_ms):
            return False
        self._begun_number = log.number
        writer.put_varint(log.evicted_count)
        writer.put_varint(log.lost_count)
        if not log.end_note():
            return False
        for kind, is_there, put in (
                (frame.CONFIRMED, True, log.put_confirmed),
                (frame.GAP, log.gap is not None, log.put_gap),
                (frame.ANCHORS, log.anchors.boots, log.put_anchors),
                (frame.RETIRED, log.retired, log.put_retired)):
            if is_there:
                if not self._begin(kind, now_ms):
                    return False
                put()
                if not log.end_note():
                    return False
        return (self._write_latest(now_ms)
                and self._begin(frame.CHECKPOINT_END, now_ms) and log.end_note())

    def _begin(self, kind, now_ms):
        return self._log.begin_note(kind, now_ms, self._log.writer.frame_bytes_max)

    def _write_latest(self, now_ms):
        log, latest, writer = self._log, self._latest, self._log.writer
        index = 0
        while True:
            while index < latest.count and not self._is_mine(index):
                index += 1
            if index >= latest.count:
                return True
            if not self._begin(frame.LATEST, now_ms):
                return False
            while index < latest.count and writer.room_bytes() > _ENTRY_BYTES:
                if self._is_mine(index):
                    _put_entry(writer, latest, index, log.next_seq)
                index += 1
            if not log.end_note():
                return False

    def _is_mine(self, index):
        latest = self._latest
        return latest.log(index) == self._log.geometry.log and latest.seq(index) > 0


def _put_entry(writer, latest, index, next_seq):
    value = latest.value(index)
    form = NUMBER if isinstance(value, int) else TEXT if isinstance(value, str) else DIGEST
    writer.put_varint(latest.id(index) << 2 | form)
    writer.put_varint(next_seq - latest.seq(index))
    if form == NUMBER:
        writer.put_zigzag(value)
    else:
        writer.put_bytes(value.encode() if form == TEXT else value)


def apply(log, reader, next_seq, latest):
    """Take a note that start-up has read. Arguments: reader, the FrameReader; next_seq, of the
    next observation there; latest, the port above, told by `restore`."""
    kind = reader.note
    if kind == frame.CONFIRMED:
        _apply_confirmed(log, reader)
    elif kind == frame.GAP:
        _apply_gap(log, reader)
    elif kind == frame.CHECKPOINT:
        log.evicted_count, log.lost_count = reader.varint(), reader.varint()
    elif kind == frame.ANCHORS:
        while reader.is_left():
            log.anchors.put(reader.varint(), reader.varint(), reader.varint(), log.evicts)
    elif kind == frame.RETIRED:
        log.retired = []
        while reader.is_left():
            log.retired.append(reader.varint())
    elif kind == frame.LATEST:
        _apply_latest(reader, next_seq, latest)


def _apply_confirmed(log, reader):
    """What the note says goes first; of what stood before, only as much as there is room for."""
    before = log.ranges
    end = reader.varint()
    ranges = log.ranges = Ranges(max(end, before.watermark))
    while reader.is_left():
        first = end + reader.varint()
        end = first + reader.varint() - 1
        ranges.add(first, end)
    for first, last in before.ranges:
        if len(ranges.ranges) < RANGE_COUNT_MAX:
            ranges.add(first, last)


def _apply_gap(log, reader):
    first, last, count = reader.varint(), reader.varint(), reader.varint()
    log.evicted_count = reader.varint()
    log.ranges.add(1, reader.varint())
    begin = (reader.varint(), reader.varint(), reader.varint())
    end = (reader.varint(), reader.varint(), reader.varint())
    log.gap = Gap(first, last, count, begin, end)


def _apply_latest(reader, next_seq, latest):
    while reader.is_left():
        head = reader.varint()
        seq = next_seq - reader.varint()
        form = head & 3
        if form == NUMBER:
            value = reader.zigzag()
        else:
            value = reader.take(reader.varint())
            value = value.decode() if form == TEXT else value
        latest.restore(head >> 2, seq, value, form == DIGEST)
