"""A metering microcontroller, simulated: what a charger measures, as bytes of a serial line.

Pure: seconds in, bytes out. It says again what SPEC 9.4 lets it say again.
"""

from collections import deque

from tidegate_tools import meter_frames
from tidegate_tools.meter_frames import HEAD_BYTES, OPAQUE, PART

AGAIN_S = 10
OPAQUE_TIMES = 3
SECOND_BYTES_MAX = 1_024
# The device's own count of broken frames.
NOT_SAID = frozenset((813,))
# CRC, both 0x00 and what COBS adds to a whole frame.
_AROUND_BYTES = meter_frames.CRC_BYTES + 2 + 3
_KIND_SHIFT = 12


class Meter:
    """Arguments: source, with step(elapsed_ms, emit); boot, how often it has started.

    `said` are the (id, value) of the last second.
    """

    def __init__(self, source, boot=1):
        self._source = source
        self._boot = boot
        self._seq = 0
        self._begun_s = None
        # id: [second of its last change, value, how often it is still to be said again].
        self._newest = {}
        self._waiting = deque()
        self.said = []

    def second(self, second):
        """What goes over the line in one second of the scenario. Result: frames, coded.

        Numbers and texts go at once. Opaque values wait for room, so that a second never has
        more than SECOND_BYTES_MAX bytes.
        """
        if self._begun_s is None:
            self._begun_s = second
        self.said = []
        self._source.step(second * 1_000, lambda *sample: self.said.append(sample))
        self.said = [sample for sample in self.said if sample[0] not in NOT_SAID]
        for observation_id, value in self.said:
            is_opaque = isinstance(value, bytes)
            self._newest[observation_id] = [second, value, OPAQUE_TIMES - 1 if is_opaque else -1]
        due = [(second, sample) for sample in self.said]
        if second % AGAIN_S == 0:
            due += self._again(second)
        return self._frames(due)

    def _again(self, second):
        """(second of its change, (id, value)) of what was not said in this one."""
        found = []
        for observation_id, newest in self._newest.items():
            changed_s, value, times_left = newest
            if changed_s != second and times_left:
                newest[2] -= 1
                found.append((changed_s, (observation_id, value)))
        return found

    def _frames(self, due):
        at_once = {}
        for changed_s, sample in due:
            for entry in meter_frames.entries(*sample):
                if entry[1] >> _KIND_SHIFT - 8 in (OPAQUE, PART):
                    self._waiting.append((changed_s, entry))
                else:
                    at_once.setdefault(changed_s, []).append(entry)
        frames = []
        for changed_s in sorted(at_once):
            frames += [self._frame(changed_s, content)
                       for content in meter_frames.packed(at_once[changed_s])]
        room = SECOND_BYTES_MAX - sum(map(len, frames))
        while self._waiting:
            changed_s, entry = self._waiting[0]
            room -= HEAD_BYTES + len(entry) + _AROUND_BYTES
            if room < 0:
                break
            self._waiting.popleft()
            frames.append(self._frame(changed_s, entry))
        return frames

    def _frame(self, changed_s, content):
        data = meter_frames.frame(
            self._boot, self._seq, (changed_s - self._begun_s) * 1_000, content)
        self._seq += 1
        return meter_frames.on_line(data)


class Noise:
    """Damages bytes: a bit turned, one lost, one that nobody sent, a byte heard twice.

    Arguments: share of the bytes, 0 to 1; random, a random.Random.
    """

    def __init__(self, share, random):
        self._share = share
        self._random = random

    def on(self, data):
        """What arrives in the place of `data`."""
        arrived = bytearray()
        for byte in data:
            if self._random.random() >= self._share:
                arrived.append(byte)
                continue
            turned = byte ^ 1 << self._random.randrange(8)
            arrived += self._random.choice((
                b"", bytes((turned,)), bytes((byte, turned)), bytes((byte, byte))))
        return bytes(arrived)
