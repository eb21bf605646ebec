"""Start-up: from the bytes on flash to a log that can go on. SPEC section 7.5.

Reads only. What it finds untrustworthy behind the tail is made safe by `pin` and by `Log.wake`.
"""

from tidegate.limits import (
    CHECKPOINT_DISTANCE_NONE, CHECKPOINT_SECTOR_COUNT, FACT_BYTES_MASK,
)
from tidegate.spool import checkpoint, frame
from tidegate.spool.cursor import END, LOST, OBSERVATION, OTHER, PASSED, Cursor


class Recovered:
    """What start-up found in one log.

    boot (the highest, 0 where there is none), end_ms (how old that boot was known to be), store_id
    (empty where the log is blank), sector_count (readable headers), read_sector_count and
    observation_count (read since the checkpoint), checkpoint_number (-1: none), is_cut (a torn
    tail was left behind), lost_count, retired (blocks), is_foreign (bytes without a readable
    sector), is_sealed (the tail is whole),
    cursor (where reading ended).
    """

    def __init__(self):
        self.boot = self.end_ms = 0
        self.store_id = b""
        self.sector_count = 0
        self.read_sector_count = 0
        self.observation_count = 0
        self.checkpoint_number = -1
        self.is_cut = False
        self.lost_count = 0
        self.retired = ()
        self.is_foreign = False
        self.is_sealed = False
        self.cursor = None


def recover(log, reader, latest):
    """Bring a fresh Log to where its flash says it stands.

    Arguments: reader, a FrameReader; latest, the port that takes the last
    durable value of each observation by restore(observation_id, seq, value, is_digest).
    Result: Recovered. Errors: SpoolError for a format version that this agent does not know.
    """
    found = Recovered()
    looking = Cursor(log, reader)
    newest = _scan(log, looking, found)
    if newest < 0:
        found.is_foreign = not _is_unborn(log, reader)
        return found
    found.cursor = cursor = Cursor(log, reader)
    log.adopt(newest, log.block_bytes)
    _read(log, cursor, _start_sector(log, looking), latest, found)
    fact_bytes = cursor.offset - log.geometry.header_bytes - cursor.opaque_bytes
    log.header.fact_bytes = (log.header.fact_bytes + fact_bytes) & FACT_BYTES_MASK
    # Where the log goes on in the same sector, the seq of a value given up is not given out again.
    is_given_up = log.geometry.flash.reprogram and cursor.is_inside_value()
    log.next_seq = cursor.head_seq() + (1 if found.is_cut or is_given_up else 0)
    log.adopt(newest, cursor.offset)
    log.is_tail_trusted = False
    log.end = log.burn_from = (
        cursor.before + log.padded(cursor.size) or log.geometry.header_bytes)
    log.noted_watermark = log.ranges.watermark
    _pass_over_erased(log)
    return found


def _pass_over_erased(log):
    """Sectors that have given way may be erased in part: they no longer count."""
    geometry, gap = log.geometry, log.gap
    if gap is not None and gap.last <= log.ranges.watermark:
        log.gap = gap = None
    while log.oldest < log.number:
        first = geometry.first_begun(log.oldest + 1, log.number)
        is_next = log.oldest <= log.number + 1 - geometry.block_count
        if not (gap is not None and 0 <= first <= gap.last + 1
                or is_next and first <= log.ranges.watermark + 1):
            break
        log.oldest += 1


def _scan(log, looking, found):
    """Find head and tail. Result: the newest sector, or -1."""
    geometry, header = log.geometry, log.scratch
    newest = lowest = -1
    for index in range(geometry.block_count):
        if geometry.read_block(index, header):
            found.sector_count += 1
            newest = max(newest, header.number)
            lowest = header.number if lowest < 0 else min(lowest, header.number)
    while newest >= 0 and not (geometry.read_header(newest, header) and (
            newest == lowest or not header.has_frame or _holds_any(log, newest, looking))):
        newest -= 1
    if newest < 0:
        return -1
    found.store_id = header.store_id
    log.header.fact_bytes = header.fact_bytes
    oldest = max(lowest, newest - geometry.block_count + 1)
    while geometry.first_begun(oldest, oldest) < 0:
        oldest += 1
    log.oldest = oldest
    return newest


def _holds_any(log, number, looking):
    """Whether the newest sector holds any frame. One that was opened together with a frame and
    has none was cut in its opening: what was to be copied still stands in the sector before."""
    log.adopt(number, log.block_bytes)
    looking.enter(number)
    return looking.step(False) != END


def _start_sector(log, cursor):
    """The sector where reading may begin: that of the newest whole checkpoint."""
    header = log.scratch
    log.geometry.read_header(log.number, header)
    distance = header.checkpoint_distance
    if distance >= CHECKPOINT_SECTOR_COUNT:
        cursor.enter(log.number)
        begun = False
        while True:
            step = cursor.step(False)
            if step == END:
                break
            if step == OTHER and cursor.frame.kind == frame.NOTE:
                begun = begun or cursor.frame.note == frame.CHECKPOINT
                if begun and cursor.frame.note == frame.CHECKPOINT_END:
                    return log.number
    if distance == CHECKPOINT_DISTANCE_NONE:
        return log.oldest
    return max(log.oldest, log.number - distance)


def _read(log, cursor, number, latest, found):
    cursor.enter(number)
    cursor.take_hole()
    begun_number = read_number = -1
    reader, boot = cursor.frame, cursor.boot
    while True:
        step = cursor.step(True)
        if cursor.boot != boot:
            log.anchors.follow(cursor.boot, boot, found.end_ms)
            boot, found.end_ms = cursor.boot, 0
        moment_ms = cursor.mono_base_ms + (reader.delta_ms if step == OBSERVATION else 0)
        found.end_ms = max(found.end_ms, moment_ms)
        if cursor.number != read_number:
            read_number = cursor.number
            found.read_sector_count += 1
        found.boot = max(found.boot, cursor.boot)
        hole = cursor.take_hole()
        if hole is not None and hole[2] == LOST:
            log.lost_count += hole[1] - hole[0] + 1
            found.lost_count += hole[1] - hole[0] + 1
        if cursor.utc_zero_ms is not None:
            log.anchors.put(cursor.boot, cursor.utc_zero_ms, cursor.quality, log.evicts)
        if step == END:
            break
        if step == PASSED:
            continue
        if step == OBSERVATION:
            found.observation_count += 1
            latest.restore(reader.observation_id, cursor.seq, reader.value, False)
        elif step == OTHER and reader.kind == frame.NOTE:
            checkpoint.apply(log, reader, cursor.next_seq, latest)
            if reader.note == frame.CHECKPOINT:
                begun_number = cursor.number
            elif reader.note == frame.CHECKPOINT_END and begun_number >= 0:
                log.checkpoint_number = begun_number
    found.is_cut = cursor.is_damaged and cursor.number == log.number
    found.is_sealed = cursor.note == frame.SEALED and not found.is_cut
    found.checkpoint_number = log.checkpoint_number
    found.retired = tuple(log.retired)


def _is_unborn(log, reader):
    """Whether a log without a sector holds nothing, or what cuts left of its first openings."""
    geometry, header = log.geometry, log.scratch
    header.log = geometry.log
    size = geometry.header_bytes + reader.frame_bytes_max
    first = bytearray(size)
    for number in range(geometry.block_count):
        start = geometry.offset(number)
        if reader.is_erased(start, start + log.block_bytes):
            continue
        if number > 1 or not reader.is_erased(start + size, start + log.block_bytes):
            return False
        geometry.flash.read(start, first)
        if not header.could_be_torn(first, number):
            return False
    return True
