"""The verb `config` on the whole agent: staged, tried, kept, and taken back by itself."""

import json

import pytest
from agent_world import DEVICE, UTC_MS, AgentWorld
from fake_network import FakeNetwork
from fakes import FakeKeep
from test_agent import up
from test_remote import TOPIC, ask

from tidegate.config import schema
from tidegate.limits import BACKOFF_LINK_MS_MAX, REPLY_BYTES_MAX, TRIAL_START_COUNT_MAX
from tidegate.link import session
from tidegate.uplink.commands import signed_bytes
from tidegate.uplink.hmac import hmac_sha256

KEY = "a key of this device"
SECRET = "not for anybody's eyes"
DEAD = "dead.example"


class Network(FakeNetwork):
    """One name of it is nobody's."""

    @property
    def names(self):
        return 3 if self.asked and self.asked[-1] == DEAD else [self.NUMBER]

    @names.setter
    def names(self, names):
        pass


class World(AgentWorld):
    """A device with a command key, which starts anew when it wants to."""

    def boot(self):
        if not isinstance(self.network, Network):
            self.network = Network(self.broker)
            self.configuration.update(command_key=KEY, password=SECRET, username="me")
            self.counter = 0
        super().boot()

    def run(self, pass_ms):
        end_ms = self.now_ms + pass_ms
        while self.now_ms < end_ms:
            super().run(min(500, end_ms - self.now_ms))
            if self.agent.verbs.wants_restart:
                self.agent.close()
                self.boot()

    def config(self, argument):
        """The reply to a signed command."""
        self.counter += 1
        form = {"id": "c%d" % self.counter, "verb": "config", "arg": argument,
                "counter": self.counter}
        identity = (DEVICE, self.agent.uplink.store_id)
        form["mac"] = hmac_sha256(KEY.encode(), signed_bytes(identity, form)).hex()
        [reply] = ask(self, form.pop("verb"), **form)
        assert len(json.dumps(reply)) <= REPLY_BYTES_MAX
        return reply["result"] if reply["ok"] else reply["error"]

    def console(self, argument):
        """What the console has: (error, result)."""
        changes, action = self.agent.verbs.table["config"]
        error, result = action(argument, self.agent.monotonic.now_ms)
        return error or result

    def told(self):
        """What was told of the configuration, in order of its seq."""
        stored = self.receiver.stored.get((self.agent.uplink.store_id, "records"), {})
        return [json.loads(stored[seq][3]) for seq in sorted(stored) if stored[seq][2] == 4_006]


def cut_off(world, time="60s"):
    """A change of the host with which the device cannot reach anybody."""
    assert "staged" in world.config("set host " + DEAD)
    before = len(world.network.asked)
    reply = world.config("save confirm " + time)
    assert (reply["changes"], reply["effect"]) == (["host"], "session")
    world.run(8_000)
    assert DEAD in world.network.asked[before:]
    assert world.agent.session.phase != session.UP
    return reply["keep_within_s"]


def test_a_device_that_is_cut_off_is_back_at_its_old_server_within_its_time_and_says_why():
    world = up(World(61))
    span_s = cut_off(world)
    began_ms = world.now_ms - 8_000
    while world.agent.session.phase != session.UP:
        world.run(1_000)
        assert world.now_ms - began_ms < (span_s + 5) * 1_000, world.agent.trail.lines
    assert world.network.asked[-1] == "sea" and world.agent.spool.boot == 1
    world.run(3_000)
    assert world.told() == [{
        "what": "reverted", "why": "not kept within 60 s, server not reached", "by": "command",
        "generation": 2, "keys": ["host"]}]
    assert world.config("show")["values"]["host"] == "sea"
    assert any("configuration reverted" in line for line in world.agent.trail.lines)
    world.run(600_000)
    assert len(world.told()) == 1
    world.settle()
    world.check()


@pytest.mark.parametrize("pass_s", [1, 20, 45])
def test_a_power_cut_in_the_trial_only_gives_it_its_time_again_and_some_starts(pass_s):
    world = up(World(62))
    cut_off(world)
    for number in range(TRIAL_START_COUNT_MAX):
        world.run(1_000 * pass_s)
        world.boot()
        assert world.agent.configuring.ask("get host", 0)[1]["value"] == DEAD, number
    world.run(1_000)
    world.boot()
    world.run(63_000)
    assert world.agent.session.phase == session.UP and world.network.asked[-1] == "sea"
    world.run(3_000)
    assert world.told()[0]["why"] == "not kept in 3 starts"
    world.boot()
    up(world).run(3_000)
    assert len(world.told()) == 1, "a start does not tell it again"


def test_a_trial_is_kept_when_its_server_was_reached_and_somebody_says_so():
    world = up(World(63))
    world.run(60_000)
    assert "staged" in world.config("set host lake")
    assert "keep_within_s" in world.config("save confirm 30s")
    assert world.config("keep") == "the server was not reached with it yet"
    before = len(world.receiver.snapshots)
    world.run(8_000)
    told = sum(len(each["obs"]) for each in world.receiver.snapshots[before:])
    assert told > 9, "a server that it was not with does not know the live picture"
    assert world.agent.session.phase == session.UP and world.network.asked[-1] == "lake"
    assert world.config("show")["trial_left_s"] in range(15, 30)
    assert world.config("set port 1") == "a trial runs: keep it or revert it first"
    generation = world.config("keep")["generation"]
    world.run(120_000)
    assert [(each["what"], each["keys"], each["generation"]) for each in world.told()] == [
        ("kept", ["host"], generation)]
    world.boot()
    up(world)
    assert world.network.asked[-1] == "lake" and world.agent.spool.boot == 2
    found = world.config("get host")
    assert (found["value"], found["by"], found["boot"]) == ("lake", "command", 1)
    assert UTC_MS // 1_000 <= found["utc_s"] <= UTC_MS // 1_000 + 200


def test_a_server_that_was_reached_is_not_enough():
    world = up(World(64))
    world.config("set host lake")
    world.config("save confirm 30s")
    world.run(40_000)
    assert world.agent.session.phase == session.UP and world.network.asked[-1] == "sea"
    assert world.told()[0]["why"] == "not kept within 30 s, server reached"


def test_a_key_of_the_next_start_restarts_the_agent_and_its_trial_goes_on():
    world = up(World(65))
    world.config("set confirm puback")
    world.config("set profile azure")
    assert world.config("check") == "tls: on where profile is azure: a hub takes nothing else"
    assert world.config("save confirm") == world.config("check")
    world.config("unset profile")
    assert world.config("check") == {"changes": ["confirm"], "effect": "restart", "confirm": False}
    assert world.config("save confirm 1m")["effect"] == "restart"
    world.run(8_000)
    assert world.agent.spool.boot == 2 and world.agent.session.phase == session.UP
    assert world.agent.backoff.window_ms == BACKOFF_LINK_MS_MAX, "that was no power-up"
    assert world.agent.configuring.ask("get confirm", 0)[1]["value"] == "puback"
    world.run(62_000)
    assert world.agent.spool.boot == 3
    assert world.agent.backoff.window_ms == BACKOFF_LINK_MS_MAX
    up(world)
    world.run(3_000)
    assert world.config("get confirm")["value"] == "echo"
    assert [each["what"] for each in world.told()] == ["reverted"]


def test_what_cannot_cut_off_is_saved_at_once_and_what_can_needs_a_trial():
    world = up(World(66))
    assert world.config("save") == "nothing is staged that differs from what is in force"
    world.config("set port 1884")
    assert world.config("save") == "port may cut the device off: save confirm 5m"
    assert world.config("revert") == {"dropped": 1}
    world.config('set policies {"501": {"bound": 7}}')
    assert world.config("save")["effect"] == "now"
    world.run(3_000)
    assert ask(world, "observation", arg="501")[0]["result"]["policy"]["bound"] == 7
    assert [each["what"] for each in world.told()] == ["kept"]
    world.boot()
    up(world)
    assert ask(world, "observation", 2, arg="501")[0]["result"]["policy"]["bound"] == 7


def test_a_policy_that_a_command_has_changed_is_heeded_by_the_check():
    world = up(World(67))
    world.counter += 1
    world.agent.policies.change(501, {"settle_s": 600})
    world.config('set policies {"501": {"heartbeat_s": 900}}')
    assert world.config("check").startswith("policies: 501: heartbeat_s: ")
    assert world.config("save") == world.config("check")


def test_a_revert_before_the_trial_has_begun_changes_nothing():
    world = up(World(68))
    for setting in ("host " + DEAD, "codec packed"):
        world.config("set " + setting)
        assert world.console("save confirm")["keep_within_s"] == 300
        assert "generation" in world.console("revert")
        world.run(5_000)
        assert (world.agent.spool.boot, world.agent.counters.sessions) == (1, 1)
        assert world.console("show")["values"]["host"] == "sea"


def test_reading_needs_no_counter_and_changing_needs_a_key_and_its_signature():
    world = up(World(69))
    for number, word in enumerate(("show", "get port", "diff", "check", "export")):
        assert ask(world, "config", number, arg=word)[0]["ok"], word
    for word in ("set port 1", "unset port", "save", "keep", "revert", "fly", ""):
        assert ask(world, "config", 9, arg=word)[0]["error"] == "counter missing"
        assert ask(world, "config", 9, arg=word, counter=9)[0]["error"] == "not authentic"
    assert world.config("fly").startswith("config: no such word; known are check, diff,")
    assert world.config("shwo").startswith("config: no such word; did you mean show? ")
    keyless = up(AgentWorld(69))
    [reply] = ask(keyless, "config", arg="set port 1884", counter=1)
    assert reply["error"].startswith("without a command_key a command changes no configuration")
    assert keyless.agent.configuring.ask("set port 1884", 0) == ("", {"staged": 1})


def test_what_a_command_may_not_change_is_refused_by_name():
    world = up(World(70))
    assert world.config("set device_id x") == "device_id: is given at provisioning, for good"
    assert world.console("unset device_id") == "device_id: is given at provisioning, for good"
    assert world.config("set command_key x") == "command_key: may be set at the console only"
    assert world.console("set command_key another") == {"staged": 1}
    assert world.console("save") == "command_key may cut the device off: save confirm 5m"
    assert "generation" in world.console("save confirm 30s")
    world.run(2_000)
    assert ask(world, "config", arg="set port 1", counter=99, mac="00")[0]["error"] == (
        "not authentic")
    assert world.agent.remote.commands.key == b"another"
    assert "generation" in world.console("keep")
    world.boot()
    assert world.agent.remote.commands.key == b"another"


@pytest.mark.parametrize("argument, words", [
    ("set prot 1", "prot: no such key; did you mean port? known are device_id, "),
    ("set port 0", "port: an integer from 1 to 65535"),
    ("set port", 'port: a value is missing; "" is the empty one'),
    ("set", 'set: a value is missing; "" is the empty one'),
    ("set host a b", "host: the name alone"),
    ("set tls yes", "tls: one of off, on, unverified"),
    ("set policies {", "policies: a table as JSON"),
    ("set policies {\"9\": {}}", "policies: 9: no such observation"),
    ("get hots", "hots: no such key; did you mean host? "),
    ("unset x", "x: no such key; "),
    ("save confirm 29s", "save, or save confirm TIME, 30s to 3600s"),
    ("save confirm 61m", "save, or save confirm TIME"),
    ("save confirm 5x", "save, or save confirm TIME"),
    ("save now", "save, or save confirm TIME"),
    ("keep", "no trial runs"),
])
def test_what_is_wrong_is_named_with_what_to_do(argument, words):
    world = AgentWorld(71)
    error, result = world.agent.configuring.ask(argument, 0)
    assert error.startswith(words) and result == {}
    assert world.agent.configuring.ask("diff", 0) == ("", {"changes": {}})


def test_a_secret_is_shown_nowhere():
    world = up(World(72))
    assert world.config("set password " + SECRET[::-1]) == {"staged": 1}
    assert world.config("diff") == {"changes": {"password": ["set", "set"]}}
    assert world.config("get password")["value"] == "set"
    assert world.config("get sas_key")["value"] == "not set"
    said = [world.config(word) for word in ("show", "show password", "export", "check")]
    assert said[1]["values"] == {"password": "set"}
    assert said[2]["secrets"] == {"password": "set", "command_key": "set"}
    world.config("save confirm 30s")
    world.run(5_000)
    world.config("keep")
    world.config("set password \"\"")
    assert world.config("diff") == {"changes": {"password": ["set", "not set"]}}
    world.run(5_000)
    everything = [json.dumps(said), json.dumps(world.receiver.replies), json.dumps(world.told()),
                  "".join(world.ports.terminal.lines), "".join(world.agent.trail.lines)]
    for secret in (SECRET, SECRET[::-1], KEY):
        assert not any(secret in each for each in everything)
    kept = {name: record for name, record in world.keep.records.items()
            if SECRET[::-1].encode() in record}
    assert sorted(kept) == ["secrets.0", "secrets.1"]


def test_full_records_do_not_lose_what_is_to_be_told():
    world = up(World(73))
    real_append, is_full = world.agent.sampler._append, [True]

    def append(log, *rest):
        return 0 if is_full[0] and log == 1 else real_append(log, *rest)

    world.agent.sampler._append = append
    world.config("set host lake")
    world.config("save confirm 30s")
    world.run(90_000)
    assert world.told() == []
    is_full[0] = False
    world.run(65_000)
    assert [each["what"] for each in world.told()] == ["reverted"]


def test_a_revert_that_flash_refuses_holds_until_the_next_start():
    world = up(World(74))
    world.config("set host lake")
    world.config("save confirm 30s")
    real_save = FakeKeep.save
    world.keep.save = lambda name, record: False
    world.run(40_000)
    assert world.network.asked[-1] == "sea" and world.agent.session.phase == session.UP
    assert "flash-refused-it" in "".join(world.agent.trail.lines)
    world.keep.save = lambda name, record: real_save(world.keep, name, record)
    world.boot()
    world.run(100_000)
    assert world.network.asked[-1] == "sea" and world.told()[-1]["what"] == "reverted"


def test_a_command_of_the_largest_host_fits():
    world = up(World(75))
    host = "h" * 253
    assert world.config("set host " + host) == {"staged": 1}
    assert world.config("diff")["changes"]["host"] == ["sea", host]
    assert len(TOPIC) and world.config("set host " + host + "h").startswith("host: a text of 1")


def test_all_keys_at_their_largest_are_too_large_for_one_reply_and_are_had_by_their_beginning():
    world = up(World(76))
    for name in ("tls_ca", "tls_certificate", "tls_key", "username"):
        row = schema.row_of(name)
        assert world.console("set %s %s" % (name, "x" * row[schema.HIGH])) == {
            "staged": len(world.agent.configuring._staged.changes)}
    world.console("save confirm 1h")
    world.run(90_000)
    assert world.agent.spool.boot == 2
    assert world.config("show") == "reply too large"
    assert list(world.config("show tls_ca")["values"]) == ["tls_ca"]
