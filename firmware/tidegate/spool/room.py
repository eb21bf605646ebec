"""Making room at the head of a log: what may be erased, and when. SPEC section 7.4.

Repair rule: whatever is erased was noted before, in the head, as confirmed or as a gap; so a cut
at any moment finds either the observations or the note. Sectors give way two ahead of need, so
that a head which can take no more notes (its tail is torn) still has a free sector behind it.
"""

from tidegate.errors import FlashError
from tidegate.limits import (
    FACT_BYTES_MASK, FACT_SHARE_PERCENT, NOTE_ROOM_BYTES, RETIRED_COUNT_MAX,
)
from tidegate.spool import frame


class Gap:
    """Observations that gave way unconfirmed: first..last, `count` of them; the first of their
    sectors had (boot, base_ms, wrap_count) `begin`, the first sector that did not give way `end`.
    """

    def __init__(self, first, last, count, begin, end):
        self.first = first
        self.last = last
        self.count = count
        self.begin = begin
        self.end = end


def prepare(log, reserve_count):
    """Have the block of the next sector erased, and `reserve_count` behind it free to be erased.

    Result: False where observations that are not confirmed stand there and do not give way.
    Errors: FlashError where no block can be erased any more.
    """
    geometry = log.geometry
    for _ in range(geometry.block_count):
        number = log.prepared if log.prepared >= 0 else log.next_number(log.number)
        victim = number - geometry.block_count
        last = log.next_number(number, reserve_count) - geometry.block_count
        if last >= log.oldest and not _give_way(log, last):
            # A head that takes no note: its reserve is there for that.
            if log.evicts:
                if victim >= log.oldest:
                    _give_way(log, victim, True)
            elif not reserve_count or not _note_elsewhere(log, victim, last):
                return False
            else:
                continue
        if log.prepared >= 0:
            return True
        if _erase(log, number):
            log.prepared = number
            return True
    raise FlashError("no block of the log can be erased any more; replace the flash")


def distrust_next(log):
    """After a power cut the next block may hold a torn header: erase it, unless it is a sector of
    the lap before, whole.

    Where a unit takes one program, a start cannot make a torn header firm that reads as whole: it
    opens the next one, so that a cut there leaves two.
    """
    block_count = log.geometry.block_count
    header = log.scratch
    for distance in (1,) if log.geometry.flash.reprogram else (2, 1):
        number = log.next_number(log.number, distance)
        if (log.geometry.read_block(number % block_count, header)
                and header.number < log.number):
            continue
        if distance == 1:
            log.oldest = max(log.oldest, number - block_count + 1)
        if _erase(log, number) and distance == 1:
            log.prepared = number


def clear_second(log):
    """Before the very first sector: cuts may have left a header behind it, too."""
    start = log.geometry.offset(1)
    if not log.reader.is_erased(start, start + log.block_bytes):
        _erase(log, 1)


def retire(log, number):
    """The block of a sector failed: note that it is passed over from now on."""
    block = number % log.geometry.block_count
    if block in log.retired or len(log.retired) >= RETIRED_COUNT_MAX:
        return
    log.retired.append(block)
    # Before a boot stands on flash nothing may be written in its name.
    if log.number >= 0 and log.is_tail_trusted:
        note_retired(log)


def note_retired(log):
    """Write the retired blocks to flash, where there is room; a checkpoint tells them as well."""
    if log.begin_note(frame.RETIRED, log.now_ms(), is_urgent=True):
        log.put_retired()
        log.end_note()


def is_open_to_data(log):
    """Whether the newest sector is none of the reserve, which is for notes."""
    last = log.next_number(log.number, log.data_reserve_count) - log.geometry.block_count
    return last < log.oldest or _give_way(log, last)


def has_for(log, size):
    """Whether a log has room for a value of `size` bytes in parts."""
    if log.evicts:
        return True
    part_bytes = log.writer.frame_bytes_max - 2 * frame.PART_OVERHEAD_BYTES
    size += (size // part_bytes + 1) * frame.PART_OVERHEAD_BYTES
    size -= log.data_end - log.offset
    if size <= 0:
        return True
    usable_bytes = log.data_end - log.geometry.header_bytes
    sector_count = -(-size // usable_bytes)
    sector_count += log.data_reserve_count
    victim = log.next_number(log.number, sector_count) - log.geometry.block_count
    if victim < log.oldest:
        return True
    return victim < log.number and not _missing_count(log, victim)


def is_full_of_facts(log):
    """Whether numbers and texts that are not confirmed have used up their share of the records.

    Without this bound a device that reboots without end would fill the room of signed values.
    """
    if log.number < 0:
        return False
    share_bytes = log.geometry.block_count * log.block_bytes * FACT_SHARE_PERCENT // 100
    header = log.scratch
    number = log.geometry.find(log.ranges.skip(1), log.oldest, log.number)
    while number <= log.number and not log.geometry.read_header(number, header):
        number += 1
    held_bytes = (log.header.fact_bytes - header.fact_bytes) & FACT_BYTES_MASK
    return number <= log.number and held_bytes >= share_bytes


def _erase(log, number):
    log.reader.forget()
    try:
        log.geometry.erase(number)
    except FlashError:
        retire(log, number)
        return False
    return True


def _last_seq(log, upto):
    """The last seq of sector `upto`: what begins in the next readable one comes behind it."""
    first = log.geometry.first_begun(upto + 1, log.number)
    return (log.next_seq if first < 0 else first) - 1


def _missing_count(log, upto):
    """How many observations up to sector `upto` are neither confirmed nor given way."""
    first = log.gap.last + 1 if log.gap is not None else 1
    return log.ranges.missing_count(first, _last_seq(log, upto))


def _give_way(log, upto, without_note=False):
    """Sectors up to `upto` may be erased from now on. Result: whether that could be noted."""
    missing_count = _missing_count(log, upto)
    if missing_count:
        if not log.evicts:
            return False
        if log.offset + 2 * NOTE_ROOM_BYTES <= log.block_bytes:
            # Where there is room for both; the gap alone brings the watermark with it.
            log.note_confirmed(is_urgent=True)
        if not _take_gap(log, upto, missing_count, without_note):
            return False
    elif _last_seq(log, upto) > log.noted_watermark and not log.note_confirmed(is_urgent=True):
        return False
    log.oldest = upto + 1
    return True


def _note_elsewhere(log, victim, last):
    """Open a sector of the reserve for the note that would free more, where the head is full.

    Where the reserve is used up, by starts on a medium that takes one program, what the receiver
    has confirmed is erased before that is noted: else nothing could ever be noted again.
    """
    if _missing_count(log, last):
        return False
    if log.offset + NOTE_ROOM_BYTES <= log.block_bytes:
        return False
    log.oldest = max(log.oldest, victim + 1)
    return log.open_sector(log.now_ms(), 0) and log.note_confirmed(is_urgent=True)


def _take_gap(log, upto, missing_count, without_note):
    """Join what gives way to the gap. Result: whether it is noted; else nothing is changed, or
    `without_note` it is noted later."""
    gap, last = log.gap, _last_seq(log, upto)
    header = log.scratch
    log.geometry.read_header(upto + 1, header)
    end = (header.boot, header.base_ms, header.wrap_count)
    if gap is None:
        log.geometry.read_header(log.oldest, header)
        begin = (header.boot, header.base_ms, header.wrap_count)
        log.gap = Gap(log.ranges.skip(1), last, missing_count, begin, end)
    else:
        log.gap = Gap(gap.first, last, gap.count + missing_count, gap.begin, end)
    log.evicted_count += missing_count
    log.is_gap_unnoted = not note_gap(log, True)
    if without_note or not log.is_gap_unnoted:
        return True
    log.is_gap_unnoted = False
    log.evicted_count -= missing_count
    log.gap = gap
    return False


def note_gap(log, is_urgent):
    """Write the gap to flash. Result: whether it is there."""
    if not log.begin_note(frame.GAP, log.now_ms(), is_urgent=is_urgent):
        return False
    log.put_gap()
    return log.end_note()
