"""Fakes of the ports, for tests on both interpreters: time, chance and bytes are arguments."""

from tidegate.errors import FlashError
from tidegate.hal.nor import RamFlash
from tidegate.limits import BLOCK_BYTES


class Random:
    """Numbers that look random and are the same on every interpreter: xorshift of 32 bits."""

    def __init__(self, seed):
        self._state = (seed * 2_654_435_761 + 0x9E3779B9) & 0xFFFFFFFF or 1

    def below(self, bound):
        """A number of 0..bound-1."""
        state = self._state
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        self._state = state
        return (state >> 4) % bound

    def between(self, low, high):
        """A number of low..high, both inside."""
        return low + self.below(high - low + 1)

    def data(self, count):
        """Bytes."""
        return bytes(self.below(256) for _ in range(count))


class SimClock:
    """A clock that stands until `now_ms` is set. Argument: utc_zero_ms, the UTC of its 0."""

    def __init__(self, ticks_mask_ms=(1 << 30) - 1, utc_zero_ms=None, quality=2):
        self.ticks_mask_ms = ticks_mask_ms
        self.utc_zero_ms = utc_zero_ms
        self.quality = quality
        self.now_ms = 0
        self.speed = 1

    def ticks_ms(self):
        return self.now_ms & self.ticks_mask_ms

    def utc_ms(self):
        if self.utc_zero_ms is None:
            return None
        return self.utc_zero_ms + self.now_ms, self.quality


class SeededEntropy:
    """Entropy out of a seed."""

    def __init__(self, random):
        self.random_bytes = random.data


class FakeKeep:
    """Records that outlive whoever saved them."""

    def __init__(self):
        self.records = {}
        self.save_count = 0

    def load(self, name):
        return self.records.get(name, b"")

    def save(self, name, record):
        self.records[name] = record
        self.save_count += 1
        return True


class FakeScratch:
    """Memory that outlives whoever saved to it, until it is emptied."""

    def __init__(self):
        self.record = b""

    def load(self):
        return bytes(self.record)

    def save(self, record):
        self.record = record


class FakeMemory:
    """A heap of which so much is free. Counts."""

    def __init__(self, free_bytes=-1):
        self.free_bytes = free_bytes
        self.collect_count = 0

    def collect(self):
        self.collect_count += 1
        return self.free_bytes


class FakeTerminal:
    """Keeps what was written; `typed` is what waits to be read."""

    newline = b"\n"

    def __init__(self):
        self.lines = []
        self.typed = b""

    def read_into(self, buffer):
        count = min(len(buffer), len(self.typed))
        buffer[:count], self.typed = self.typed[:count], self.typed[count:]
        return count

    def write(self, data):
        self.lines.append(bytes(data).decode())
        return len(data)

    def close(self):
        pass


class FakeWatchdog:
    """Counts."""

    def __init__(self):
        self.feed_count = 0

    def feed(self):
        self.feed_count += 1


class FakePorts:
    """All ports of one boot. Arguments: flash, keep and scratch, which outlive it; clock;
    network; seed."""

    name = "fake"

    def __init__(self, flash, clock, network, seed, keep=None, scratch=None, reset_cause=1):
        self.reset_cause = reset_cause
        self.scratch = scratch or FakeScratch()
        self.memory = FakeMemory()
        self.flash = flash
        self.keep = keep or FakeKeep()
        self.clock = clock
        self.network = network
        self.entropy = SeededEntropy(Random(seed))
        self.terminal = FakeTerminal()
        self.watchdog = FakeWatchdog()


class Handler:
    """What a session reports to, as (what, ..) tuples in `events`."""

    def __init__(self):
        self.events = []

    def on_up(self, now_ms):
        self.events.append(("up", now_ms))

    def on_down(self, phase, cause, now_ms):
        self.events.append(("down", phase, cause))

    def on_message(self, topic, payload, now_ms):
        self.events.append(("message", bytes(topic), bytes(payload)))

    def on_oversized(self, topic, payload_bytes, now_ms):
        self.events.append(("oversized", bytes(topic), payload_bytes))

    def on_puback(self, packet_id, now_ms):
        self.events.append(("puback", packet_id))

    def named(self, what):
        return [event[1:] for event in self.events if event[0] == what]


class PowerCut(Exception):
    """The moment at which the board loses its power."""


class FailingFlash(RamFlash):
    """Blocks of `failing` take no program and no erase; of a program the first half arrives."""

    def __init__(self, block_count, unit=1, reprogram=True, block_bytes=BLOCK_BYTES):
        super().__init__(block_count, unit, reprogram, block_bytes)
        self.failing = set()

    def program(self, offset, data):
        if offset // self.block_bytes in self.failing:
            unit = self.program_unit_bytes
            count = len(data) // 2 // unit * unit
            if count:
                super().program(offset, bytes(data[:count]))
            raise FlashError("the program failed")
        super().program(offset, data)

    def erase(self, block):
        if block in self.failing:
            raise FlashError("the erase failed")
        super().erase(block)


class CutFlash:
    """Another flash, but the `countdown`th program from now writes a part and then power fails.

    `countdown` 0 means never. `share_percent` of the bytes of that program arrive. Members and
    counters are those of the other.
    """

    def __init__(self, flash, countdown=0, share_percent=50):
        self._flash = flash
        self.countdown = countdown
        self.share_percent = share_percent

    def __getattr__(self, name):
        return getattr(self._flash, name)

    def read(self, offset, buffer):
        self._flash.read(offset, buffer)

    def erase(self, block):
        self._flash.erase(block)

    def program(self, offset, data):
        self.countdown -= 1
        if self.countdown != 0:
            self._flash.program(offset, data)
            return
        unit = self.program_unit_bytes
        count = len(data) * self.share_percent // 100 // unit * unit
        if count:
            self._flash.program(offset, bytes(data[:count]))
        raise PowerCut
