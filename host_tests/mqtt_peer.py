"""The other end of an MQTT 3.1.1 connection, for tests on both interpreters.

Packets as bytes, made by hand from the standard; a broker that can withhold, spoil and reorder;
and a receiver that stores and echoes. Nothing here comes from the code under test.
"""

import binascii
import json

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = (
    0x10, 0x20, 0x30, 0x40, 0x80, 0x90, 0xC0, 0xD0, 0xE0,
)  # fmt: skip


def packet(first, body):
    """A packet: first byte, remaining length, body."""
    length = len(body)
    head = [first]
    while True:
        digit, length = length % 128, length // 128
        head.append(digit + (128 if length else 0))
        if not length:
            return bytes(head) + body


def number16(value):
    return bytes((value // 256, value % 256))


def text(data):
    """A string field: two bytes of length, then the bytes."""
    return number16(len(data)) + data


def connack(code=0):
    return b"\x20\x02\x00" + bytes((code,))


def suback(packet_id, code=1):
    return b"\x90\x03" + number16(packet_id) + bytes((code,))


def puback(packet_id):
    return b"\x40\x02" + number16(packet_id)


def publish(topic, payload, packet_id=0, retain=False, dup=False):
    """A publish: QoS 1 where there is a packet id, else QoS 0."""
    first = PUBLISH | (2 if packet_id else 0) | (1 if retain else 0) | (8 if dup else 0)
    return packet(first, text(topic) + (number16(packet_id) if packet_id else b"") + payload)


def split(data):
    """Whole packets at the start of `data`. Result: [(first byte, body)], the bytes left over."""
    packets = []
    while True:
        length, shift, at = 0, 1, 1
        while at < len(data):
            length += data[at] % 128 * shift
            shift *= 128
            at += 1
            if data[at - 1] < 128:
                break
        else:
            return packets, data
        if at + length > len(data):
            return packets, data
        packets.append((data[0], data[at : at + length]))
        data = data[at + length :]


def publish_fields(first, body):
    """(topic, payload, packet id, retain) of a publish that has none but legal flags."""
    qos = first >> 1 & 3
    assert qos in (0, 1) and not first & 8, f"flags of first byte 0x{first:02x}"
    end = 2 + body[0] * 256 + body[1]
    topic, rest = body[2:end], body[end:]
    packet_id = 0
    if qos:
        packet_id, rest = rest[0] * 256 + rest[1], rest[2:]
    return topic, rest, packet_id, bool(first & 1)


class Broker:
    """Speaks to one device over FakeStreams, at once and in order unless told otherwise.

    `answers` is the set of packet types that it gives by itself; `connack_code`,
    `suback_code`; `taken` is called by the stream. `packets` holds what came over the present
    connection, `held` the PUBACK packets it owes. `receiver`, where there is one, has
    take(topic, payload) and is given each publish; what it returns, [(topic, payload)], is
    published to the device where it has subscribed to that topic.
    """

    def __init__(self, receiver=None):
        self.receiver = receiver
        self.answers = {CONNACK, SUBACK, PUBACK, PINGRESP}
        self.connack_code = 0
        self.suback_code = 1
        self.retained = {}
        self.stream = None
        self.open_count = 0
        self._packet_id = 0
        self._forget()

    def _forget(self):
        self.packets = []
        self.held = []
        self.subscriptions = []
        self.connected = False
        self.will = None
        self._rest = b""

    def opened(self, stream):
        self.open_count += 1
        self.stream = stream
        self._forget()

    def kinds(self):
        return [first & 0xF0 for first, _ in self.packets]

    def publishes(self):
        """[(topic, payload, packet id, retain)] of the present connection."""
        return [publish_fields(*each) for each in self.packets if each[0] & 0xF0 == PUBLISH]

    def taken(self, stream, data):
        if stream is not self.stream:
            return
        found, self._rest = split(self._rest + data)
        for first, body in found:
            self.packets.append((first, body))
            self._answer(first & 0xF0, first, body)

    def _answer(self, kind, first, body):
        assert (kind == CONNECT) != self.connected, "CONNECT comes first, and once"
        if kind == CONNECT:
            self.connected = True
            assert body[:7] == b"\x00\x04MQTT\x04", "not MQTT 3.1.1"
            self._give(CONNACK, connack(self.connack_code))
        elif kind == SUBSCRIBE:
            assert first == 0x82, "reserved flags of SUBSCRIBE"
            self.subscriptions.append(body[4:-1])
            self._give(SUBACK, suback(body[0] * 256 + body[1], self.suback_code))
        elif kind == PUBLISH:
            topic, payload, packet_id, retain = publish_fields(first, body)
            if retain:
                self.retained[topic] = payload
            if packet_id:
                self._give(PUBACK, puback(packet_id))
            for answer in self.receiver.take(topic, payload) if self.receiver else ():
                self.deliver(*answer)
        elif kind == PINGREQ:
            self._give(PINGRESP, b"\xd0\x00")
        else:
            assert kind in (PUBACK, DISCONNECT), f"a client never sends 0x{first:02x}"

    def _give(self, kind, data):
        if kind in self.answers:
            self.stream.arrive(data)
        elif kind == PUBACK:
            self.held.append(data)

    def release(self, order=None):
        """Give the PUBACKs owed; `order` puts the list of them into another order."""
        held, self.held = self.held, []
        for data in order(held) if order else held:
            self.stream.arrive(data)

    def deliver(self, topic, payload):
        """Publish to the device, QoS 1, if it has subscribed to exactly this topic."""
        if topic in self.subscriptions:
            self._packet_id = self._packet_id % 65_535 + 1
            self.stream.arrive(publish(topic, payload, self._packet_id))

    def cut(self):
        """The connection ends without a word."""
        if self.stream is not None:
            self.stream.ended = True


def as_json(value):
    """A value as SPEC section 1 says it stands in JSON."""
    if isinstance(value, (bytes, bytearray)):
        return {"b64": binascii.b2a_base64(value).decode().strip()}
    return value


class Whole:
    """Puts the values together that come in parts."""

    def __init__(self):
        self._held = {}

    def take(self, batch):
        """(seq, (boot, mono, id, value)) that this batch completes, or None."""
        for delta, delta_ms, observation_id, value in batch["obs"]:
            if isinstance(value, dict) and "of" in value:
                assert delta == delta_ms == 0 and len(batch["obs"]) == 1, "a part comes alone"
                return self._take(batch, observation_id, value)
        return None

    def _take(self, batch, observation_id, value):
        key = (batch["log"], batch["seq"], value["of"])
        data, known = self._held.setdefault(key, (bytearray(value["of"]), set()))
        piece = binascii.a2b_base64(value["b64"])
        end = value["at"] + len(piece)
        data[value["at"] : end] = piece
        known.update(range(value["at"], end))
        if len(known) < value["of"]:
            return None
        fact = (batch["boot"], batch["mono"], observation_id, as_json(data))
        return batch["seq"], fact


class Receiver:
    """Stores each key once, counts repeats, and echoes what it holds after each batch.

    Argument: device, bytes. `stored` is {(store, log): {seq: (boot, mono, id, value)}}, value as
    in the JSON; `gaps` is {(store, log): [gap, as in the JSON]}; `batches` all payloads. With
    `is_deaf` everything is lost, with `echoes` False nothing is echoed.
    """

    def __init__(self, device):
        self._prefix = b"tidegate/1/" + device + b"/"
        self.stored = {}
        self.gaps = {}
        self._runs = {}
        self.batches = []
        self.births = []
        self.replies = []
        self.snapshots = []
        self._whole = Whole()
        self.part_count = 0
        self.repeat_count = 0
        self.is_deaf = False
        self.echoes = True

    def take(self, topic, payload):
        if self.is_deaf:
            return ()
        assert topic.startswith(self._prefix), topic
        kind = topic[len(self._prefix) :].decode()
        batch = json.loads(payload)
        if kind == "state":
            self.births.append(batch)
            return ()
        if kind == "reply":
            self.replies.append(batch)
            return ()
        if batch.get("snapshot"):
            self.snapshots.append(batch)
            return ()
        self.batches.append((kind, batch))
        key = (batch["store"], batch["log"])
        stored = self.stored.setdefault(key, {})
        for delta, delta_ms, observation_id, value in batch["obs"]:
            seq = batch["seq"] + delta
            fact = (batch["boot"], batch["mono"] + delta_ms, observation_id, value)
            if isinstance(value, dict) and "of" in value:
                self.part_count += 1
                whole = self._whole.take(batch)
                if whole is None:
                    continue
                seq, fact = whole
            if seq in stored:
                assert stored[seq] == fact, f"seq {seq} came as {stored[seq]} and as {fact}"
                self.repeat_count += 1
            stored[seq] = fact
            self._cover(key, seq, seq)
        self.gaps.setdefault(key, []).extend(batch["gaps"])
        for first, last, *_ in batch["gaps"]:
            self._cover(key, first, last)
        return (self.echo(*key),) if self.echoes else ()

    def echo(self, store, log):
        """(topic, payload) that says what is held of a log."""
        runs = list(self._runs.get((store, log), ()))
        upto = runs.pop(0)[1] if runs and runs[0][0] == 1 else 0
        form = {"store": store, "log": log, "upto": upto, "ahead": runs[:16]}
        return self._prefix + b"confirm", json.dumps(form).encode()

    def _cover(self, key, first, last):
        """Join a range to the runs of seqs held; mostly it touches the last one."""
        runs = self._runs.setdefault(key, [])
        at = len(runs)
        while at and runs[at - 1][1] >= first - 1:
            if runs[at - 1][0] <= last + 1:
                first, last = min(first, runs[at - 1][0]), max(last, runs[at - 1][1])
                runs.pop(at - 1)
            at -= 1
        runs.insert(at, (first, last))
