"""Making the tail of a log firm after a boot that may have ended in a power cut. SPEC 7.5.

Repair rule: only the last program can be torn, and it may read as whole today and not tomorrow.
Before anything of it is sent it is programmed over itself; where a unit takes one program only,
it is copied into a fresh sector, whose first seq makes what stands in the old one void.
"""

from tidegate.spool import frame, room
from tidegate.spool.crc import CRC_BYTES, SEQ_MASK
from tidegate.spool.sector import utc_bytes


def pin(log, found):
    """Argument: found, what `recover` said of the log. Writes; called once, before anything else.

    Errors: FlashError where no block can be programmed any more.
    """
    if log.geometry.flash.reprogram:
        _program_again(log, found.cursor)
    elif not found.is_sealed:
        _copy_forward(log, found.cursor)
        seal(log)
        log.is_tail_trusted = True


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
    if first > 0 and log.offset < log.block_bytes:
        start = geometry.offset(log.number) + first
        size = cursor.before + cursor.size - first
        writer.begin(first)
        geometry.flash.read(start, memoryview(writer.buffer)[writer.end:writer.end + size])
        writer.end += size
        log.offset = first
        log.program()
    if log.offset < log.block_bytes:
        log.offset = end


def _copy_forward(log, cursor):
    writer, header = log.writer, log.header
    seq, size = log.next_seq, 0
    if cursor.is_observation:
        seq, size = cursor.seq, cursor.size
    elif cursor.before > 0 and cursor.frame.kind == frame.NOTE:
        # The header carries the anchor, and an unfinished checkpoint is of no use.
        size = 0 if cursor.frame.note in (frame.ANCHOR, frame.LATEST) else cursor.size
    body = bytearray(max(0, size - CRC_BYTES))
    log.geometry.flash.read(log.geometry.offset(cursor.number) + cursor.before, body)
    while room.prepare(log, 0):
        header.set_time(cursor.boot, cursor.header.base_ms, cursor.header.wrap_count)
        header.utc, header.quality = utc_bytes(cursor.utc_zero_ms), cursor.quality
        header.continues = cursor.is_from_parts()
        log.begin_prepared(seq)
        header.continues = False
        if size:
            writer.buffer[writer.end:writer.end + len(body)] = body
            writer.copy(len(body))
            writer.finish(log.seed ^ seq & SEQ_MASK)
        if log.program():
            break
