"""`tidegate bench presence`: how soon an end is missed, and what it costs a day.

The device's own session runs a simulated day over a stream that is counted. The other end answers
as a broker does, and from a moment on no more.
"""

import importlib
import random
import sys

from tidegate_tools import paths
from tidegate_tools.bench import Figure

TURN_MS, DAY_MS = 1_000, 86_400_000
BEGIN_MS = 5_000
MOMENT_COUNT = 50
# TCP and IPv4 without options. An answer acknowledges what it answers; it is itself acknowledged
# by a segment without content. TLS 1.2 with AES-GCM adds a header, a nonce and a tag to a record.
SEGMENT_BYTES, RECORD_BYTES = 40, 5 + 8 + 16
# keep_alive_s: what it is for; within how many s the device must miss a dead link, and the server
# side a dead device.
SETTINGS = {55: ("default", 45, 90), 400: ("metered link", 300, None)}
# How long mosquitto takes to look.
BROKER_S = 5
ANSWERS = {0x10: b"\x20\x02\x00\x00", 0xC0: b"\xd0\x00"}


class Stream:
    """A connection that counts. `is_dead`: nobody is at the other end any more."""

    def __init__(self):
        self.inbox = b""
        self.is_dead = False
        self.forget()

    def forget(self):
        """Count from here on."""
        self.sent_count = self.sent_bytes = self.answer_count = self.answer_bytes = 0

    def is_connected(self):
        """See `hal.ports.Stream`."""
        return True

    def receive_into(self, buffer):
        """See `hal.ports.Stream`."""
        if not self.inbox:
            return None
        count = min(len(buffer), len(self.inbox))
        buffer[:count] = self.inbox[:count]
        self.inbox = self.inbox[count:]
        return count

    def send(self, data):
        """See `hal.ports.Stream`."""
        self.sent_count += 1
        self.sent_bytes += len(data)
        answer = ANSWERS.get(data[0])
        if data[0] == 0x82:
            answer = b"\x90\x03" + bytes(data[2:4]) + b"\x01"
        if answer and not self.is_dead:
            self.inbox += answer
            self.answer_count += 1
            self.answer_bytes += len(answer)
        return len(data)

    def close(self):
        """See `hal.ports.Stream`."""


class World:
    """One session with that keep-alive, up; it stands in for network and handler as well."""

    def __init__(self, keep_alive_s):
        simple = _umqtt()
        from tidegate.link import session
        from tidegate.link.profiles import Generic
        from tidegate.link.resolver import Resolver

        self.now_ms, self.up, self.cause = BEGIN_MS, session.UP, None
        self.stream = Stream()
        self.session = session.Session(self, Resolver(self, self, None), Generic({}),
                                       simple, self)
        self.session.open(("127.0.0.1", 1883, False), (
            (b"tg-000001", None, None), keep_alive_s, b"tidegate/1/tg-000001/state", b"will",
            (b"tidegate/1/tg-000001/confirm",)), self.now_ms)
        while self.session.phase != self.up:
            self.turn()
        self.stream.forget()

    def load(self, _name):
        """Nothing is kept."""
        return b""

    def open(self, _address):
        """The one stream."""
        return self.stream

    def on_up(self, _now_ms):
        """The session stands."""

    def on_down(self, _phase, cause, _now_ms):
        """It ended."""
        self.cause = cause

    def turn(self):
        """One second."""
        self.now_ms += TURN_MS
        self.session.step(self.now_ms)

    def found_ms(self, alive_ms):
        """How long after its end, `alive_ms` from now, the device misses the other end."""
        while self.now_ms + TURN_MS <= BEGIN_MS + alive_ms:
            self.turn()
        self.stream.is_dead = True
        died_ms = max(self.now_ms, BEGIN_MS + alive_ms)
        while self.cause is None:
            self.turn()
        return self.now_ms - died_ms

    def day_bytes(self, record_bytes=0):
        """Bytes of a day in which nothing is to be said."""
        end_ms = self.now_ms + DAY_MS
        while self.now_ms < end_ms:
            self.turn()
        stream = self.stream
        segments = stream.sent_count + 2 * stream.answer_count
        records = stream.sent_count + stream.answer_count
        return (stream.sent_bytes + stream.answer_bytes + segments * SEGMENT_BYTES
                + records * record_bytes)


def _umqtt():
    paths.use_device_modules()
    libraries = str(paths.find_checkout().libraries)
    if libraries not in sys.path:
        sys.path.append(libraries)
    # The names by which 1.3.4 imports them.
    for alias in ("usocket", "ustruct", "ubinascii"):
        sys.modules.setdefault(alias, importlib.import_module(alias[1:]))
    return importlib.import_module("umqtt.simple")


def run(note):
    """The figures. Argument: note(text), called before each step."""
    figures = []
    for keep_alive_s, (purpose, must_s, broker_must_s) in SETTINGS.items():
        name = "keep-alive %d s, %s" % (keep_alive_s, purpose)
        note(name)
        chance = random.Random(1)
        found_ms = [World(keep_alive_s).found_ms(chance.randrange(3_000 * keep_alive_s))
                    for _ in range(MOMENT_COUNT)]
        world = World(keep_alive_s)
        plain = world.day_bytes()
        figures += [
            Figure("%s: device misses a dead link after, longest of %d moments" % (
                name, MOMENT_COUNT), max(found_ms) / 1_000, "s", must_s),
            Figure("%s: broker misses a dead device after" % name,
                   keep_alive_s * 3 / 2 + BROKER_S, "s", broker_must_s,
                   note="1.5 keep-alives by MQTT 3.1.1, %d s until mosquitto looks" % BROKER_S),
            Figure("%s: traffic of an idle day, TCP and IP included" % name, plain, "bytes",
                   note="%d questions; a session that has something to say asks less often"
                   % world.stream.sent_count),
            Figure("%s: the same over TLS" % name,
                   World(keep_alive_s).day_bytes(RECORD_BYTES), "bytes")]
    return figures
