"""Boots of a device whose clock drifts, is set, lies or knows nothing, and what its batches say of
the time. Portable. The truth is kept beside it, and each date is held against it.
"""

import json

from fakes import FakeTerminal, Random, SimClock
from uplink_world import mounted

from tidegate.clock.anchor import ESTIMATED, SYNCED
from tidegate.clock.monotonic import Monotonic
from tidegate.diag.counters import Counters
from tidegate.diag.trail import Trail
from tidegate.hal.nor import RamFlash
from tidegate.observe.catalogue import NUMBER, TELEMETRY
from tidegate.timekeeping import Timekeeping
from tidegate.uplink.batch import Batch
from tidegate.uplink.codec_json import JsonCodec
from tidegate.uplink.cursors import Track

BEGIN_MS = 1_768_509_600_000
DRIFT_PPM = 40
# A server's answer is off by so much; an echo was under way so long.
ANSWER_MS, ECHO_MS = 400, 30_000
YEAR_MS = 31_556_952_000
LAG = {"age_s": 0, "count": 0, "bytes": 0, "rate": 0, "drain_s": 0}
PASS, SAMPLE, SYNC, ECHO, RTC_SET, RTC_GONE, BOOT, READ = range(8)


class DatingWorld:
    """`samples` is [(boot, true UTC)] in order of taking; `batches` what was read of them last.

    Argument: drift_ppm, of the crystal, by which its ms are longer than those of the truth.
    """

    def __init__(self, drift_ppm=DRIFT_PPM, block_count=16):
        self.drift_ppm = drift_ppm
        self.flash = RamFlash(block_count, block_bytes=1_024)
        self.samples = []
        self.spans_ms = {}
        self.begin_ms = BEGIN_MS
        self.rtc_error_ms = None
        self.batches = []
        self.boot()

    def boot(self):
        """Power returns at `begin_ms`."""
        self.mono_ms = 0
        self.clock = SimClock()
        self.monotonic = Monotonic(self.clock.ticks_mask_ms)
        self.monotonic.update(0)
        self.spool = mounted(self.flash, self.monotonic)
        trail = Trail(self.monotonic, FakeTerminal().lines.append)
        self.time = Timekeeping(self.clock, self.monotonic, trail, Counters())
        self._show()
        self.time.start(self.spool)

    def true_ms(self):
        return self.begin_ms + self.mono_ms + self.mono_ms * self.drift_ppm // 1_000_000

    def _show(self):
        """The clock chip shows the truth and its error, or nothing."""
        self.clock.now_ms = self.mono_ms
        self.clock.utc_zero_ms = None
        if self.rtc_error_ms is not None:
            self.clock.utc_zero_ms = self.true_ms() + self.rtc_error_ms - self.mono_ms

    def wait(self, pass_ms):
        while pass_ms:
            part_ms = min(pass_ms, 1 << 27)
            pass_ms -= part_ms
            self.mono_ms += part_ms
            self._show()
            self.monotonic.update(self.clock.ticks_ms())
            self.time.take()
            self.spool.idle(self.monotonic.now_ms)
        self.spans_ms[self.spool.boot] = self.mono_ms

    def sample(self):
        """One more, whose value is its number."""
        seq = self.spool.append(
            TELEMETRY, NUMBER, 501, len(self.samples), self.monotonic.now_ms)
        assert seq == len(self.samples) + 1
        self.samples.append((self.spool.boot, self.true_ms()))

    def sync(self, error_ms=0):
        self.time.offer(self.monotonic.now_ms, self.true_ms() + error_ms, SYNCED)

    def echo(self, late_ms=0):
        self.time.offer(self.monotonic.now_ms, self.true_ms() - late_ms, ESTIMATED)

    def reboot(self, away_ms):
        self.begin_ms = self.true_ms() + away_ms
        self.boot()

    def do(self, what, number):
        """One thing; number, 0..999, says how much of it."""
        if what == PASS:
            self.wait((1_000, 60_000, 3_600_000, 86_400_000)[number % 4] * (1 + number // 300))
        elif what == SAMPLE:
            for _ in range(1 + number % 40):
                self.wait(250)
                self.sample()
        elif what == SYNC:
            self.sync(number * 2 * ANSWER_MS // 999 - ANSWER_MS)
        elif what == ECHO:
            self.echo(number * ECHO_MS // 999)
        elif what == RTC_SET:
            self.rtc_error_ms = (0, 700, -5_000, 10 * YEAR_MS, -3 * YEAR_MS // 4)[number % 5]
        elif what == RTC_GONE:
            self.rtc_error_ms = None
        elif what == BOOT:
            self.reboot((0, 5_000, 3_600_000, 400_000_000)[number % 4] * (1 + number // 250))
        else:
            self.read()

    def read(self):
        """All that is held, as batches in order; each date is checked."""
        track = Track(self.spool.cursor(TELEMETRY), TELEMETRY, True)
        track.begin(self.spool.logs[TELEMETRY].next_seq)
        codec = JsonCodec()
        batch = Batch(codec, ("d", self.spool.store_id.hex(), self.spool.boot), self.time.anchor)
        self.batches = []
        while True:
            payload = batch.build(track, LAG)
            if payload is None:
                return
            self.batches.append(json.loads(bytes(payload)))
            self.check(self.batches[-1])

    def check(self, batch):
        before = -1
        for seq_delta, delta_ms, _, number in batch["obs"]:
            boot, true_ms = self.samples[number]
            assert batch["seq"] + seq_delta == number + 1 > before, "not in order of taking"
            assert boot == batch["boot"]
            before = number + 1
            # As crystals go, over the longest boot that a bound may lean on.
            slack_ms = 1_300 + max(self.spans_ms.values(), default=0) * 2 * DRIFT_PPM // 1_000_000
            if batch["q"] == "unknown":
                assert batch["utc"] is None and "late_ms" not in batch
                continue
            error_ms = batch["utc"] + delta_ms - true_ms
            told = "seq %d, boot %d, %s: %d ms" % (number + 1, boot, batch["q"], error_ms)
            if batch["q"] == "synced":
                assert abs(error_ms) <= slack_ms, told
            elif batch["q"] == "estimated":
                late_ms = batch.get("late_ms", 2 * ECHO_MS)
                assert -late_ms - slack_ms <= error_ms <= slack_ms, told
            else:
                assert batch["q"] == "rtc" and "late_ms" not in batch, told

    def dates(self):
        """{boot: {(quality, late_ms or None)}} of what was read last."""
        found = {}
        for batch in self.batches:
            found.setdefault(batch["boot"], set()).add((batch["q"], batch.get("late_ms")))
        return found


def check_dates():
    """Whatever happens, on both interpreters."""
    for seed in range(30):
        chance, world = Random(seed), DatingWorld(DRIFT_PPM if seed % 2 else -DRIFT_PPM)
        for _ in range(8):
            world.do((PASS, PASS, SYNC, ECHO)[chance.below(4)], chance.below(1_000))
            world.do(PASS, chance.below(1_000))
            world.do(SAMPLE, chance.below(1_000))
            world.do(chance.below(8), chance.below(1_000))
            world.do(BOOT, chance.below(1_000))
        world.read()


CHECKS = (check_dates,)
