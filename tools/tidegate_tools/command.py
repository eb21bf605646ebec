"""One command to one device, and its reply (SPEC section 8)."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time

import aiomqtt

from tidegate_tools.decode import DEVICE, PREFIX, Birth, decode
from tidegate_tools.errors import DecodeError, ToolError
from tidegate_tools.sink import ANSWER_S_MAX, QUIET

# A device that lost its session with the command in flight is asked again, under the same id.
AGAIN_S = 5.0
STATE_S_MAX = 2.0


class Request:
    """What is asked of whom.

    Arguments: device; verb; argument, a text; key, of the device, empty for none; counter, None
    for Unix time in ms, which goes up whoever asks. Errors: ToolError.
    """

    def __init__(self, device, verb, argument="", key="", counter=None):
        if not DEVICE.match(device):
            raise ToolError("device %r: 1 to 64 characters out of A-Z a-z 0-9 . _ -" % device)
        self.device = device
        self._key = key.encode()
        self.members = {
            "v": 1, "id": secrets.token_hex(8), "verb": verb, "arg": argument,
            "counter": time.time_ns() // 1_000_000 if counter is None else counter}

    def payload(self, store):
        """The message for a device whose spool has the id `store`, signed where there is a key."""
        members = dict(self.members)
        if self._key:
            text = "\n".join(("tidegate-command-1", self.device, store, members["id"],
                              str(members["counter"]), members["verb"], members["arg"]))
            members["mac"] = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
        return json.dumps(members).encode()


async def ask(link, request, patience_s):
    """Arguments: link, a sink.Link; request; patience_s. Result: the reply, a dict.

    Errors: ToolError where the broker or the device is away, or no reply comes in time.
    """
    topic = PREFIX + request.device + "/"
    try:
        async with aiomqtt.Client(
                link.host, link.port, username=link.username, password=link.password,
                timeout=ANSWER_S_MAX, logger=QUIET) as client:
            await client.subscribe([(topic + "state", 1), (topic + "reply", 1)])
            store = await _store(client, request.device)
            return await asyncio.wait_for(_talk(client, topic, request, store), patience_s)
    except asyncio.TimeoutError:
        raise ToolError("%s did not answer within %g s: look at `tidegate sink alerts`"
                        % (request.device, patience_s)) from None
    except aiomqtt.MqttError as error:
        raise ToolError("the broker at %s:%d is away (%s)"
                        % (link.host, link.port, error)) from None


async def _store(client, device):
    """The store id out of the device's retained birth."""
    async def look():
        # Some brokers hand out retained messages that nobody subscribed to.
        async for message in client.messages:
            if str(message.topic) == PREFIX + device + "/state" and message.payload:
                return decode(str(message.topic), message.payload)

    try:
        state = await asyncio.wait_for(look(), STATE_S_MAX)
    except asyncio.TimeoutError:
        raise ToolError("the broker knows no device %s" % device) from None
    except DecodeError as error:
        raise ToolError("the state of %s cannot be read: %s" % (device, error)) from None
    if not isinstance(state, Birth):
        raise ToolError("%s is offline; it will be asked nothing" % device)
    return state.store


async def _talk(client, topic, request, store):
    payload = request.payload(store)
    await client.publish(topic + "cmd", payload, qos=1)
    while True:
        try:
            message = await asyncio.wait_for(anext(client.messages), AGAIN_S)
        except asyncio.TimeoutError:
            await client.publish(topic + "cmd", payload, qos=1)
            continue
        reply = _reply(message, topic)
        if reply is not None and reply["id"] in (request.members["id"], None):
            return reply


def _reply(message, topic):
    """A reply as a dict, or None where the message is none."""
    if str(message.topic) != topic + "reply":
        return None
    try:
        reply = json.loads(message.payload)
        return reply if {"id", "ok"} <= set(reply) else None
    except (ValueError, TypeError):
        return None
