"""What the spool's figures are measured on: a counting flash, and a spool that lives on it."""

from tidegate_tools import paths

paths.use_device_modules()

from tidegate.clock.anchor import SYNCED  # noqa: E402
from tidegate.clock.monotonic import Monotonic  # noqa: E402
from tidegate.hal.nor import RamFlash  # noqa: E402
from tidegate.limits import TICKS_MASK_MS  # noqa: E402
from tidegate.observe.catalogue import NUMBER, RECORDS, TELEMETRY  # noqa: E402, F401
from tidegate.spool.spool import Spool  # noqa: E402

STORE = bytes(range(8))
MIB_BLOCK_COUNT = 256
UTC_ZERO_MS = 1_768_500_000_000
TURN_MS = 1_000
# Program unit in bytes, and whether a unit may be programmed again.
BYTES, ONCE_16, PAGES = (1, True), (16, False), (256, True)


class CountingFlash(RamFlash):
    """RamFlash that also counts the bytes programmed in each block, and those read of it."""

    def __init__(self, block_count, program_unit_bytes=1, reprogram=True):
        super().__init__(block_count, program_unit_bytes, reprogram)
        self.programmed_counts = [0] * block_count
        self.read_counts = [0] * block_count

    def program(self, offset, data):
        """See `hal.ports.Flash.program`."""
        super().program(offset, data)
        self.programmed_counts[offset // self.block_bytes] += len(data)

    def read(self, offset, buffer):
        """See `hal.ports.Flash.read`."""
        super().read(offset, buffer)
        # Reads stay inside a block, but for those that look whether flash is erased.
        self.read_counts[offset // self.block_bytes] += len(buffer)


class Latest:
    """The last durable values, as a spool wants them of its port, for a stream that is played.

    Argument: ids, a dict from observation id to log.
    """

    def __init__(self, ids):
        self._rows = [(log, observation_id) for observation_id, log in ids.items()]
        self._index = {row[1]: index for index, row in enumerate(self._rows)}
        self._seqs = [0] * len(self._rows)
        self._values = [None] * len(self._rows)
        self.count = len(self._rows)

    def log(self, index):
        """The log of a row."""
        return self._rows[index][0]

    def id(self, index):
        """The observation id of a row."""
        return self._rows[index][1]

    def seq(self, index):
        """The seq of the last value of a row, 0 where there is none."""
        return self._seqs[index]

    def value(self, index):
        """The last value of a row."""
        return self._values[index]

    def put(self, observation_id, seq, value):
        """A value was appended. Of bytes and long texts the place of a digest is taken."""
        index = self._index[observation_id]
        self._seqs[index] = seq
        is_short = isinstance(value, int) or isinstance(value, str) and len(value) <= 32
        self._values[index] = value if is_short else bytes(32)

    def restore(self, observation_id, seq, value, is_digest):
        """A value was found at start-up."""
        self.put(observation_id, seq, value)


class Rig:
    """A spool on a flash of its own, in a time of its own, that lives as in a session.

    Arguments: medium, (program unit, whether it may be programmed again); block_count;
    records_block_count, None for a quarter; latest, the port; flash, to start on one that holds
    a spool.
    """

    def __init__(self, medium=BYTES, block_count=MIB_BLOCK_COUNT, latest=None,
                 records_block_count=None, flash=None):
        self.flash = flash or CountingFlash(block_count, *medium)
        self.monotonic = Monotonic(TICKS_MASK_MS)
        self.monotonic.update(0)
        self.spool = Spool(self.flash, self.monotonic, latest, records_block_count)
        self.spool.recover()
        self.spool.start(STORE, 1, 0)
        self.latest = latest
        self._total_ms = 0

    def at(self, total_ms):
        """It is `total_ms` since the boot. Result: agent ticks."""
        # Sixteen steps to a period: the ticks must be looked at more than once in each.
        while total_ms - self._total_ms > TICKS_MASK_MS >> 4:
            self._total_ms += TICKS_MASK_MS >> 4
            self.spool.idle(self.monotonic.update(self._total_ms & TICKS_MASK_MS))
        self._total_ms = total_ms
        return self.monotonic.update(total_ms & TICKS_MASK_MS)

    def date(self):
        """The time became known, as it does soon after each boot."""
        self.spool.anchor(UTC_ZERO_MS, SYNCED)

    def append(self, row):
        """Append (log, kind, id, value) now. Result: its seq or 0."""
        log, kind, observation_id, value = row
        seq = self.spool.append(log, kind, observation_id, value, self.monotonic.now_ms)
        if seq and isinstance(self.latest, Latest):
            self.latest.put(observation_id, seq, value)
        return seq

    def confirm_all(self):
        """The receiver has all that was appended."""
        for log in self.spool.logs:
            if log.ranges.watermark < log.next_seq - 1:
                log.confirm(log.ranges.watermark + 1, log.next_seq - 1)

    def idle(self):
        """The end of a turn."""
        self.spool.idle(self.monotonic.now_ms)

    def span(self, log):
        """The blocks of a log. Argument: its number. Result: a slice over them."""
        geometry = self.spool.logs[log].geometry
        return slice(geometry.first_block, geometry.first_block + geometry.block_count)

    def programmed_bytes(self, log):
        """All that was programmed of a log."""
        return sum(self.flash.programmed_counts[self.span(log)])

    def used_bytes(self, log):
        """The space that a log has taken since it was formatted, headers and all."""
        log = self.spool.logs[log]
        return log.number * log.block_bytes + log.offset

    def erase_count(self, log):
        """The erases of a log's blocks."""
        return sum(self.flash.erase_counts[self.span(log)])
