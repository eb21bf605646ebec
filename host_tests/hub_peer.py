"""A stand-in for Azure IoT Hub: it refuses what the hub refuses, and says what that was.

Rules from Microsoft's "Communicate with an IoT hub using the MQTT protocol" and "Control access
to IoT Hub with shared access signatures". What a device publishes goes on to `up`, as the hub's
event stream would; what `down` is given comes to the device as the hub's messages do.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qs, quote, unquote

from mqtt_peer import (
    CONNECT, DISCONNECT, PINGREQ, PUBACK, PUBLISH, SUBSCRIBE, connack, puback, publish,
    split, suback,
)

HOST = "127.0.0.1"
NOT_AUTHORISED = 5
KEEP_ALIVE_S_MAX = 1_177
MESSAGE_BYTES_MAX = 262_144
TWIN_GET = "$iothub/twin/GET/?$rid="
TWIN_CHANGE = "$iothub/twin/PATCH/properties/desired/"
# How long a message waits for its PUBACK.
PUBACK_S = 0.05


class Refused(Exception):
    """What a hub closes the connection for."""


class HubPeer:
    """One device's hub.

    Arguments: name, of the hub; device; key, bytes; utc_s(), its Unix time; context, of TLS, or
    None; speed, of that time. Members: refusals, what it closed for, in words; sessions, how each
    ended: "left", "expired", "replaced" or "gone"; desired, of the twin; up(bag, payload), set by
    who wants the events.
    """

    def __init__(self, name, device, key, utc_s, context=None, speed=1):
        self.name, self.device, self._key = name, device, key
        self._utc_s, self._context, self._speed = utc_s, context, speed
        self.desired = {}
        self.refusals, self.sessions = [], []
        self.up = lambda bag, payload: None
        self.port = self._server = self._session = None

    async def start(self):
        self._server = await asyncio.start_server(self._take, HOST, 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self):
        self._server.close()
        if self._session is not None:
            self._session.end("gone")

    async def _take(self, reader, writer):
        session = Session(self, writer)
        rest = b""
        try:
            while data := await reader.read(65_536):
                found, rest = split(rest + data)
                for first, body in found:
                    session.take(first, body)
        except Refused as refused:
            self.refusals.append(str(refused))
            session.end("refused")
        except OSError:
            pass
        session.end("gone")

    def admit(self, session):
        """One connection for each device: the one before is cut."""
        if self._session is not None:
            self._session.end("replaced")
        self._session = session

    def down(self, kind, payload):
        """A message from the cloud to the device."""
        self._tell("devices/%s/messages/devicebound/kind=%s" % (self.device, kind), payload)

    def change(self, desired):
        """The twin's desired properties change."""
        self.desired.update(desired)
        self._tell(TWIN_CHANGE + "?$version=2", json.dumps(desired).encode())

    def _tell(self, topic, payload):
        if self._session is not None:
            self._session.tell(topic, payload)

    def check_token(self, password):
        """Seconds of its life that are left. Errors: Refused."""
        kind, _, fields = password.partition(" ")
        fields = {name: value[0] for name, value in parse_qs(fields).items()}
        if kind != "SharedAccessSignature" or not fields.keys() >= {"sr", "sig", "se"}:
            raise Refused("no shared access signature")
        if fields["sr"] != "%s/devices/%s" % (self.name, self.device):
            raise Refused("token of another resource")
        signed = "%s\n%s" % (quote(fields["sr"], safe=""), fields["se"])
        expected = hmac.new(self._key, signed.encode(), hashlib.sha256).digest()
        if base64.b64decode(fields["sig"]) != expected:
            raise Refused("signature wrong")
        left_s = int(fields["se"]) - self._utc_s()
        if left_s <= 0:
            raise Refused("token expired")
        return left_s / self._speed


class Session:
    """One connection."""

    def __init__(self, hub, writer):
        self._hub, self._writer = hub, writer
        self._filters = []
        self._packet_id = 0
        self._is_up = self._has_ended = False

    def end(self, why):
        """Close, once."""
        if not self._has_ended:
            self._has_ended = True
            self._writer.close()
            if self._is_up:
                self._hub.sessions.append(why)

    def take(self, first, body):
        """One packet. Errors: Refused."""
        kind = first & 0xF0
        if kind == CONNECT and not self._is_up:
            self._connect(body)
        elif not self._is_up:
            raise Refused("no CONNECT")
        elif kind == PUBLISH:
            self._publish(first, body)
        elif kind == SUBSCRIBE:
            self._subscribe(body)
        elif kind == PINGREQ:
            self._write(b"\xd0\x00")
        elif kind == DISCONNECT:
            self.end("left")
        elif kind != PUBACK:
            raise Refused("packet 0x%02x" % first)

    def tell(self, topic, payload):
        """Publish where it subscribed to that."""
        if any(topic.startswith(each[:-1]) for each in self._filters):
            self._packet_id = self._packet_id % 65_535 + 1
            self._write(publish(topic.encode(), payload, self._packet_id))

    def _write(self, data):
        if not self._has_ended:
            self._writer.write(data)

    def _connect(self, body):
        fields = list(texts(body[10:]))
        flags, keep_alive_s = body[7], body[8] << 8 | body[9]
        hub = self._hub
        try:
            if body[:7] != b"\x00\x04MQTT\x04" or flags & 0xC4 != 0xC4 or len(fields) != 5:
                raise Refused("not MQTT 3.1.1 with a will, a user and a password")
            client, will_topic, _, user, password = [each.decode() for each in fields]
            if client != hub.device:
                raise Refused("client id is not the device's")
            if user != "%s/%s/?api-version=2021-04-12" % (hub.name, hub.device):
                raise Refused("user name")
            left_s = hub.check_token(password)
        except Refused:
            self._write(connack(NOT_AUTHORISED))
            raise
        if not 0 < keep_alive_s <= KEEP_ALIVE_S_MAX:
            raise Refused("keep-alive of %d s" % keep_alive_s)
        self._bag(will_topic)
        hub.admit(self)
        self._is_up = True
        asyncio.get_running_loop().call_later(left_s, self.end, "expired")
        self._write(connack())

    def _subscribe(self, body):
        topic = next(texts(body[2:])).decode()
        known = ("devices/%s/messages/devicebound/#" % self._hub.device, "$iothub/twin/res/#",
                 TWIN_CHANGE + "#")
        if topic not in known:
            raise Refused("subscription to " + topic)
        self._filters.append(topic)
        self._write(suback(body[0] << 8 | body[1]))

    def _publish(self, first, body):
        qos = first >> 1 & 3
        if qos > 1:
            raise Refused("QoS 2")
        if len(body) > MESSAGE_BYTES_MAX:
            raise Refused("message of %d bytes" % len(body))
        topic = next(texts(body)).decode()
        rest = body[2 + len(topic.encode()) :]
        if qos:
            asyncio.get_running_loop().call_later(PUBACK_S, self._write,
                                                  puback(rest[0] << 8 | rest[1]))
        if topic.startswith(TWIN_GET):
            twin = {"desired": {**self._hub.desired, "$version": 1}, "reported": {"$version": 1}}
            number = topic[len(TWIN_GET) :]
            self.tell("$iothub/twin/res/200/?$rid=" + number, json.dumps(twin).encode())
            return
        bag = self._bag(topic)
        if first & 1:
            raise Refused("retain")
        self._hub.up(bag, rest[2 * bool(qos) :])

    def _bag(self, topic):
        """The properties in a topic's name. Errors: Refused."""
        prefix = "devices/%s/messages/events/" % self._hub.device
        if not topic.startswith(prefix):
            raise Refused("topic " + topic)
        pairs = [each.partition("=") for each in topic[len(prefix) :].split("&")]
        if not all(name and mark for name, mark, _ in pairs) or "/" in topic[len(prefix) :]:
            raise Refused("property bag " + topic[len(prefix):])
        return {unquote(name): unquote(value) for name, _, value in pairs}


def texts(data):
    """The string fields that data is made of."""
    while len(data) >= 2:
        end = 2 + (data[0] << 8 | data[1])
        yield data[2:end]
        data = data[end:]
