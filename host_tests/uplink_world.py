"""An uplink on a spool in RAM, a session that only records, a model of what was appended."""

import json

from fakes import SimClock
from mqtt_peer import Whole, as_json

from tidegate.clock.anchor import Anchor
from tidegate.clock.monotonic import Monotonic
from tidegate.diag.counters import Counters
from tidegate.hal.nor import RamFlash
from tidegate.limits import TICKS_MASK_MS
from tidegate.observe.catalogue import LOG_NAMES, NUMBER, OPAQUE, RECORDS, TELEMETRY, TEXT
from tidegate.spool.spool import Spool
from tidegate.uplink.uplink import Uplink

STORE = bytes(range(8))
STORE_HEX = "0001020304050607"
LOGS = (TELEMETRY, RECORDS)
EXAMPLE_ID = {NUMBER: 501, TEXT: 721, OPAQUE: 554}


def mounted(flash, monotonic, latest=None):
    """A started spool; a blank region is formatted under STORE."""
    spool = Spool(flash, monotonic, latest)
    spool.recover()
    spool.start(STORE, 1, monotonic.now_ms)
    return spool


class RecordingSession:
    """Takes publishes while `is_open`; `published` is [(packet id, topic, payload)]."""

    def __init__(self):
        self.is_open = True
        self.published = []
        self.packet_id = 0

    def can_publish(self, payload_bytes):
        return self.is_open

    def publish(self, topic, payload, retain, now_ms, key=None):
        assert not retain
        self.packet_id += 1
        self.published.append((self.packet_id, topic.decode(), bytes(payload)))
        return self.packet_id


class UplinkWorld:
    """`model` is {log name: {seq: (boot, mono, id, value as in JSON)}} of what was appended."""

    def __init__(self, is_echo=True, block_count=8, device="d", unit=1, reprogram=True):
        self.flash = RamFlash(block_count, unit, reprogram)
        self.is_echo = is_echo
        self.device = device
        self.model = {name: {} for name in LOG_NAMES}
        self.mount()

    def mount(self, utc_zero_ms=None):
        """A boot: time starts anew, only the flash stays."""
        self.clock = SimClock()
        self.monotonic = Monotonic(self.clock.ticks_mask_ms)
        self.monotonic.update(0)
        self.spool = mounted(self.flash, self.monotonic)
        self.anchor = Anchor()
        if utc_zero_ms is not None:
            self.date(utc_zero_ms)
        self.session = RecordingSession()
        self.uplink = Uplink(
            self.spool,
            (self.anchor, self.monotonic),
            self.session,
            self.device,
            self.is_echo,
            Counters(),
        )

    def date(self, utc_zero_ms, quality=2):
        """The time becomes known."""
        self.anchor.offer(0, utc_zero_ms, quality)
        self.spool.anchor(utc_zero_ms, quality)

    def wait(self, pass_ms):
        self.clock.now_ms += pass_ms
        return self.monotonic.update(self.clock.ticks_ms())

    def append(self, value, log=TELEMETRY, kind=None):
        """Append under an id of the value's kind. Result: the seq, 0 where the log is full."""
        if kind is None:
            kind = NUMBER if isinstance(value, int) else TEXT if isinstance(value, str) else OPAQUE
        now_ms = self.clock.now_ms & TICKS_MASK_MS
        seq = self.spool.append(log, kind, EXAMPLE_ID[kind], value, now_ms)
        if seq:
            held = self.model[LOG_NAMES[log]]
            assert seq not in held, f"seq {seq} was given twice"
            held[seq] = (self.spool.boot, self.clock.now_ms, EXAMPLE_ID[kind], as_json(value))
        return seq

    def fill(self, count, log=TELEMETRY, pass_ms=10):
        for number in range(count):
            self.wait(pass_ms)
            self.append(number, log)

    def up(self, is_paced=False):
        """A session comes up; unless `is_paced` the backlog may drain as fast as it can."""
        self.births = self.uplink.session_up(self.wait(1))
        if not is_paced:
            self.uplink.pacing.rate = self.uplink.pacing.ceiling

    def down(self):
        self.uplink.session_down()

    def step(self, pass_ms=0):
        """One step. Result: the batches sent in it, [(packet id, topic's last word, batch)]."""
        before = len(self.session.published)
        self.uplink.step(self.wait(pass_ms))
        return self.sent()[before:]

    def sent(self):
        return [
            (packet_id, topic.split("/")[-1], json.loads(payload))
            for packet_id, topic, payload in self.session.published
        ]

    def puback(self, packet_id):
        self.uplink.on_puback(packet_id, self.clock.now_ms & TICKS_MASK_MS)

    def puback_all(self):
        for packet_id, _, _ in self.session.published:
            self.puback(packet_id)

    def echo(self, upto, ahead=(), log="telemetry", store=STORE_HEX):
        form = {"store": store, "log": log, "upto": upto, "ahead": ahead}
        return self.uplink.on_echo(json.dumps(form).encode(), self.clock.now_ms & TICKS_MASK_MS)

    def unconfirmed(self, log=TELEMETRY):
        return self.uplink.lag.count(log)


def facts(batch):
    """[(seq, (boot, mono, id, value))] of a batch; parts of values are left out."""
    return [
        (batch["seq"] + delta, (batch["boot"], batch["mono"] + delta_ms, observation_id, value))
        for delta, delta_ms, observation_id, value in batch["obs"]
        if not (isinstance(value, dict) and "of" in value)
    ]


def arrived(batches):
    """[(seq, fact)] of [(packet id, topic, batch)], values in parts where they are complete."""
    whole, found = Whole(), []
    for _, _, batch in batches:
        found += facts(batch)
        completed = whole.take(batch)
        found += [] if completed is None else [completed]
    return found


def seqs(batches):
    """Every seq in the order in which it was sent."""
    return [seq for _, _, batch in batches for seq, _ in facts(batch)]


def settle(world, turns=400):
    """Step and acknowledge until nothing is sent for 4 s."""
    quiet_count = 0
    for _ in range(turns):
        sent = world.step(500)
        for packet_id, _, _ in sent:
            world.puback(packet_id)
        quiet_count = 0 if sent else quiet_count + 1
        if quiet_count == 8:
            return
    raise AssertionError("it never ends")
