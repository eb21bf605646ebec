"""What link and uplink keep of a 32-bit heap, and what draining allocates. Run by
on_webassembly.mjs.

The module `codec_asked` says which codec. The spool, the modules and umqtt.simple stand before the
first count. `idle` is kept by a session, a codec and an uplink that were made; `in_use` with the
window full of batches of 64 that nobody acknowledges; `drained` is allocated while the backlog
drains, collector off.
"""

import gc
import json
import sys

sys.path.append("/modules")

# There are no sockets here, and umqtt.simple sees none.
sys.modules["usocket"] = sys
import simple  # noqa: E402
from bare_flash import BareFlash  # noqa: E402
from codec_asked import Codec  # noqa: E402
from tidegate.clock.anchor import Anchor  # noqa: E402
from tidegate.clock.monotonic import Monotonic  # noqa: E402
from tidegate.diag.counters import Counters  # noqa: E402
from tidegate.limits import BACKLOG_RATE_MAX, BACKLOG_WAIT_MS, WINDOW_COUNT_MAX  # noqa: E402
from tidegate.link.profiles import Generic  # noqa: E402
from tidegate.link.resolver import Resolver  # noqa: E402
from tidegate.link.session import UP, Session  # noqa: E402
from tidegate.observe.catalogue import Catalogue  # noqa: E402
from tidegate.spool.spool import Spool  # noqa: E402
from tidegate.uplink.uplink import Uplink  # noqa: E402

BLOCK_COUNT = 64
STORED_COUNT = 9_000
DRAIN_COUNT = 4_096
REQUEST = ((b"tg-000001", None, None), 60, b"tidegate/1/tg-000001/state", b"{}",
           (b"tidegate/1/tg-000001/confirm",))


class Peer:
    """Network and stream in one: a broker that takes all, and acknowledges when told to."""

    def __init__(self):
        self.rest = bytearray(64)
        self.owed = bytearray(4 * WINDOW_COUNT_MAX + 16)
        self.owed_bytes = self.taken_bytes = 0
        self.publish_count = 0
        self.withholds = False
        self.view = memoryview(self.owed)

    def load(self, _name):
        """As `hal.ports.Keep`: nothing was kept."""
        return b""

    def open(self, address):
        """This."""
        return self

    def is_connected(self):
        """Always."""
        return True

    def close(self):
        """Nothing to give back."""

    def send(self, data):
        """Take whole packets, which is how the wire gives them."""
        at = 0
        while at < len(data):
            kind = data[at] & 0xF0
            length = shift = 0
            end = at + 1
            while True:
                byte = data[end]
                length |= (byte & 0x7F) << shift
                shift += 7
                end += 1
                if not byte & 0x80:
                    break
            if kind == 0x10:
                self._owe(0x20, 0, 0)
            elif kind == 0x80:
                self._owe(0x90, data[end], data[end + 1])
            elif kind == 0x30:
                self.publish_count += 1
                place = end + 2 + (data[end] << 8 | data[end + 1])
                self._owe(0x40, data[place], data[place + 1])
            at = end + length
        self.taken_bytes += at
        return at

    def _owe(self, kind, high, low):
        at = self.owed_bytes
        self.owed[at] = kind
        self.owed[at + 1] = 3 if kind == 0x90 else 2
        self.owed[at + 2] = high
        self.owed[at + 3] = low
        if kind == 0x90:
            self.owed[at + 4] = 1
        self.owed_bytes = at + (5 if kind == 0x90 else 4)

    def receive_into(self, buffer):
        """What is owed."""
        count = self.owed_bytes
        if not count or self.withholds:
            return None
        for at in range(count):
            buffer[at] = self.owed[at]
        self.owed_bytes = 0
        return count


class Handler:
    """Joins session and uplink, as the agent does."""

    uplink = None

    def on_up(self, now_ms):
        """A session stands."""
        self.uplink.session_up(now_ms)

    def on_puback(self, packet_id, now_ms):
        """A batch is acknowledged."""
        self.uplink.on_puback(packet_id, now_ms)

    def on_down(self, phase, cause, now_ms):
        """It never ends."""
        raise RuntimeError("%s in phase %d" % (cause, phase))


def stored():
    """A spool with a backlog of a car that charges."""
    monotonic = Monotonic((1 << 30) - 1)
    monotonic.update(0)
    spool = Spool(BareFlash(BLOCK_COUNT), monotonic)
    spool.recover()
    spool.start(b"12345678", 1, 0)
    spool.anchor(1_768_500_000_000, 3)
    for number in range(STORED_COUNT):
        now_ms = monotonic.update(number * 125)
        observation_id = (501, 502, 503, 507, 508, 509, 513, 553)[number & 7]
        spool.append(0, 0, observation_id, 229_000 + number * 613 % 2_048, now_ms)
        spool.idle(now_ms)
    return spool, monotonic


class Rig:
    """Link and uplink over one spool."""

    def __init__(self, spool, monotonic, peer):
        handler = Handler()
        anchor = Anchor()
        anchor.offer(0, 1_768_500_000_000, 3)
        self.counters = Counters()
        self.session = Session(peer, Resolver(peer, peer, None), Generic({}), simple, handler)
        self.uplink = handler.uplink = Uplink(
            spool, (anchor, monotonic), self.session, "tg-000001", False, self.counters,
            Codec(self.session.wire.payload_room))
        self.monotonic = monotonic
        self.peer = peer

    def open(self):
        """Bring a session up, its backlog unpaced."""
        self.session.open(("10.0.0.1", 1883, False), REQUEST, self.monotonic.now_ms)
        while self.session.phase != UP:
            self.turn(1)
        self.turn(BACKLOG_WAIT_MS)
        self.uplink.pacing.rate = BACKLOG_RATE_MAX

    def turn(self, pass_ms):
        """One turn of the agent."""
        now_ms = self.monotonic.update((self.monotonic.now_ms + pass_ms) & ((1 << 30) - 1))
        self.session.step(now_ms)
        self.uplink.step(now_ms)
        self.session.step(now_ms)

    def drain(self, count):
        """Until so many observations more are confirmed."""
        goal = self.uplink.unconfirmed_count() - count
        while self.uplink.unconfirmed_count() > goal:
            self.turn(10)


spool, monotonic = stored()
peer = Peer()
catalogue = Catalogue()
before = idle = in_use = begun = drained = drained_count = taken = 0
rig = None
# ---
gc.collect()
# ---
before = gc.mem_alloc()
# ---
rig = Rig(spool, monotonic, peer)
# ---
gc.collect()
# ---
idle = gc.mem_alloc() - before
# ---
rig.open()
peer.withholds = True
for _ in range(4 * WINDOW_COUNT_MAX):
    rig.turn(50)
assert peer.publish_count >= WINDOW_COUNT_MAX - 1, peer.publish_count
# ---
gc.collect()
# ---
in_use = gc.mem_alloc() - before
peer.withholds = False
rig.drain(512)
# ---
gc.collect()
gc.disable()
# ---
begun = gc.mem_alloc()
drained_count = rig.uplink.unconfirmed_count()
taken = peer.taken_bytes
# ---
rig.drain(DRAIN_COUNT)
# ---
drained = gc.mem_alloc() - begun
drained_count -= rig.uplink.unconfirmed_count()
taken = peer.taken_bytes - taken
# ---
print(json.dumps({"idle": idle, "in_use": in_use, "drained": drained,
                  "drained_count": drained_count, "stream_bytes": taken}))
