"""Laps, full logs, starts: the figures that need a ring to have come round."""

from typing import NamedTuple

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.observe.catalogue import NUMBER, RECORDS, TELEMETRY  # noqa: E402

from tidegate_tools.bench_day import Day, play  # noqa: E402
from tidegate_tools.bench_rig import (  # noqa: E402
    BYTES, MIB_BLOCK_COUNT, CountingFlash, Latest, Rig,
)

LAP_COUNT = 50
# Small, so that laps are short; what a sector costs does not depend on how many there are.
LAP_BLOCK_COUNT = 16
RECORDS_BLOCK_COUNT_MIN = 4
# Places of the head at which start-up is tried: over more than one checkpoint's distance.
START_SECTOR_COUNT = 9
STARTS_PER_SECTOR = 12


class Laps(NamedTuple):
    """What many laps did: `spread`, the largest erase count of a log less its smallest;
    `per_1000`, erases of telemetry per 1,000 observations once the ring is under way;
    `lap_counts` of both logs.
    """

    spread: int
    per_1000: float
    lap_counts: tuple


def laps(day, medium, lap_count=LAP_COUNT, block_count=LAP_BLOCK_COUNT):
    """Plays a day, live, until telemetry has come round `lap_count` times. Result: Laps."""
    rig = Rig(medium, block_count, Latest(day.ids()))
    rig.date()
    log = rig.spool.logs[TELEMETRY]
    per_lap = log.geometry.block_count
    play(rig, day, lambda: log.number >= per_lap)
    first_seq, first_erases = log.next_seq, rig.erase_count(TELEMETRY)
    play(rig, day, lambda: log.number >= per_lap * lap_count)
    erases = rig.erase_count(TELEMETRY) - first_erases
    spreads = []
    for index in (TELEMETRY, RECORDS):
        counts = rig.flash.erase_counts[rig.span(index)]
        spreads.append(max(counts) - min(counts))
    return Laps(max(spreads), 1_000 * erases / (log.next_seq - first_seq),
                tuple(each.number // each.geometry.block_count for each in rig.spool.logs))


def telemetry_numbers(day):
    """The same day with nothing but its numbers of telemetry."""
    return Day([[row for row in rows if row[0] == TELEMETRY and row[1] == NUMBER]
                for rows in day.turns], ())


class Full(NamedTuple):
    """A full log that nobody empties: `held_count_min`, the fewest observations it held over
    sector boundaries; `start_bytes_max`, the most that start-up read of it in `start_count` tries.
    """

    held_count_min: int
    start_bytes_max: int
    start_count: int


def full(day, medium=BYTES, block_count=MIB_BLOCK_COUNT, sector_count=START_SECTOR_COUNT,
         note=lambda step: None):
    """Fills a telemetry log of `block_count` blocks with numbers, without a session, and goes on
    for `sector_count` sectors, over which it is looked at. Result: Full."""
    day = telemetry_numbers(day)
    rig = Rig(medium, block_count + RECORDS_BLOCK_COUNT_MIN, Latest(day.ids()),
              RECORDS_BLOCK_COUNT_MIN)
    rig.date()
    log = rig.spool.logs[TELEMETRY]
    note("filling a log")
    play(rig, day, lambda: log.number > block_count, is_live=False)
    note("starting on a full log")
    seen = {"number": log.number, "held": [held_count(rig)], "read": [], "end": log.number}
    seen["end"] += sector_count
    every = max(1, held_count(rig) // block_count // STARTS_PER_SECTOR)

    def each(row):
        if log.number != seen["number"]:
            seen["number"] = log.number
            seen["held"].append(held_count(rig))
        if log.next_seq % every == 0:
            seen["read"].append(start_bytes(rig, day.ids()))

    play(rig, day, lambda: log.number >= seen["end"], is_live=False, each=each)
    assert read_count(rig) == held_count(rig), "what is counted as held can be read"
    return Full(min(seen["held"]), max(seen["read"]), len(seen["read"]))


def held_count(rig):
    """How many observations telemetry holds, counted from its headers."""
    log = rig.spool.logs[TELEMETRY]
    return log.next_seq - log.geometry.first_begun(log.oldest, log.number)


def read_count(rig):
    """How many observations telemetry holds, counted by reading them."""
    cursor = rig.spool.cursor(TELEMETRY)
    cursor.seek(1)
    count = 0
    while cursor.next():
        count += 1
    return count


def start_bytes(rig, ids, log=TELEMETRY):
    """Bytes that a start on a copy of the flash reads of a log, or of all (None)."""
    source = rig.flash
    flash = CountingFlash(source.block_count, source.program_unit_bytes, source.reprogram)
    flash.image[:] = source.image
    telemetry = rig.span(TELEMETRY)
    records_count = source.block_count - (telemetry.stop - telemetry.start)
    again = Rig(latest=Latest(ids), records_block_count=records_count, flash=flash)
    assert again.spool.logs[TELEMETRY].next_seq >= rig.spool.logs[TELEMETRY].next_seq
    return flash.read_bytes_count if log is None else sum(flash.read_counts[rig.span(log)])


def whole_start_bytes(day, note=lambda step: None, block_count=MIB_BLOCK_COUNT, try_count=60):
    """The most that start-up reads of both logs of a region, both full. Result: bytes."""
    rig = Rig(BYTES, block_count, Latest(day.ids()))
    rig.date()
    telemetry, records = rig.spool.logs
    note("filling both logs")
    # Records are confirmed, else they would be refused; so their log is as long as it can be.
    play(rig, day, lambda: (telemetry.number > telemetry.geometry.block_count
                            and records.number > records.geometry.block_count))
    found = []
    note("starting on both logs")

    def each(row):
        if telemetry.next_seq % 37 == 0:
            found.append(start_bytes(rig, day.ids(), None))

    play(rig, day, lambda: len(found) >= try_count, each=each)
    return max(found)

