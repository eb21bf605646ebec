"""A spool image opened on the host with the device's own code, damaged or not.

The file is read once and never written; what the device's code works on is a copy in memory.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from tidegate_tools import paths
from tidegate_tools.errors import ToolError

paths.use_device_modules()

from tidegate.clock.monotonic import Monotonic  # noqa: E402
from tidegate.errors import SpoolError  # noqa: E402
from tidegate.hal.nor import RamFlash  # noqa: E402
from tidegate.limits import BLOCK_BYTES, SECTOR_COUNT_MIN, TICKS_MASK_MS  # noqa: E402
from tidegate.observe.catalogue import TELEMETRY  # noqa: E402
from tidegate.spool.sector import COPY_BYTES, SHORT_BYTES, Header  # noqa: E402
from tidegate.spool.spool import Spool, records_sector_count  # noqa: E402

BLANK = 0xFF
# Program unit in bytes, and whether a unit may be programmed only once: what is tried where the
# user says nothing. Where it may be programmed again, its size leaves no trace in the
# image. Boards: any host, ESP32, RP2; ESP32 with flash encryption (two kinds).
MEDIA = ((1, False), (16, True), (32, True))
# So many times the file's blocks is a region tried for, where its headers do not fit the file.
REGION_FACTOR = 4
SAMPLE_COUNT = 200


class Options(NamedTuple):
    """What the user says of an image; None for what is to be found out.

    block_bytes; unit_bytes; is_once; block_count of the region; records_block_count of its second
    log; offset of the region in the file.
    """

    block_bytes: int = BLOCK_BYTES
    unit_bytes: int | None = None
    is_once: bool = False
    block_count: int | None = None
    records_block_count: int | None = None
    offset: int = 0


DEFAULTS = Options()


class Place(NamedTuple):
    """A sector's header that reads well: its block, log and number."""

    block: int
    log: int
    number: int


class SpoolImage(NamedTuple):
    """An opened image: `spool` is recovered, from `data` cut and filled to the region.

    `missing_from` is the first block that the file does not hold whole, `surplus_bytes` what the
    file holds behind the region, `lost_logs` the logs of which no sector can be read although
    they are not blank.
    """

    path: Path
    data: bytes
    block_count: int
    unit_bytes: int
    is_once: bool
    missing_from: int
    surplus_bytes: int
    lost_logs: tuple
    spool: Spool


class _Shape(NamedTuple):
    """What of a flash decides on the logs' shares."""

    block_count: int
    reprogram: bool


def split(block_count, is_once=False, records_block_count=None):
    """The blocks of both logs of a region. SPEC section 7.1."""
    records = records_block_count or records_sector_count(_Shape(block_count, not is_once))
    return block_count - records, records


def open_image(path, options=DEFAULTS):
    """Result: SpoolImage. Errors: ToolError, in one line that says what to do next."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ToolError("%s cannot be read: %s" % (path, error.strerror)) from error
    whole_bytes = len(data)
    data = data[options.offset:]
    places = _places(path, data, options)
    if not places:
        raise ToolError(_nothing(path, data, options))
    block_count = options.block_count or _block_count(places, data, options)
    if block_count < 2 * SECTOR_COUNT_MIN:
        raise ToolError("%s: a region has at least %d blocks, this one %d; give it with --blocks "
                        "and --block-bytes" % (path, 2 * SECTOR_COUNT_MIN, block_count))
    region_bytes = block_count * options.block_bytes
    image = data[:region_bytes].ljust(region_bytes, bytes((BLANK,)))
    spool, medium = _recover(path, image, block_count, options)
    lost_logs = tuple(index for index, each in enumerate(spool.report) if each.is_foreign)
    return SpoolImage(path, image, block_count, *medium, len(data) // options.block_bytes,
                      max(0, whole_bytes - options.offset - region_bytes), lost_logs, spool)


def _places(path, data, options):
    """Every sector header whose first fields are whole. Errors: ToolError for another format."""
    found = []
    media = MEDIA + ((options.unit_bytes or 1, options.is_once),)
    headers = [Header(SimpleNamespace(program_unit_bytes=unit, reprogram=not is_once))
               for unit, is_once in media]
    copies = sorted({0} | {each.copy_bytes for each in headers})
    header = headers[0]
    for block in range(-(-len(data) // options.block_bytes)):
        for copy in copies:
            start = block * options.block_bytes + copy
            fields = data[start:start + SHORT_BYTES]
            try:
                if len(fields) == SHORT_BYTES and header.take_short(fields):
                    found.append(Place(block, header.log, header.number))
                    break
            except SpoolError as error:
                raise ToolError("%s holds a spool of format version %d, which this program does "
                                "not read: use the tidegate of that version"
                                % (path, fields[2])) from error
    return found


def _nothing(path, data, options):
    """What to say of a file without a single header."""
    if not data:
        return "%s is empty%s: there is no spool in it" % (
            path, " behind --offset" if options.offset else "")
    if data.count(BLANK) == len(data):
        return "%s is blank: no spool was started in it yet" % path
    return ("%s holds no spool that can be read: no block of %d bytes begins with a whole sector "
            "header; see whether --block-bytes or --offset is to be given"
            % (path, options.block_bytes))


def _block_count(places, data, options):
    """How many blocks the region has in which the headers stand where they belong.

    That of the file where they do; else the best of what it could have been cut from or be
    followed by. Regions are multiples of 64 KiB where nothing tells them apart.
    """
    own = -(-len(data) // options.block_bytes)
    every = max(1, len(places) // SAMPLE_COUNT)
    sample = places[::every]

    def fit(count):
        return max(_fit(sample, split(count, is_once, options.records_block_count))
                   for is_once in (False, True))

    if fit(own) == len(sample):
        return own
    smallest = min(own, 2 * SECTOR_COUNT_MIN)
    return max(range(smallest, REGION_FACTOR * own + 2 * SECTOR_COUNT_MIN),
               key=lambda count: (fit(count), count == own, count % 16 == 0, -abs(count - own)))


def _fit(places, blocks):
    """How many headers stand where they belong, with so many blocks of each log."""
    if min(blocks) < 1:
        return -1
    first = (0, blocks[TELEMETRY])
    return sum(first[place.log] + place.number % blocks[place.log] == place.block
               for place in places)


def _recover(path, image, block_count, options):
    """The spool under the medium with which most of it can be read. Result: it, the medium."""
    media = MEDIA
    if options.unit_bytes is not None or options.is_once:
        media = ((options.unit_bytes or MEDIA[1][0], options.is_once),)
    best = None
    for medium in media:
        spool = _try(path, image, block_count, medium, options)
        score = sum(each.observation_count - each.lost_count for each in spool.report)
        if best is None or score > best[0]:
            best = (score, spool, medium)
    _settle(path, best[1])
    return best[1:]


def _try(path, image, block_count, medium, options):
    unit_bytes, is_once = medium
    if options.block_bytes % unit_bytes or unit_bytes < 1:
        raise ToolError("--unit %d does not divide blocks of %d bytes: give another one"
                        % (unit_bytes, options.block_bytes))
    flash = RamFlash(block_count, unit_bytes, not is_once, options.block_bytes)
    flash.image[:] = image
    spool = None
    try:
        spool = Spool(flash, Monotonic(TICKS_MASK_MS), None, options.records_block_count)
        spool.recover()
    except SpoolError as error:
        if spool is None or not spool.report:
            raise ToolError("%s: %s" % (path, error)) from error
    return spool


def _settle(path, spool):
    """A device does not go on with one log alone, but here it can be read. Errors: ToolError."""
    stores = {each.store_id for each in spool.report if each.store_id}
    if not stores:
        raise ToolError("%s holds no spool that can be read: no sector header is whole" % path)
    if len(stores) > 1:
        raise ToolError("%s holds logs of two stores, %s: it is not one spool; see whether "
                        "--offset or --blocks is to be given"
                        % (path, " and ".join(sorted(store.hex() for store in stores))))
    spool.store_id = stores.pop()
    spool.boot = max(each.boot for each in spool.report)


assert COPY_BYTES <= BLOCK_BYTES
