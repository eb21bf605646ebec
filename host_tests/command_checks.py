"""Checks of the commands, for both interpreters: `portable_checks` runs them on each.

The HMAC of the good command was made by CPython's `hmac`, not by the code under test.
"""

import json

from tidegate.limits import (
    COMMAND_ARGUMENT_COUNT_MAX, COMMAND_BURST_COUNT, COMMAND_BYTES_MAX, COMMAND_PERIOD_MS,
    REPLY_BYTES_MAX, REPLY_COUNT_MAX, TICKS_MASK_MS,
)
from tidegate.uplink import commands
from tidegate.uplink.hmac import hmac_sha256, is_equal

# RFC 4231: key, data, HMAC-SHA256 as hexadecimal digits.
VECTORS = (
    (b"\x0b" * 20, b"Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
)
IDENTITY = ("tg-1", "9f0c5a7e11d2b346")
KEY = b"a key of this device"
# Over "tidegate-command-1\ntg-1\n9f0c5a7e11d2b346\nx1\n7\nset\n5".
MAC_OF_SET_5 = "9545a1de4b195428fb6f941a12e6ad5166f6cf16f3237e1e78114b87542fd74d"


class Desk:
    """Two verbs that note what they were asked; `kept` is the counter on flash."""

    def __init__(self, kept=0):
        self.asked = []
        self.kept = kept
        self.is_full = False
        self.verbs = {"get": (False, self._note), "set": (True, self._note),
                      "long": (False, lambda argument, now_ms: ("", {"n": "x" * REPLY_BYTES_MAX})),
                      "no": (False, lambda argument, now_ms: (commands.BAD_ARGUMENT, {}))}

    def _note(self, argument, now_ms):
        self.asked.append(argument)
        return "", {"n": len(self.asked)}

    def counter(self):
        return self.kept

    def keep(self, counter, now_ms):
        if not self.is_full:
            self.kept = counter
        return not self.is_full


class Line:
    """Commands at a desk; each `say` gives the one reply, None where it was dropped."""

    def __init__(self, key=b"", kept=0):
        self.desk = Desk(kept)
        self.commands = commands.Commands(IDENTITY, key, self.desk)
        self.now_ms = TICKS_MASK_MS - 5_000

    def say(self, payload, pass_ms=COMMAND_PERIOD_MS):
        self.now_ms = (self.now_ms + pass_ms) & TICKS_MASK_MS
        if isinstance(payload, dict):
            payload = json.dumps(payload).encode()
        self.commands.take(payload, self.now_ms)
        reply = self.commands.reply()
        if reply is None:
            return None
        self.commands.sent()
        assert self.commands.reply() is None, "one command, one reply"
        return json.loads(reply)

    def error(self, payload):
        reply = self.say(payload)
        assert reply["ok"] is False and "result" not in reply
        return reply["error"]


def command(verb="get", command_id="x1", **members):
    form = {"v": 1, "id": command_id, "verb": verb}
    form.update(members)
    return form


def check_hmac():
    for key, data, digits in VECTORS:
        assert "".join("%02x" % byte for byte in hmac_sha256(key, data)) == digits
    assert is_equal(b"ab", b"ab") and not is_equal(b"ab", b"ac") and not is_equal(b"ab", b"abc")


def check_a_command_is_executed_once_and_answered_as_often_as_asked():
    line = Line()
    first = line.say(command(arg="a"))
    assert first == {"v": 1, "dev": "tg-1", "id": "x1", "ok": True, "result": {"n": 1}}
    assert line.say(command(arg="b")) == first and line.desk.asked == ["a"]
    assert line.say(command(command_id="x2"))["result"] == {"n": 2}
    for number in range(REPLY_COUNT_MAX):
        line.say(command(command_id="y%d" % number))
    line.say(command())
    assert len(line.desk.asked) == REPLY_COUNT_MAX + 3, "the memory is bounded"


def check_what_is_wrong_is_refused_by_name():
    line = Line()
    assert line.error(b"x" * (COMMAND_BYTES_MAX + 1)) == "oversized"
    for payload in (b"", b"{", b"null", b"[]", b"1", b"\xff\xfe", b"[" * 400, b'{"v":1}'):
        assert line.error(payload) == "malformed", payload
    for spoilt in ({"id": ""}, {"id": 5}, {"id": "a b"}, {"id": "x" * 37}, {"id": "a\n"},
                   {"v": 2}, {"v": True}, {"v": 1.0}, {"verb": ""}, {"verb": None}, {"arg": 5},
                   {"arg": "x" * (COMMAND_ARGUMENT_COUNT_MAX + 1)}, {"arg": "\x7f"},
                   {"counter": True}, {"counter": -1}, {"counter": 1 << 60}, {"counter": "7"},
                   {"mac": 5}, {"other": 1}):
        form = command()
        form.update(spoilt)
        assert line.error(form) == "malformed", spoilt
    assert line.error(command("fly")) == "unknown verb"
    assert line.error(command("no")) == "argument refused"
    assert line.error(command("long", "x2")) == "reply too large"
    assert line.desk.asked == [] and line.commands.executed_count == 2


def check_a_counter_goes_up_only_and_is_kept_before_anything_happens():
    line = Line(kept=5)
    assert line.error(command("set")) == "counter missing"
    refused = line.say(command("set", counter=5))
    assert (refused["error"], refused["counter"]) == ("counter too low", 5)
    assert line.say(command("set", counter=6))["ok"] and line.desk.kept == 6
    assert line.error(command("set", "x2", counter=6)) == "counter too low"
    line.desk.is_full = True
    assert line.error(command("set", "x3", counter=7)) == "counter not kept"
    assert len(line.desk.asked) == 1
    line.desk.is_full = False
    assert line.say(command("set", "x3", counter=7))["ok"], "a refusal is not remembered"


def check_with_a_key_only_what_is_signed_changes_anything():
    mac = MAC_OF_SET_5
    good = command("set", counter=7, arg="5", mac=mac)
    for spoilt in ({"mac": None}, {"mac": ""}, {"mac": "zz"}, {"mac": mac[:-2]}, {"arg": "6"},
                   {"counter": 8}, {"id": "x2"}, {"mac": mac[:-1] + "01"[mac[-1] == "0"]}):
        line = Line(KEY)
        form = dict(good)
        form.update(spoilt)
        assert line.error(form) == "not authentic", spoilt
        assert line.desk.asked == [] and line.desk.kept == 0
    line = Line(KEY)
    assert line.say(command("get", "x9"))["ok"], "reading needs no signature"
    assert line.say(good)["ok"] and line.desk.asked[-1] == "5"
    assert Line(b"another key").error(good) == "not authentic"


def check_a_flood_is_answered_at_its_bounded_rate_and_counted():
    line = Line()
    answered = [line.say(command(command_id="f%d" % number), 10) for number in range(1_000)]
    count = sum(reply is not None for reply in answered)
    assert COMMAND_BURST_COUNT + 9 <= count <= COMMAND_BURST_COUNT + 10
    assert line.commands.dropped_count == 1_000 - count
    silent = Line()
    for number in range(100):
        silent.now_ms = (silent.now_ms + COMMAND_PERIOD_MS) & TICKS_MASK_MS
        silent.commands.take(json.dumps(command(command_id="s%d" % number)).encode(),
                             silent.now_ms)
    assert len(silent.desk.asked) == REPLY_COUNT_MAX, "what cannot be answered is not executed"


CHECKS = (
    check_hmac, check_a_command_is_executed_once_and_answered_as_often_as_asked,
    check_what_is_wrong_is_refused_by_name,
    check_a_counter_goes_up_only_and_is_kept_before_anything_happens,
    check_with_a_key_only_what_is_signed_changes_anything,
    check_a_flood_is_answered_at_its_bounded_rate_and_counted,
)  # fmt: skip
