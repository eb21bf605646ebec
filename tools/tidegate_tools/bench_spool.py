"""`tidegate bench spool`: what keeping an observation costs, against the bounds of the project."""

from tidegate_tools import bench_day, bench_device, bench_littlefs, bench_wear
from tidegate_tools.bench import Figure
from tidegate_tools.bench_rig import (
    BYTES, MIB_BLOCK_COUNT, NUMBER, ONCE_16, PAGES, RECORDS, TELEMETRY, Latest, Rig,
)

PER_OBSERVATION = "bytes"
SAMPLE_COUNT = 3_000
CYCLE_COUNT = 100_000
YEARS, DAYS_PER_YEAR, PER_DAY = 10, 365.25, 9_000
HURRIED_DAY_COUNT = 3
TELEMETRY_BLOCK_COUNT = MIB_BLOCK_COUNT * 3 // 4
KIB = 1_024


def run(note=lambda step: None):
    """All figures of the spool. Argument: note, told each step. Result: a list of Figure."""
    day = bench_day.live((BYTES, ONCE_16, PAGES), note=note)
    figures = day_figures(day) + [littlefs_figure(day, note)] + hurried_figures(day, note)
    figures += wear_figures(day, note)
    figures += full_figures(day, note)
    return figures + heap_figures(note) + rate_figures(note)


def thousands(number):
    """84,211 for 84211.4."""
    return "{:,.0f}".format(number)


def per_observation(day, index, measure):
    """What a rig's `measure` of telemetry is, per observation of the day."""
    return measure(day.rigs[index], TELEMETRY) / day.count(TELEMETRY)


def day_figures(day):
    """What simulated days sent live program and take."""
    counts = (day.count(TELEMETRY), day.count(TELEMETRY, NUMBER), day.count(RECORDS))
    rested_on = "%d days have %s observations of telemetry, %s of them numbers, and %s records; " \
        "%s bytes are programmed in the first second, boot and first values" % (
            len(day.turns) // bench_day.DAY_S, *map(thousands, (*counts, day.begin_bytes[0])))
    programmed = Rig.programmed_bytes
    return [
        Figure("programmed per numeric observation, unit 1",
               per_observation(day, 0, programmed), PER_OBSERVATION, 15, 12.5, note=rested_on),
        Figure("programmed per numeric observation, unit 16 once",
               per_observation(day, 1, programmed), PER_OBSERVATION, 21, 18),
        Figure("space per numeric observation, pages of 256 programmed again",
               per_observation(day, 2, Rig.used_bytes), PER_OBSERVATION, 15, 12.5),
    ]


def littlefs_figure(day, note):
    """A flushed file's programmed bytes over ours, for the same observations."""
    note("the same records on littlefs")
    rows = [(second, row) for second, rows in enumerate(day.turns) for row in rows
            if row[0] == TELEMETRY and row[1] == NUMBER][:SAMPLE_COUNT]
    theirs, erases = bench_littlefs.append_all([
        bench_littlefs.record(number, second * 1_000, row[2], row[3])
        for number, (second, row) in enumerate(rows, 1)])
    ours = per_observation(day, 0, Rig.programmed_bytes)
    return Figure("littlefs append + flush : ours, programmed", theirs / ours, "times", 140, 175,
                  "higher", "littlefs programs %.0f bytes and erases %.2f blocks a record, over "
                  "%s records; ours programs %.2f" % (theirs, erases, thousands(len(rows)), ours))


def hurried_figures(day, note):
    """The live days again, with as many observations as the ten years are reckoned with."""
    figures = []
    hurried = bench_day.hurried(day, PER_DAY)
    for name, medium in (("unit 1", BYTES), ("unit 16 once", ONCE_16)):
        note("%s observations a day, %s" % (thousands(PER_DAY), name))
        rig = Rig(medium, latest=Latest(day.ids()))
        rig.date()
        log = rig.spool.logs[TELEMETRY]
        bench_day.play(rig, hurried, lambda log=log: log.next_seq > PER_DAY * HURRIED_DAY_COUNT)
        count = log.next_seq - 1
        figures.append(Figure(
            "programmed per observation at %s a day, %s" % (thousands(PER_DAY), name),
            rig.programmed_bytes(TELEMETRY) / count, PER_OBSERVATION,
            note="%s observations of %d days" % (thousands(count), HURRIED_DAY_COUNT)))
    return figures


def wear_figures(day, note):
    """Erases, their evenness, and what ten years do."""
    figures = []
    found = {}
    for name, medium, must, aim in (("unit 1", BYTES, 4.2, 3.4),
                                    ("unit 16 once", ONCE_16, 5.5, 4.4)):
        note("laps, " + name)
        found[name] = bench_wear.laps(day, medium)
        figures.append(Figure("erases per 1,000 observations, " + name, found[name].per_1000,
                              "erases", must, aim))
    spread = max(each.spread for each in found.values())
    figures.append(Figure(
        "erase counts, max - min over a log's sectors", spread, "erases", 1, 1,
        note="after %d laps of telemetry and %d of records" % found["unit 1"].lap_counts))
    for name, each in found.items():
        erases = ten_years(each.per_1000)
        figures.append(Figure(
            "erases of each block in %d years at %s observations a day, %s"
            % (YEARS, thousands(PER_DAY), name), erases, "erases", note="%.2f %% of %s cycles"
            % (100 * erases / CYCLE_COUNT, thousands(CYCLE_COUNT))))
    return figures


def ten_years(per_1000):
    """Erases of each telemetry block of a 1 MiB region in YEARS."""
    return per_1000 / 1_000 * PER_DAY * DAYS_PER_YEAR * YEARS / TELEMETRY_BLOCK_COUNT


def full_figures(day, note):
    """A log of 1 MiB that is full: what it holds, what starting on it reads."""
    full = bench_wear.full(day, note=note)
    whole = bench_wear.whole_start_bytes(day, note)
    return [
        Figure("read at start-up, full log of 1 MiB", full.start_bytes_max / KIB, "KiB", 40, 24,
               note="the most of %d places of the head" % full.start_count),
        Figure("read at start-up, region of 1 MiB with both logs full", whole / KIB, "KiB"),
        Figure("numeric observations kept in 1 MiB", full.held_count_min, "observations",
               65_000, 80_000, "higher"),
    ]


def heap_figures(note):
    """The 32-bit heap: what a spool keeps, and what appending takes."""
    kept_name = "heap kept by a mounted spool of two logs, 32-bit"
    names = ("heap allocated by 10,000 numeric appends within a sector, 32-bit",
             "heap allocated by an append that opens a sector",
             "heap allocated by idle work beside 10,000 appends")
    note("heap of a mounted spool")
    try:
        kept = bench_device.heap_kept()
        note("heap of appends")
        taken = bench_device.heap_appended()
    except bench_device.NotMeasured as error:
        why = "not measured: %s" % error
        return [Figure(kept_name, None, "KiB", 6, 4, note=why),
                Figure(names[0], None, PER_OBSERVATION, 0, 0, note=why)]
    return [
        Figure(kept_name, kept["started"] / KIB, "KiB", 6, 4,
               note="%(started)s bytes with all ranges ahead of the watermark in use; "
               "%(recovered)s while it was being mounted" % kept),
        Figure(names[0], taken["within"], PER_OBSERVATION, 0, 0,
               note="the clock beyond 2^30 ms; %(within_count)s appends allocated; the first of a "
               "boot took %(warm_up)s bytes for views made once" % taken),
        Figure(names[1], taken["across"] / max(1, taken["sector_count"]), PER_OBSERVATION,
               note="of %(sector_count)s" % taken),
        Figure(names[2], taken["idle"], PER_OBSERVATION),
    ]


def rate_figures(note):
    """Appends per second against a flushed file, as ratios."""
    name = "append rate, ours on the NOR model : 32 B write + flush on VfsLfs2 in RAM"
    note("append rates")
    try:
        rates = bench_device.append_rates()
    except bench_device.NotMeasured as error:
        return [Figure(name, None, "times", 8, 15, "higher", "not measured: %s" % error)]
    return [
        Figure(name, rates.ratio, "times", 8, 15, "higher",
               "%.1f us against %.1f us, on MicroPython's Unix port; program size of VfsLfs2 128"
               % (rates.ours_us, rates.file_us)),
        Figure("the same with VfsLfs2's default program size", rates.default_ratio, "times",
               better="higher"),
        Figure("the same with VfsLfs2 on the NOR model too", rates.nor_ratio, "times",
               better="higher"),
    ]
