"""What the server's kind makes of a session: who we say we are, and what topics are called.

The agent speaks the generic topics of SPEC section 3; a profile turns them into the server's and
back. Members of each: retains, whether the server keeps retained messages; topic_bytes_max.
"""

import binascii
import json

from tidegate.errors import ConfigurationError
from tidegate.limits import AZURE_TOPIC_BYTES_MAX, SAS_LIFE_S, TICKS_MASK_MS, TOPIC_BYTES_MAX
from tidegate.uplink.hmac import hmac_sha256

HINT_TOPIC = b"tidegate/1/fleet/hint"
_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
_TWIN_ANSWER, _TWIN_CHANGE = b"$iothub/twin/res/", b"$iothub/twin/PATCH/properties/desired/"
_TWIN_HINT = "tidegate_hint"


class Generic:
    """A broker that takes any topic. Argument: configuration, checked."""

    retains = True
    topic_bytes_max = TOPIC_BYTES_MAX
    # Published as soon as a session stands.
    questions = ()

    def __init__(self, configuration, _random_below=None):
        self._configuration = configuration

    def identity(self, _utc_s, _now_ms):
        """(client id, user, password) of an attempt, bytes, the last two None for none."""
        configuration = self._configuration
        device = configuration["device_id"].encode()
        # MQTT 3.1.1 knows no password without a user name, but empty ones with it.
        if not configuration["username"]:
            return device, None, None
        return device, configuration["username"].encode(), configuration["password"].encode()

    def subscriptions(self, topics):
        """What to subscribe to for these topics."""
        return topics

    def outward(self, topic, _key=None):
        """The server's topic for one of ours. Argument: key, [store id, log name, first seq]."""
        return topic

    def inward(self, topic, payload):
        """(our topic, payload) of a message, None where it means nothing to us.

        A payload is None where it was too large to be read.
        """
        return topic, payload

    def is_due(self, _now_ms):
        """Whether the session is to be left for a new one with a new identity."""
        return False


class Azure:
    """Azure IoT Hub: one topic for all that goes up, its name a bag of properties; a token made
    here; the hint as a desired property of the twin.

    Arguments: configuration, checked; random_below(n), an integer of 0..n-1.
    Source: "Communicate with an IoT hub using the MQTT protocol" and "Control access to IoT Hub
    with shared access signatures", both of Microsoft's documentation.
    """

    retains = False
    topic_bytes_max = AZURE_TOPIC_BYTES_MAX
    questions = (b"$iothub/twin/GET/?$rid=1",)

    def __init__(self, configuration, random_below):
        self._random_below = random_below
        self._configuration = configuration
        self._device = configuration["device_id"]
        try:
            self._key = binascii.a2b_base64(configuration["sas_key"])
        except ValueError:
            raise ConfigurationError("sas_key: base64, as the hub shows it")
        self._up = "devices/%s/messages/events/" % self._device
        self._down = ("devices/%s/messages/devicebound/" % self._device).encode()
        self._made_ms = self._life_ms = 0

    def identity(self, utc_s, now_ms):
        """See `Generic.identity`; None while a token is wanted and the time is unknown."""
        host = self._configuration["host"]
        user = "%s/%s/?api-version=2021-04-12" % (host, self._device)
        password = b""
        if self._key:
            if not utc_s:
                return None
            resource = quoted("%s/devices/%s" % (host, self._device))
            password = token(resource, self._key, utc_s + SAS_LIFE_S).encode()
            self._made_ms = now_ms
            # Somewhere in 3/4 .. 9/10 of its life: devices that came together renew apart.
            self._life_ms = 750 * SAS_LIFE_S + self._random_below(150 * SAS_LIFE_S)
        return self._device.encode(), user.encode(), password

    def subscriptions(self, _topics):
        """See `Generic.subscriptions`: what is for the device, and its twin."""
        return self._down + b"#", _TWIN_ANSWER + b"#", _TWIN_CHANGE + b"#"

    def outward(self, topic, key=None):
        """See `Generic.outward`: the last part of ours is the property `kind`."""
        bag = "kind=" + topic.decode().rsplit("/", 1)[1]
        if key is not None:
            bag += "&store=%s&log=%s&seq=%d" % tuple(key)
        return (self._up + bag).encode()

    def inward(self, topic, payload):
        """See `Generic.inward`: a property `kind` says whether it is a `confirm` or a `cmd`."""
        if topic.startswith(self._down):
            kind = "confirm" if b"kind=confirm" in topic else "cmd"
            return ("tidegate/1/%s/%s" % (self._device, kind)).encode(), payload
        is_answer = topic.startswith(_TWIN_ANSWER)
        if not is_answer and not topic.startswith(_TWIN_CHANGE):
            return topic, payload
        if payload is None:
            return HINT_TOPIC, None
        try:
            twin = json.loads(payload) if payload else {}
            desired = twin.get("desired", {}) if is_answer else twin
            if _TWIN_HINT in desired:
                return HINT_TOPIC, json.dumps(desired[_TWIN_HINT]).encode()
        except (ValueError, AttributeError, TypeError, RuntimeError):
            # RuntimeError: brackets nested deeper than the parser goes.
            return topic, payload
        return None

    def is_due(self, now_ms):
        """See `Generic.is_due`: before the hub cuts off whose token has run out."""
        return bool(self._life_ms) and (now_ms - self._made_ms) & TICKS_MASK_MS >= self._life_ms


def make(configuration, random_below):
    """The profile that a configuration names. Errors: ConfigurationError."""
    kind = Azure if configuration["profile"] == "azure" else Generic
    return kind(configuration, random_below)


def quoted(text):
    """Percent-encoded, all but letters, digits and `._-`. Source: RFC 3986 section 2.1."""
    return "".join([c if c in _PLAIN else "".join(["%%%02X" % byte for byte in c.encode()])
                    for c in text])


def token(resource, key, expiry_s):
    """A shared access signature. Arguments: resource, quoted; key, bytes; expiry_s, Unix time."""
    signature = hmac_sha256(key, ("%s\n%d" % (resource, expiry_s)).encode())
    text = binascii.b2a_base64(signature).decode().strip()
    return "SharedAccessSignature sr=%s&sig=%s&se=%d" % (resource, quoted(text), expiry_s)
