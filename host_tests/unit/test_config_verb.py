"""The words of the verb `config`: who may say what, what is answered, what is never shown."""

import json

import config_mutations
import pytest
from agent_world import AgentWorld
from config_world import KEY, SECRET, World
from fakes import Random
from test_agent import up
from test_remote import ask

from tidegate.config import schema


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


def test_reading_needs_no_counter_and_changing_needs_a_key_and_its_signature():
    world = up(World(69))
    for number, word in enumerate(("", "show", "get port", "diff", "check", "export")):
        assert ask(world, "config", number, arg=word)[0]["ok"], word
    for word in ("set port 1", "unset port", "save", "keep", "revert", "fly"):
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


def test_a_thousand_lines_of_any_kind_are_answered_and_apply_nothing_by_half():
    world = AgentWorld(78)
    store, counts = world.agent.configuring.store, {}
    words = ["show", "get", "set", "unset", "diff", "check", "save", "save confirm", "keep",
             "revert", "export", "", " ", "set  ", "SET", "\0", "ü", "save confirm 5m x"]
    for seed in range(1_000):
        chance = Random(seed)
        name, text = config_mutations.typed(chance)
        line = " ".join((words[chance.below(len(words))], name, text)[:chance.between(1, 3)])
        before = dict(store.running)
        error, result = world.agent.configuring.ask(line, world.agent.monotonic.now_ms)
        assert isinstance(error, str) and isinstance(result, dict) and not (error and result)
        json.dumps(result)
        assert store.running == before or "generation" in result, line
        assert not schema.faults(store.running), line
        counts[bool(error)] = counts.get(bool(error), 0) + 1
    assert min(counts.values()) > 100, counts


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


def test_a_command_of_the_largest_host_fits():
    world = up(World(75))
    host = "h" * 253
    assert world.config("set host " + host) == {"staged": 1}
    assert world.config("diff")["changes"]["host"] == ["sea", host]
    assert world.config("set host " + host + "h").startswith("host: a text of 1")


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
