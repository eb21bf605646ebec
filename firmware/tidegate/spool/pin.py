"""Making the tail of a log firm after a boot that may have ended in a power cut. SPEC 7.5.

Repair rule: only the last program can be torn, and it may read as whole today and not tomorrow.
Before anything of it is sent it is programmed over itself; where a unit takes one program only,
it is copied into a fresh sector, whose first seq makes what stands in the old one void.
"""

from tidegate.spool import frame, room
from tidegate.spool.crc import CRC_BYTES, seq_seed
from tidegate.spool.sector import utc_bytes


def pin(log, found):
    """Argument: found, what `recover` said of the log. Writes; called once, before anything else.

    Errors: FlashError where no block can be programmed any more.
    """
    if log.geometry.flash.reprogram:
        _program_again(log, found.cursor)
    elif not found.is_sealed:
        log.is_awake = True
        log.offset = log.block_bytes
        if _copy_forward(log, found.cursor, log.next_seq - (1 if found.is_cut else 0)):
            log.is_tail_trusted = True
            seal(log)
            if log.is_gap_unnoted:
                log.is_gap_unnoted = not room.note_gap(log, True)
        log.is_awake = False


def seal(log):
    """Note that all that stands before is whole; only of use where a unit takes one program."""
    if log.begin_note(frame.SEALED, log.now_ms(), is_urgent=True):
        log.end_note()


def _program_again(log, cursor):
    """The last two frames, since a boot frame is written twice at once; with the header, where
    they are the first."""
    writer, geometry = log.writer, log.geometry
    end = log.offset
    first = cursor.program_from
    if first <= geometry.header_bytes:
        geometry.read_header(log.number, log.scratch)
        writer.begin_sector(log.scratch)
        log.offset = 0
        log.program()
    for at, frame_end in ((first, cursor.before), (cursor.before, cursor.before + cursor.size)):
        size = frame_end - at
        if at > 0 and size > 0 and log.offset < log.block_bytes:
            writer.begin(at)
            view = memoryview(writer.buffer)[writer.end:writer.end + size]
            geometry.flash.read(geometry.offset(log.number) + at, view)
            writer.end += size
            log.offset = at
            log.program()
    if log.offset < log.block_bytes:
        log.offset = end


def _copy_forward(log, cursor, first_seq):
    """Result: whether there was a sector for it. Where there was none, the log is full of what is
    not confirmed, and its last frame is a note: observations leave two sectors free."""
    writer, header = log.writer, log.header
    seq, size = first_seq, cursor.size
    if cursor.is_observation:
        seq = cursor.seq
    elif cursor.note in (0, frame.ANCHOR, frame.LATEST):
        # The header carries boot and anchor; an unfinished value or checkpoint is of no use.
        size = 0
    body = bytearray(max(0, size - CRC_BYTES))
    log.geometry.flash.read(log.geometry.offset(cursor.number) + cursor.before, body)
    while room.prepare(log, 0):
        header.set_time(cursor.boot, cursor.header.base_ms, cursor.header.wrap_count)
        header.utc, header.quality = utc_bytes(cursor.utc_zero_ms), cursor.quality
        header.has_copy, header.has_frame = cursor.is_observation, size > 0
        header.has_part = cursor.is_observation and cursor.is_part
        log.begin_prepared(first_seq)
        header.has_copy = header.has_frame = header.has_part = False
        if size:
            writer.buffer[writer.end:writer.end + len(body)] = body
            writer.copy(len(body))
            writer.finish(log.seed ^ seq_seed(seq))
        if log.program():
            return True
    return False
