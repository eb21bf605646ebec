"""Checkpoints: what start-up needs to know, so that it need not read the whole log. SPEC 7.3."""

from tidegate.limits import CHECKPOINT_SECTOR_COUNT, DIGEST_BYTES
from tidegate.spool import frame, room
from tidegate.spool.room import Gap

NUMBER, TEXT, DIGEST = 0, 1, 2
_ENTRY_BYTES = 8 + DIGEST_BYTES
(_CONFIRMED, _GAP, _ANCHORS, _RETIRED, _LATEST, _END) = range(1, 7)


class Checkpoint:
    """Writes a checkpoint into a log, a note at a time.

    Arguments: log; latest, the port that knows the last durable value of each observation, with
    `count` and, for an index below it, log(index), id(index), seq(index), 0 where there is none,
    and value(index): an integer, a short text, or the SHA-256 of what is longer.
    """

    def __init__(self, log, latest):
        self._log = log
        self._latest = latest
        self._stage = 0
        self._index = 0
        self._number = 0

    def step(self, now_ms):
        """Write the next note, where a checkpoint is due or under way. Bounded: one note."""
        log = self._log
        if not log.is_awake or log.number < 0:
            return
        if self._stage == 0:
            if log.number - max(log.checkpoint_number, 0) < CHECKPOINT_SECTOR_COUNT:
                return
            if self._begin(frame.CHECKPOINT, now_ms):
                log.writer.put_varint(log.evicted_count)
                log.writer.put_varint(log.lost_count)
                self._number = log.number
                self._index = 0
                self._stage = _CONFIRMED if log.end_note() else 0
            return
        while not self._write(now_ms):
            self._stage += 1
        if self._stage == _END:
            self._stage = 0

    def _begin(self, kind, now_ms):
        return self._log.begin_note(kind, now_ms, self._log.writer.frame_bytes_max)

    def _write(self, now_ms):
        """Write the note of this stage. Result: False where there is none."""
        log, stage = self._log, self._stage
        if stage == _LATEST:
            return self._write_latest(now_ms)
        if (stage == _GAP and log.gap is None or stage == _ANCHORS and not log.anchors.boots
                or stage == _RETIRED and not log.retired):
            return False
        kind = (0, frame.CONFIRMED, frame.GAP, frame.ANCHORS, frame.RETIRED, 0,
                frame.CHECKPOINT_END)[stage]
        if self._begin(kind, now_ms):
            if stage == _CONFIRMED:
                log.put_confirmed()
            elif stage == _GAP:
                room.put_gap(log)
            elif stage == _ANCHORS:
                log.anchors.put_in(log.writer)
            elif stage == _RETIRED:
                room.put_retired(log)
            if log.end_note():
                self._wrote(stage)
        return True

    def _wrote(self, stage):
        if stage == _END:
            self._log.checkpoint_number = self._number
        else:
            self._stage = stage + 1

    def _write_latest(self, now_ms):
        log, latest, writer = self._log, self._latest, self._log.writer
        index = self._index
        while index < latest.count and not self._is_mine(index):
            index += 1
        if index >= latest.count:
            return False
        if self._begin(frame.LATEST, now_ms):
            while index < latest.count and writer.room_bytes() > _ENTRY_BYTES:
                if self._is_mine(index):
                    _put_entry(writer, latest, index, log.next_seq)
                index += 1
            if log.end_note():
                self._index = index
        return True

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
    next observation there; latest, the port above, told by `restore`, or None."""
    kind = reader.note
    if kind == frame.CONFIRMED:
        _apply_confirmed(log, reader)
    elif kind == frame.GAP:
        _apply_gap(log, reader)
    elif kind == frame.CHECKPOINT:
        log.evicted_count, log.lost_count = reader.varint(), reader.varint()
    elif kind == frame.ANCHORS:
        while reader.is_left():
            log.anchors.put(reader.varint(), reader.varint(), reader.varint())
    elif kind == frame.RETIRED:
        log.retired = []
        while reader.is_left():
            log.retired.append(reader.varint())
    elif kind == frame.LATEST and latest is not None:
        _apply_latest(reader, next_seq, latest)


def _apply_confirmed(log, reader):
    end = reader.varint()
    log.ranges.add(1, end)
    while reader.is_left():
        first = end + reader.varint()
        end = first + reader.varint() - 1
        log.ranges.add(first, end)


def _apply_gap(log, reader):
    first, last, count = reader.varint(), reader.varint(), reader.varint()
    log.evicted_count = reader.varint()
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
