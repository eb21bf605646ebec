"""The spool: both logs on one region of flash, under one store id."""

from tidegate.errors import SpoolError
from tidegate.limits import (
    BLOCK_BYTES_MIN, ONCE_RESERVE_COUNT, RECORDS_SHARE_PERCENT, SECTOR_COUNT_MIN, STORE_ID_BYTES,
)
from tidegate.spool import room
from tidegate.spool.anchors import Anchors
from tidegate.spool.checkpoint import Checkpoint, NoLatest
from tidegate.spool.cursor import Cursor
from tidegate.spool.frame import FrameWriter
from tidegate.spool.log import Log
from tidegate.spool.pin import pin, seal
from tidegate.spool.reader import FrameReader
from tidegate.spool.recovery import recover
from tidegate.spool.sector import Geometry, Header

TELEMETRY, RECORDS = 0, 1


def records_sector_count(flash):
    """How many of a region's blocks are the log records, unless a board says so itself."""
    least = SECTOR_COUNT_MIN + (0 if flash.reprogram else ONCE_RESERVE_COUNT)
    return max(least, flash.block_count * RECORDS_SHARE_PERCENT // 100)


class Spool:
    """Keeps what was accepted until the receiver has confirmed it.

    Arguments: flash, the port; monotonic, the time of this boot; latest, the port that knows the
    last durable value of each observation (see `checkpoint.Checkpoint` and `checkpoint.apply`),
    or None; records_block_count, of the log records, a quarter unless given.
    After `start`: store_id, boot (of this start), logs (telemetry, records), anchors, report.
    """

    def __init__(self, flash, monotonic, latest=None, records_block_count=None):
        if flash.block_count < 2 * SECTOR_COUNT_MIN or flash.block_bytes < BLOCK_BYTES_MIN:
            raise SpoolError("the flash region has %d blocks of %d bytes; it must have %d of %d"
                             % (flash.block_count, flash.block_bytes, 2 * SECTOR_COUNT_MIN,
                                BLOCK_BYTES_MIN))
        records_count = records_block_count or records_sector_count(flash)
        telemetry_count = flash.block_count - records_count
        scratch, looking = Header(flash), Header(flash)
        writer = FrameWriter(flash, 2 * scratch.copy_bytes)
        self._reader = FrameReader(flash)
        self.anchors = Anchors()
        self.logs = tuple(
            Log(Geometry(flash, first_block, block_count, log, looking),
                (writer, self._reader, Header(flash), scratch),
                monotonic, self.anchors, log == TELEMETRY)
            for log, first_block, block_count in (
                (TELEMETRY, 0, telemetry_count), (RECORDS, telemetry_count, records_count)))
        self._latest = latest or NoLatest()
        for log in self.logs:
            log.checkpoint = Checkpoint(log, self._latest)
        self.flash = flash
        self.store_id = b""
        self.boot = 0
        self.report = ()

    def recover(self):
        """Read what the flash holds, changing nothing.

        Result: True; False where the region is blank throughout and may be formatted.
        Errors: SpoolError where it holds something else, or another format version.
        """
        self.report = [recover(log, self._reader, self._latest) for log in self.logs]
        telemetry, records = self.report
        if telemetry.is_foreign or records.is_foreign or records.store_id and (
                records.store_id != telemetry.store_id):
            raise SpoolError("the flash region holds bytes that are no spool; check the region, "
                             "then erase it to have it formatted")
        self.store_id = telemetry.store_id
        self.boot = max(telemetry.boot, records.boot)
        return bool(self.store_id)

    def start(self, store_id, cause, now_ms):
        """Begin the next boot, under a fresh store id where there is none.

        Arguments: store_id, 8 random bytes, used only on a blank region; cause, the reset
        cause's number; now_ms, agent ticks. May erase a block of each log.
        """
        if not self.store_id:
            assert len(store_id) == STORE_ID_BYTES
            self.store_id = store_id
        self.boot += 1
        before = self.report[TELEMETRY]
        self.anchors.follow(self.boot, before.boot, before.end_ms)
        for log, found in zip(self.logs, self.report):
            log.header.store_id = self.store_id
            if found.cursor is not None:
                pin(log, found)
                found.cursor = None
            log.start(self.store_id, self.boot, cause, now_ms)
        telemetry = self.logs[TELEMETRY]
        telemetry.wake(now_ms)
        if telemetry.offset >= telemetry.block_bytes:
            telemetry.open_sector(now_ms, 0)
            # That was one of the reserve: whole again, before a cut finds it used up.
            room.is_open_to_data(telemetry)
        for log in self.logs:
            if log.is_awake or not self.flash.reprogram:
                log.checkpoint.step(now_ms)

    def append(self, log, kind, observation_id, value, now_ms):
        """Make one observation durable; see `Log.append`."""
        return self.logs[log].append(kind, observation_id, value, now_ms)

    def cursor(self, log):
        """A new Cursor of a log. All of them share one buffer: use what one read at once."""
        return Cursor(self.logs[log], self._reader)

    def anchor(self, utc_zero_ms, quality):
        """Note what is now known of this boot's UTC."""
        self.anchors.put(self.boot, utc_zero_ms, quality)
        for log in self.logs:
            log.anchor(utc_zero_ms, quality)

    def idle(self, now_ms):
        """Work that can wait; see `Log.idle`."""
        for log in self.logs:
            log.idle(now_ms)

    def close(self):
        """Note what is confirmed. Nothing else needs an orderly end."""
        for log in self.logs:
            log.note_confirmed()
            # Where there is no sector for it any more.
            log.note_confirmed(is_urgent=True)
            if log.is_awake and not self.flash.reprogram:
                seal(log)
