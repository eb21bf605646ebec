"""Start-up: from the bytes on flash to a log that can go on.

Repair rule: the newest whole sector is the head. Where its last frame is followed by erased
flash throughout, the log goes on behind it. Where anything else stands there (a torn program),
the rest of that sector is left alone, the torn slot consumes its seq, and the log goes on in the
next sector; readers see the consumed seq as a hole.
"""

from tidegate.limits import BLOCK_BYTES
from tidegate.spool import frame, sector
from tidegate.spool.cursor import END, OBSERVATION, Cursor


class Recovered:
    """What start-up found in one log: boot (the highest), store_id (empty where the log is
    blank), observation_count, is_cut (a torn tail was left behind), is_foreign (bytes without a
    readable sector)."""

    def __init__(self):
        self.boot = 0
        self.store_id = b""
        self.observation_count = 0
        self.is_cut = False
        self.is_foreign = False


def recover(log, reader, restore):
    """Bring a Log to where its flash says it stands.

    Arguments: log, fresh; reader, a Frame; restore(observation_id, value), called for every
    observation held, in order of seq. Result: Recovered. Errors: SpoolError for a format version
    that this agent does not know.
    """
    found = Recovered()
    geometry = log.geometry
    header = sector.Header()
    newest = -1
    is_blank = True
    for index in range(geometry.block_count):
        if geometry.read_header(index, header):
            if header.number > newest:
                newest = header.number
                found.store_id, found.boot = header.store_id, header.boot
        elif is_blank and not geometry.is_blank(index):
            is_blank = False
    if newest < 0:
        found.is_foreign = not is_blank
        return found
    log.oldest = newest
    for number in range(max(0, newest - geometry.block_count + 1), newest):
        if (geometry.read_header(number % geometry.block_count, header)
                and header.number == number):
            log.oldest = number
            break
    _read_all(log, newest, Cursor(log, reader), restore, found)
    return found


def _read_all(log, newest, cursor, restore, found):
    log.adopt(newest, BLOCK_BYTES)
    cursor.seek(0)
    cursor.next_seq = cursor.take_hole()[1] + 1
    while True:
        step = cursor.step(True)
        if step == END:
            break
        if step == OBSERVATION:
            found.observation_count += 1
            restore(cursor.frame.observation_id, cursor.frame.value)
        elif cursor.frame.control == frame.CONFIRMED:
            _restore_ranges(log.ranges, cursor.frame.numbers)
        if cursor.boot > found.boot:
            found.boot = cursor.boot
    log.next_seq = cursor.next_seq
    found.is_cut = not _is_tail_blank(log.geometry, newest, cursor.offset)
    log.adopt(newest, BLOCK_BYTES if found.is_cut else cursor.offset)
    if found.is_cut:
        log.next_seq += 1


def _restore_ranges(ranges, numbers):
    ranges.add(1, numbers[0])
    end = numbers[0]
    for at in range(1, len(numbers) - 1, 2):
        first = end + numbers[at]
        end = first + numbers[at + 1] - 1
        ranges.add(first, end)


def _is_tail_blank(geometry, number, offset):
    byte = bytearray(64)
    base = geometry.offset(number)
    while offset < BLOCK_BYTES:
        count = min(len(byte), BLOCK_BYTES - offset)
        view = memoryview(byte)[:count]
        geometry.flash.read(base + offset, view)
        if bytes(view) != b"\xff" * count:
            return False
        offset += count
    return True
