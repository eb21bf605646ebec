"""Commands from the server: checked, executed once, answered once. Pure. SPEC section 8.

A command that changes something carries a counter, which is kept on flash before the command is
executed, and never goes back; and, where the device has a command key, an HMAC. So neither a
retained message, nor a recording of an old one, nor a fresh store makes a device do something
again. A command whose id is known is answered from memory.
"""

import binascii
import json

from tidegate.limits import (
    COMMAND_ARGUMENT_COUNT_MAX, COMMAND_BURST_COUNT, COMMAND_BYTES_MAX, COMMAND_ID_COUNT_MAX,
    COMMAND_PERIOD_MS, COUNT53_MAX, REPLY_BYTES_MAX, REPLY_COUNT_MAX, TICKS_MASK_MS,
)
from tidegate.uplink.hmac import hmac_sha256, is_equal

OVERSIZED, MALFORMED, UNKNOWN, NO_COUNTER, OLD_COUNTER, NOT_AUTHENTIC, NO_ROOM = (
    "oversized", "malformed", "unknown verb", "counter missing", "counter too low",
    "not authentic", "counter not kept")
# What a verb itself may say.
BAD_ARGUMENT, NOT_POSSIBLE, NOT_KEPT = "argument refused", "not possible", "not kept"
REPLY_TOO_LARGE = "reply too large"
_MEMBERS = ("v", "id", "verb", "arg", "counter", "mac")


class Commands:
    """Takes payloads, gives replies.

    Arguments: identity, (device id, store id); key, bytes, empty for none, also a member; desk,
    which has `verbs`, {name: (whether it changes something, or a function of the argument that
    says so; function(argument, now_ms))}, each function giving (error or "", result: a dict);
    `counter()`, the highest that was kept; and `keep(counter, now_ms)`, which gives whether it is
    durable.
    """

    def __init__(self, identity, key, desk):
        self._identity = identity
        self.key = key
        self._desk = desk
        self._memory = []
        self._due = []
        self._token_count = COMMAND_BURST_COUNT
        self._filled_ms = 0
        self.executed_count = self.refused_count = self.dropped_count = 0

    def take(self, payload, now_ms):
        """A message of the command topic; payload None where it was too large to be read. What
        comes too fast to be answered is dropped unread, and counted."""
        if len(self._due) >= REPLY_COUNT_MAX or not self._admit(now_ms):
            self.dropped_count += 1
            return
        command, error = self._read(payload)
        command_id = command.get("id")
        for known_id, reply in self._memory:
            if known_id == command_id:
                self._due.append(reply)
                return
        result = {}
        is_executed = False
        if not error:
            error, result, is_executed = self._execute(command, now_ms)
        reply = self._reply(command_id, error, result)
        if len(reply) > REPLY_BYTES_MAX:
            reply = self._reply(command_id, REPLY_TOO_LARGE, {})
        if is_executed:
            self.executed_count += 1
            self._memory.append((command_id, reply))
            if len(self._memory) > REPLY_COUNT_MAX:
                self._memory.pop(0)
        else:
            self.refused_count += 1
        self._due.append(reply)

    def _reply(self, command_id, error, result):
        reply = {"v": 1, "dev": self._identity[0], "id": command_id, "ok": not error}
        reply["error" if error else "result"] = error or result
        if error == OLD_COUNTER:
            reply["counter"] = self._desk.counter()
        return json.dumps(reply).encode()

    def reply(self):
        """The oldest reply that is not sent yet, or None."""
        return self._due[0] if self._due else None

    def sent(self):
        """The oldest reply is on its way."""
        self._due.pop(0)

    def _admit(self, now_ms):
        """One token for each COMMAND_PERIOD_MS, at most COMMAND_BURST_COUNT of them."""
        fresh_count = ((now_ms - self._filled_ms) & TICKS_MASK_MS) // COMMAND_PERIOD_MS
        if self._token_count + fresh_count >= COMMAND_BURST_COUNT:
            self._token_count, self._filled_ms = COMMAND_BURST_COUNT, now_ms
        else:
            self._token_count += fresh_count
            self._filled_ms = (self._filled_ms + fresh_count * COMMAND_PERIOD_MS) & TICKS_MASK_MS
        if not self._token_count:
            return False
        self._token_count -= 1
        return True

    @staticmethod
    def _read(payload):
        """(members, error): no members but an id that is one where there is an error."""
        if payload is None or len(payload) > COMMAND_BYTES_MAX:
            return {}, OVERSIZED
        try:
            given = json.loads(payload)
        except (ValueError, RuntimeError):
            # RuntimeError: brackets nested deeper than the parser goes.
            return {}, MALFORMED
        if not isinstance(given, dict):
            return {}, MALFORMED
        command_id = given.get("id")
        if not _is_text(command_id, 1, COMMAND_ID_COUNT_MAX) or " " in command_id:
            return {}, MALFORMED
        counter, mac = given.get("counter"), given.get("mac")
        is_good = (
            all(name in _MEMBERS for name in given)
            and _is_count(given.get("v")) and given["v"] == 1
            and _is_text(given.get("verb"), 1, COMMAND_ID_COUNT_MAX)
            and _is_text(given.get("arg", ""), 0, COMMAND_ARGUMENT_COUNT_MAX)
            and (counter is None or _is_count(counter))
            and (mac is None or isinstance(mac, str)))
        return (given, "") if is_good else ({"id": command_id}, MALFORMED)

    def _execute(self, command, now_ms):
        """Result: (error or "", result, whether it was executed)."""
        found = self._desk.verbs.get(command["verb"])
        if found is None:
            return UNKNOWN, {}, False
        changes, action = found
        if changes(command.get("arg", "")) if callable(changes) else changes:
            counter = command.get("counter")
            if counter is None:
                return NO_COUNTER, {}, False
            if self.key and not self._is_authentic(command):
                return NOT_AUTHENTIC, {}, False
            if counter <= self._desk.counter():
                return OLD_COUNTER, {}, False
            if not self._desk.keep(counter, now_ms):
                return NO_ROOM, {}, False
        error, result = action(command.get("arg", ""), now_ms)
        return error, result, True

    def _is_authentic(self, command):
        try:
            given = binascii.unhexlify(command.get("mac") or "")
        except ValueError:
            return False
        return is_equal(given, hmac_sha256(self.key, signed_bytes(self._identity, command)))


def signed_bytes(identity, command):
    """What the HMAC of a command is made over.

    Arguments: identity, (device id, store id); command, a dict with id, counter, verb, arg.
    """
    return "\n".join(("tidegate-command-1",) + tuple(identity) + (
        command["id"], str(command["counter"]), command["verb"],
        command.get("arg", ""))).encode()


def _is_text(value, count_min, count_max):
    """Whether a value is a text of that many characters, none of them a control character."""
    return (isinstance(value, str) and count_min <= len(value) <= count_max
            and min(value + " ") >= " " and "\x7f" not in value)


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= COUNT53_MAX
