"""The spool: both logs on one region of flash, under one store id."""

from tidegate.errors import SpoolError
from tidegate.limits import RECORDS_SHARE_PERCENT, SECTOR_COUNT_MIN, STORE_ID_BYTES
from tidegate.spool import frame
from tidegate.spool.cursor import Cursor
from tidegate.spool.log import Log
from tidegate.spool.recovery import recover
from tidegate.spool.sector import Geometry

TELEMETRY, RECORDS = 0, 1


class Spool:
    """Keeps what was accepted until the receiver has confirmed it.

    Arguments: flash, the port; monotonic, the time of this boot.
    After `mount`: store_id, boot (of this start), logs (telemetry, records), report.
    """

    def __init__(self, flash, monotonic):
        if flash.block_count < 2 * SECTOR_COUNT_MIN:
            raise SpoolError("the flash region has %d blocks; give it at least %d"
                             % (flash.block_count, 2 * SECTOR_COUNT_MIN))
        table = frame.crc24_table()
        self._reader = frame.Frame(table)
        writer = frame.FrameWriter(table, flash.program_unit_bytes)
        records_count = max(SECTOR_COUNT_MIN, flash.block_count * RECORDS_SHARE_PERCENT // 100)
        telemetry_count = flash.block_count - records_count
        self.logs = (
            Log(Geometry(flash, 0, telemetry_count, TELEMETRY, table), writer, monotonic, True),
            Log(Geometry(flash, telemetry_count, records_count, RECORDS, table), writer,
                monotonic, False),
        )
        self.flash = flash
        self.store_id = b""
        self.boot = 0
        self.report = ()

    def recover(self, restore):
        """Read what the flash holds, changing nothing.

        Argument: restore(observation_id, value), called for each observation held.
        Result: True; False where the region is blank throughout and may be formatted.
        Errors: SpoolError where it holds something else, or another format version.
        """
        self.report = [recover(log, self._reader, restore) for log in self.logs]
        if any(each.is_foreign for each in self.report):
            raise SpoolError("the flash region holds bytes that are no spool; check the region, "
                             "then erase it to have it formatted")
        for each in self.report:
            self.store_id = each.store_id or self.store_id
            self.boot = max(self.boot, each.boot)
        return bool(self.store_id)

    def start(self, store_id, cause, now_ms):
        """Begin the next boot, under a fresh store id where there is none.

        Arguments: store_id, 8 random bytes, used only on a blank region; cause, the reset
        cause's number; now_ms, agent ticks.
        """
        if not self.store_id:
            assert len(store_id) == STORE_ID_BYTES
            self.store_id = store_id
        self.boot += 1
        for log in self.logs:
            log.start(self.store_id, self.boot, cause, now_ms)

    def append(self, log, kind, observation_id, value, now_ms):
        """Make one observation durable; see `Log.append`."""
        return self.logs[log].append(kind, observation_id, value, now_ms)

    def cursor(self, log):
        """A new Cursor of a log. All of them share one buffer: use what one read at once."""
        return Cursor(self.logs[log], self._reader)

    def anchor(self, utc_zero_ms, quality):
        """Note in both logs what is now known of this boot's UTC."""
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
