"""A metering microcontroller on a serial line, as a source. The protocol is SPEC section 9."""

from tidegate.diag import trail
from tidegate.limits import (
    METER_CHUNK_BYTES, METER_SILENT_TURN_COUNT, METER_STEP_BYTES_MAX, METER_TAKE_UP_TURN_COUNT,
)
from tidegate.sources.meter_frames import (
    BOOT, CUT_SHORT, DAMAGED, FOREIGN, LINE_FAILED, LOST, NAMES, NOISE, REPEATED, RESTARTED, SEQ,
    SILENT, STAMP_REPEATED, TOO_LONG, TYPE, FrameReader,
)
from tidegate.sources.meter_values import PACKET_ERRORS_ID, ValueReader
from tidegate.spool.crc import CRC_BYTES

_TYPE_VALUES = 1
# What a healthy meter may do as well.
_EXPECTED = (RESTARTED, STAMP_REPEATED)
_BOOT_MASK, _BOOT_HALF = 0xFF, 0x80
_SEQ_MASK, _SEQ_HALF = 0xFFFF, 0x8000


class SerialMeter:
    """Reads what waits on the line, and hands on the values of each frame that is new.

    Arguments: line, see `hal.ports.Line`; catalogue.
    Members: counts, by the indexes of `meter_frames.NAMES`; taken_count, frames taken. Nothing
    is raised for what comes over the line: all of it is counted, and noted in the trail.
    """

    def __init__(self, line, catalogue):
        self._line = line
        self._chunk = bytearray(METER_CHUNK_BYTES)
        self.counts = [0] * len(NAMES)
        self.taken_count = 0
        self._reader = FrameReader(self.counts)
        self._values = ValueReader(catalogue, self.counts)
        self._trail = None
        self._told_counts = [0] * len(NAMES)
        self._boot = -1
        self._seq = 0
        self._quiet_turn_count = 0
        self._behind_turn_count = 0

    def follow(self, events):
        """Note in that trail what goes wrong."""
        self._trail = events

    def step(self, elapsed_ms, emit):
        """Take up to METER_STEP_BYTES_MAX bytes. Arguments: ms of the scenario, which do not
        matter here; emit(id, value)."""
        taken_count, repeated_count = self.taken_count, self.counts[REPEATED]
        for _ in range(METER_STEP_BYTES_MAX // METER_CHUNK_BYTES):
            count = self._read()
            if not count:
                break
            self._take(count, emit)
        self._look_after(self.taken_count != taken_count, self.counts[REPEATED] != repeated_count)
        counts = self.counts
        emit(PACKET_ERRORS_ID,
             counts[NOISE] + counts[TOO_LONG] + counts[CUT_SHORT] + counts[DAMAGED])
        self._tell()

    def _read(self):
        try:
            return self._line.readinto(self._chunk)
        except OSError:
            self.counts[LINE_FAILED] += 1
            return 0

    def _take(self, count, emit):
        reader, chunk, at = self._reader, self._chunk, 0
        while at < count:
            at = reader.take(chunk, at, count)
            if reader.size and self._follows(reader.frame):
                self.taken_count += 1
                if reader.frame[TYPE] == _TYPE_VALUES:
                    self._values.give(reader.frame, reader.size - CRC_BYTES, emit)
                else:
                    self.counts[FOREIGN] += 1

    def _follows(self, frame):
        """Whether a frame is ahead of the last one taken (SPEC 9.3); it is that one then."""
        counts, boot, seq = self.counts, frame[BOOT], frame[SEQ] | frame[SEQ + 1] << 8
        ahead = 0
        if boot == self._boot:
            ahead = (seq - self._seq) & _SEQ_MASK
            if not 0 < ahead < _SEQ_HALF:
                counts[REPEATED] += 1
                return False
            counts[LOST] += ahead - 1
        elif self._boot >= 0:
            if (boot - self._boot) & _BOOT_MASK >= _BOOT_HALF:
                counts[REPEATED] += 1
                return False
            counts[RESTARTED] += 1
            counts[LOST] += seq
        if ahead != 1:
            self._values.miss()
        self._boot, self._seq = boot, seq
        return True

    def _look_after(self, has_taken, has_repeated):
        """At the end of a turn: is the meter silent, or another one?"""
        if has_taken:
            self._quiet_turn_count = self._behind_turn_count = 0
            return
        if self._quiet_turn_count < METER_SILENT_TURN_COUNT:
            self._quiet_turn_count += 1
            if self._quiet_turn_count == METER_SILENT_TURN_COUNT:
                self.counts[SILENT] += 1
        self._behind_turn_count += has_repeated
        if self._behind_turn_count == METER_TAKE_UP_TURN_COUNT:
            self._boot = -1

    def _tell(self):
        for index in range(len(NAMES)):
            count = self.counts[index]
            if trail.has_doubled(self._told_counts[index], count):
                self._told_counts[index] = count
                if self._trail is not None:
                    level = trail.INFO if index in _EXPECTED else trail.WARNING
                    self._trail.note(level, "meter: " + NAMES[index], count=count)
