"""An image's sectors, observations and counts as tables, or as dicts for json.dumps."""

import json

from rich.table import Column

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.clock.anchor import QUALITY_NAMES  # noqa: E402
from tidegate.clock.civil import iso_text  # noqa: E402

from tidegate_tools.quantities import load_quantities  # noqa: E402
from tidegate_tools.report import print_rows, ranges_text  # noqa: E402
from tidegate_tools.spool_verdict import log_counts  # noqa: E402
from tidegate_tools.values import to_text  # noqa: E402

SECTOR_COLUMNS = ("log", "sector", "block", "boot", "first seq", "frames", "observations", "used",
                  "damaged", "torn", "state")
OBSERVATION_COLUMNS = ("log", "seq", "boot", "time", "id", "name", "value", "confirmed")
# A terminal too narrow for all may cut names, but no seqs and no times.
UNCUT = ("seq", "time")
COUNT_COLUMNS = ("log", "whole", "confirmed", "unconfirmed", "lost", "evicted", "cut",
                 "damaged bytes", "unreadable blocks", "laps", "erases")
# A table of more rows than these takes longer to lay out than to read.
TABLE_ROW_COUNT_MAX = 2_000
PLAIN = "%-9s %9s %5s %-24s %4s %-28s %-24s %s"


def head_json(image):
    """What is known of the whole image."""
    return {
        "image": str(image.path), "store": image.spool.store_id.hex(), "boot": image.spool.boot,
        "block_bytes": image.spool.flash.block_bytes, "block_count": image.block_count,
        "unit_bytes": image.unit_bytes, "once": image.is_once,
        "missing_from_block": image.missing_from if image.missing_from < image.block_count
        else None, "surplus_bytes": image.surplus_bytes,
    }


def to_json(image, readings, is_sectors_only):
    """The dump: its sectors, and its observations unless only the sectors are wanted."""
    form = dict(head_json(image), logs=[log_counts(each) for each in readings], sectors=[
        dict(sector._asdict(), log=reading.name)
        for reading in readings for sector in reading.sectors])
    if not is_sectors_only:
        quantities = load_quantities()
        form["observations"] = [_observation_json(reading, each, quantities)
                                for reading in readings for each in reading.observations]
    return form


def _observation_json(reading, observation, quantities):
    quantity = quantities.get(observation.id)
    return {
        "log": reading.name, "seq": observation.seq, "boot": observation.boot,
        "mono_ms": observation.mono_ms, "utc_ms": observation.utc_ms,
        "quality": QUALITY_NAMES[observation.quality], "id": observation.id,
        "name": quantity.name if quantity else None,
        "value": json.loads(to_text(observation.value)),
        "shown": shown(observation.value, quantity),
        "confirmed": reading.is_confirmed(observation.seq), "sector": observation.number,
    }


def shown(value, quantity):
    """A value as people read it; of an unknown id as it is."""
    if quantity is not None:
        return quantity.show(value)
    return "%d bytes" % len(value) if isinstance(value, bytes) else str(value)


def time_text(observation):
    """UTC where it is known, else the time since the boot."""
    if observation.utc_ms is None:
        return "+%d.%03d s" % divmod(observation.mono_ms, 1_000)
    return iso_text(observation.utc_ms)


def print_sectors(console, readings):
    """Every block of the logs."""
    rows = []
    for reading in readings:
        for each in reading.sectors:
            known = [("-" if value is None else value)
                     for value in (each.number, each.block, each.boot, each.first_seq)]
            rows.append((reading.name, *known, each.frame_count, each.observation_count,
                         each.used_bytes, each.damaged_bytes, each.torn_bytes, each.state))
    print_rows(console, "sectors", SECTOR_COLUMNS, rows)


def print_observations(console, readings):
    """Every observation of the logs, in order of seq."""
    quantities = load_quantities()
    rows = []
    for reading in readings:
        for each in reading.observations:
            quantity = quantities.get(each.id)
            rows.append((reading.name, each.seq, each.boot, time_text(each), each.id,
                         quantity.name if quantity else "-", shown(each.value, quantity),
                         "yes" if reading.is_confirmed(each.seq) else "no"))
    if len(rows) <= TABLE_ROW_COUNT_MAX:
        columns = [Column(name, no_wrap=name in UNCUT) for name in OBSERVATION_COLUMNS]
        print_rows(console, "observations", columns, rows)
        return
    for row in (OBSERVATION_COLUMNS, *rows):
        console.file.write(PLAIN % tuple(row) + "\n")


def print_counts(console, image, readings):
    """What `verify` counts, and whose spool it is."""
    console.print("store %s, boot %d, %d blocks of %d bytes, program unit %d%s" % (
        image.spool.store_id.hex(), image.spool.boot, image.block_count,
        image.spool.flash.block_bytes, image.unit_bytes, " once" if image.is_once else ""),
        markup=False, highlight=False, soft_wrap=True)
    rows = []
    for counts in map(log_counts, readings):
        rows.append((counts["log"], counts["whole"], counts["confirmed"], counts["unconfirmed"],
                     counts["lost"], counts["evicted"], counts["cut"], counts["damaged_bytes"],
                     len(counts["unreadable_blocks"]), counts["laps"], "not known"))
    print_rows(console, "logs", COUNT_COLUMNS, rows)
    for reading in readings:
        ahead = reading.log.ranges.ranges
        console.print("%s: confirmed up to %d%s" % (
            reading.name, reading.log.ranges.watermark,
            ", and ahead of it " + ranges_text(ahead) if ahead else ""),
            markup=False, highlight=False, soft_wrap=True)
