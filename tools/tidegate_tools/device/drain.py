"""Drains a stored backlog to a real server, on the real MicroPython. Prints one JSON object.

Argument: a JSON object with mode, host, port, count, rows (path of lines `ms,id,value`). Modes:
`ours`, link and uplink as they ship, pacing lifted; `live`, the same with a fresh observation each
LIVE_MS; `plain`, umqtt.simple as it is, one publish an observation; `coalescing`, the same behind
a socket that sends a packet at once.
"""

import gc
import json
import sys
import time

import umqtt.simple
from tidegate.clock.anchor import Anchor
from tidegate.clock.monotonic import Monotonic
from tidegate.diag.counters import Counters
from tidegate.hal.nor import RamFlash
from tidegate.hal.posix import PosixClock
from tidegate.hal.posix_network import PosixNetwork
from tidegate.limits import BACKLOG_WAIT_MS
from tidegate.link.profiles import Generic
from tidegate.link.resolver import Resolver
from tidegate.link.session import UP, Session
from tidegate.spool.spool import Spool
from tidegate.uplink.codec_packed import PackedCodec
from tidegate.uplink.uplink import Uplink

LIVE_MS = 40
RATE = 1 << 24
TOPIC = b"tidegate/1/tg-000001/history"
UTC_MS = 1_768_500_000_000


def rows_of(path):
    """[(ms, id, value)]."""
    with open(path) as file:
        return [tuple(int(each) for each in line.split(",")) for line in file]


class Counting:
    """A network whose streams count their bytes."""

    def __init__(self, clock):
        self._network = PosixNetwork(clock)
        self.bytes = 0

    def load(self, _name):
        """See `hal.ports.Keep.load`: the server is given as a number, nothing is kept."""
        return b""

    def open(self, address):
        """See `hal.ports.Network.open`."""
        self.stream = self._network.open(address)
        return self

    def wait(self, writing, wait_ms):
        """Until the stream is ready, or for so long."""
        self._network.wait(self.stream, writing, wait_ms)

    def is_connected(self):
        """See `hal.ports.Stream.is_connected`."""
        return self.stream.is_connected()

    def receive_into(self, buffer):
        """See `hal.ports.Stream.receive_into`."""
        count = self.stream.receive_into(buffer)
        self.bytes += count or 0
        return count

    def send(self, data):
        """See `hal.ports.Stream.send`."""
        count = self.stream.send(data)
        self.bytes += count
        return count

    def close(self):
        """See `hal.ports.Stream.close`."""
        self.stream.close()


class Ours:
    """Link and uplink over a spool that holds `count` observations."""

    def __init__(self, count, rows):
        self.clock = PosixClock()
        self.monotonic = Monotonic(self.clock.ticks_mask_ms)
        self.spool = Spool(RamFlash(count * 16 // 4_096 + 16), self.monotonic)
        self.spool.recover()
        self.spool.start(b"12345678", 1, 0)
        self.spool.anchor(UTC_MS, 3)
        self.fill(count, rows)
        anchor = Anchor()
        anchor.offer(0, UTC_MS, 3)
        self.counters = Counters()
        self.network = Counting(self.clock)
        names = Resolver(self.network, self.network, None)
        self.session = Session(self.network, names, Generic({}), umqtt.simple, self)
        self.uplink = Uplink(self.spool, (anchor, self.monotonic), self.session, "tg-000001",
                             False, self.counters, PackedCodec())
        self.delays_us = []
        self._live = {}

    def fill(self, count, rows):
        """Append so many rows, from the first again where they end."""
        now_ms, last_ms = self.monotonic.update(0), 0
        for number in range(count):
            ms, observation_id, value = rows[number % len(rows)]
            now_ms = self.monotonic.update(self.monotonic.now_ms + max(0, ms - last_ms))
            last_ms = ms
            assert self.spool.append(0, 0, observation_id, value, now_ms)
            self.spool.idle(now_ms)
        self._begin_ms = now_ms - self.clock.ticks_ms()

    def now(self):
        """The time goes on from the last append."""
        return self.monotonic.update((self._begin_ms + self.clock.ticks_ms()) & (1 << 30) - 1)

    def on_up(self, now_ms):
        """A session stands."""
        self.uplink.session_up(now_ms)

    def on_puback(self, packet_id, now_ms):
        """A batch is acknowledged."""
        self.uplink.on_puback(packet_id, now_ms)
        while self._live and self.uplink.tracks[1].cursor.log.ranges.skip(
                self._oldest_live) != self._oldest_live:
            begun_us = self._live.pop(self._oldest_live)
            self.delays_us.append(time.ticks_diff(time.ticks_us(), begun_us))
            self._oldest_live += 1

    def on_down(self, phase, cause, now_ms):
        """It must not end."""
        raise RuntimeError("%s in phase %d" % (cause, phase))

    def turn(self, wait_ms):
        """One turn as the agent makes it, and the wait behind it."""
        now_ms = self.now()
        before = self.counters.batches_sent + self.counters.batches_confirmed
        self.session.step(now_ms)
        self.uplink.step(now_ms)
        self.session.step(now_ms)
        self.spool.idle(now_ms)
        if self.counters.batches_sent + self.counters.batches_confirmed == before:
            self.network.wait(self.session.wants_to_write(), wait_ms)

    def run(self, host, port, is_live):
        """Result: a dict of what it took."""
        self.session.open((host, port, False), (
            (b"tg-000001", None, None), 60, b"tidegate/1/tg-000001/state", b"{}",
            (b"tidegate/1/tg-000001/confirm",)), self.now())
        while self.session.phase != UP:
            self.turn(10)
        self.uplink.pacing.ceiling = self.uplink.pacing.rate = RATE
        log = self.spool.logs[0]
        self._oldest_live = split = log.next_seq
        count = split - 1 - log.ranges.count()
        begun_ms = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), begun_ms) < BACKLOG_WAIT_MS - 20:
            self.turn(10)
        gc.collect()
        before = self.network.bytes
        begun_us = live_us = time.ticks_us()
        while log.ranges.skip(1) < split:
            if is_live and time.ticks_diff(time.ticks_us(), live_us) > 1_000 * LIVE_MS:
                live_us = time.ticks_us()
                self._live[log.next_seq] = live_us
                self.spool.append(0, 0, 501, 229_000 + log.next_seq % 1_000, self.now())
            self.turn(LIVE_MS)
        took_us = time.ticks_diff(time.ticks_us(), begun_us)
        return {"count": count, "took_us": took_us, "stream_bytes": self.network.bytes - before,
                "batches": self.counters.batches_sent, "delays_us": self.delays_us}


class Coalescing:
    """A socket that sends what was written when something is read."""

    def __init__(self, inner):
        self._inner = inner
        self._pending = b""

    def write(self, data, count=None):
        """Keep it."""
        self._pending += bytes(data if count is None else data[:count])

    def read(self, count):
        """Send what is kept, then read."""
        if self._pending:
            self._inner.write(self._pending)
            self._pending = b""
        return self._inner.read(count)

    def setblocking(self, flag):
        """As it was."""
        self._inner.setblocking(flag)


def theirs(asked, rows):
    """One publish an observation, stop-and-wait."""
    client = umqtt.simple.MQTTClient(b"theirs", asked["host"], asked["port"])
    client.connect()
    if asked["mode"] == "coalescing":
        client.sock = Coalescing(client.sock)
    payloads = [('{"ObservedAt":"2026-01-15T20:41:01.000Z","Value":"%d","ObservationId":%d,'
                 '"Type":1}' % (value, observation_id)).encode()
                for _, observation_id, value in rows[:500]]
    gc.collect()
    times_us = []
    begun_us = time.ticks_us()
    for number in range(asked["count"]):
        sent_us = time.ticks_us()
        client.publish(TOPIC, payloads[number % len(payloads)], False, 1)
        if len(times_us) < 50:
            times_us.append(time.ticks_diff(time.ticks_us(), sent_us))
    took_us = time.ticks_diff(time.ticks_us(), begun_us)
    return {"count": asked["count"], "took_us": took_us, "times_us": times_us}


def main():
    """Do what is asked."""
    asked = json.loads(sys.argv[1])
    rows = rows_of(asked["rows"])
    if asked["mode"] in ("plain", "coalescing"):
        print(json.dumps(theirs(asked, rows)))
    else:
        rig = Ours(asked["count"], rows)
        print(json.dumps(rig.run(asked["host"], asked["port"], asked["mode"] == "live")))


main()
