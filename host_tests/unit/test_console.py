"""The console of the whole agent: what it answers, what it refuses, what nothing makes it do."""

import json

from agent_world import DEVICE
from console_world import OPEN_PROMPT, PIN, PROMPT, ConsoleWorld

from tidegate import limits
from tidegate.console import commands
from tidegate.console.screens import PERSONAL_IDS
from tidegate.diag import trail
from tidegate.observe.catalogue import RECORDS


def world(run_ms=90_000, **given):
    made = ConsoleWorld(**given)
    made.run(run_ms)
    return made


def answer(made, line):
    """The result of a command with --json, or its error."""
    [text] = [each for each in made.ask(line + " --json") if each.startswith("{")]
    reply = json.loads(text)
    assert reply["command"] == line.split(" ")[0]
    return reply["result"] if reply["ok"] else reply["error"]


def test_status_fits_a_screen_and_its_last_line_is_the_verdict():
    made = world()
    lines = made.ask("status")
    assert len(lines) < 24 and max(map(len, lines)) < 80
    assert lines[0].startswith("  device     tg-000001, boot 2, up 9")
    assert lines[-1] == "  ALL IS WELL: it is sending, and nothing is left behind"
    made.network.up = False
    made.broker.cut()
    made.run(600_000)
    lines = made.ask("status")
    assert len(lines) < 24 and max(map(len, lines)) < 80
    assert lines[-1].startswith("  NOT SENDING: the charger's own network is down")


def test_every_command_answers_in_text_and_as_one_line_of_json():
    made = world()
    made.unlock()
    for row in commands.offered(made.agent.verbs.table):
        name = row[commands.NAME]
        if name in ("unlock", "export", "report") or row[commands.IS_DESTRUCTIVE]:
            continue
        line = {"observation": "observation 501",
                "policy": "policy 501 default"}.get(name, name)
        text = made.ask(line)
        assert text and all(each[:1] in (" ", "!", "") for each in text), (name, text)
        assert all(len(each) < 160 for each in text), (name, text)
        if name == "lock":
            made.unlock()
        [reply] = [each for each in made.ask(line + " --json") if each.startswith("{")]
        assert json.loads(reply)["command"] == name
        if name == "lock":
            made.unlock()
        made.run(2_000)


def test_a_wrong_line_is_answered_by_the_nearest_right_one():
    made = world(1_000)
    assert made.ask("stauts") == ["! there is no command 'stauts', the nearest is 'status':"
                                  " type help"]
    assert "'selftest'" in made.ask("self")[0]
    assert "'reboot'" in made.ask("rebot")[0]
    assert made.ask("xyzzy") == ["! there is no command 'xyzzy': type help"]
    assert made.ask("obs nonsense") == ["! no such observation: `obs` lists their ids and names"]


def test_a_refusal_of_a_verb_says_what_to_do_next():
    made = world(1_000)
    made.unlock()
    assert made.ask("policy 501 nonsense")[0] == (
        "! argument refused: `help policy` says what it takes")
    assert any("ID NAME VALUE" in line for line in made.ask("help policy"))
    assert made.ask("failover") == [
        "! not possible: not now, or not with this configuration: look at `link` before `failover`"
    ]
    assert answer(made, "failover") == "not possible", "programs read the verb's own word"


def test_what_changes_something_is_refused_until_it_is_unlocked():
    made = world(1_000)
    for line in ("again", "snapshot", "policy 501 default", "reconnect", "reboot", "export",
                 "failover", "factory-reset", "backlog 0 60"):  # fmt: skip
        assert made.ask(line) == ["! read-only: type unlock first"], line
    assert not made.agent.verbs.wants_restart
    assert made.unlock("1111") == ["! wrong PIN: type unlock to try again"]
    assert made.ask("again") == ["! read-only: type unlock first"]
    assert made.unlock() == ["  level  tech"]
    assert made.type("\r").endswith(OPEN_PROMPT)
    assert made.ask("backlog 0 60") == ["  backlog_obs_per_s  0", "  for_s              60"]
    assert made.ask("lock") == ["  level  read-only"]
    assert made.ask("again") == ["! read-only: type unlock first"]
    assert made.ask("unlock 2468")[0].startswith("! type unlock alone")


def test_ten_minutes_of_silence_lock_it_and_take_the_prompt_away():
    made = world(1_000)
    made.unlock()
    made.type("", limits.CONSOLE_LOGOUT_MS - 5_000)
    assert made.agent.console.guard.is_open
    made.type("", 6_000)
    assert not made.agent.console.guard.is_open
    made.agent.trail.note(trail.INFO, "planted")
    assert made.ports.terminal.lines[-1].endswith("INFO planted\n"), "no prompt for nobody"
    assert made.type("\r").endswith(PROMPT)


def test_while_somebody_types_no_key_waits_for_the_next_second():
    made = world(1_000)
    console = made.agent.console
    assert console.step(made.agent.monotonic.now_ms) == limits.TURN_WAIT_MS_MAX
    made.type("s", 1_000)
    assert console.step(made.agent.monotonic.now_ms) == limits.CONSOLE_KEY_MS
    made.type("", limits.CONSOLE_TYPING_MS)
    assert console.step(made.agent.monotonic.now_ms) == limits.TURN_WAIT_MS_MAX


def test_a_destructive_command_wants_the_end_of_the_device_s_name():
    made = world(1_000)
    made.unlock()
    asked = "to go on type the last 4 characters of the device id: "
    assert made.type("reboot\r").endswith(asked)
    assert "nothing was done" in made.type("0002\r")
    assert made.type("reboot\r").endswith(asked)
    made.type("\x03")
    assert "nothing was done" in made.ask("reboot --confirm tg-0")[0]
    made.run(3_000)
    assert not made.agent.verbs.wants_restart
    made.type("reboot\r")
    made.type(DEVICE[-4:] + "\r", 3_000)
    assert made.agent.verbs.wants_restart


def test_factory_reset_forgets_all_but_the_network_where_that_is_asked_for():
    made = world(5_000)
    made.keep.records.update({"policies": b"{}", "addresses": b"{}", "hint": b"x"})
    before = made.agent.spool.store_id
    made.unlock()
    assert made.ask("factory-reset keep-net --confirm 0001") == ["  in_ms  1000"]
    made.boot()
    assert made.agent.spool.store_id != before and made.agent.spool.boot == 1
    kept = {name: record for name, record in made.keep.records.items() if record}
    assert sorted(kept) == ["addresses"]
    made.unlock()
    assert "type `factory-reset`" in made.ask("factory-reset all --confirm 0001")[0]
    made.ask("factory-reset --confirm 0001")
    made.boot()
    assert not made.keep.records["addresses"]


def test_an_event_does_not_tear_what_is_being_typed():
    made = world(1_000)
    made.type("sta")
    made.ports.terminal.lines.clear()
    made.agent.trail.note(trail.INFO, "planted", fact=1)
    said = made.shown()
    assert said.startswith("\r* ") and said.endswith(" INFO planted fact=1\n" + PROMPT + "sta")
    assert made.type("tus\r").startswith("tus\n  device")


def test_an_event_of_any_length_is_shown_and_stops_no_other():
    made = world(1_000)
    made.type("x" * limits.CONSOLE_LINE_BYTES)
    made.ports.terminal.lines.clear()
    made.agent.trail.note(trail.INFO, "planted", fact="y" * 5_000)
    made.agent.trail.note(trail.INFO, "planted again")
    made.run(500)
    said = made.shown()
    assert "fact=yyyy" in said and "planted again" in said and len(said) < 1_500


def test_what_is_set_is_not_brought_back_by_an_arrow_key():
    made = world(1_000)
    made.ask("version")
    made.type("config set password hunter2\r")
    assert "hunter2" not in made.type("\x1b[A") and made.type("\x1b[A\r").count("version") == 1


def test_link_is_the_verb_of_that_name_and_what_the_console_makes_of_it():
    made = world()
    seen = []

    def verb(argument, now_ms):
        seen.append(argument)
        return "", {"phase": "up", "server": [0, "sea", 1883, False], "servers": 2}

    made.agent.verbs.table["link"] = (False, verb)
    assert answer(made, "link")["phase"] == "up"
    assert answer(made, "link endpoints") == {"server": [0, "sea", 1883, False], "servers": 2}
    assert answer(made, "link 3")["servers"] == 2 and seen == ["", "", "3"]
    assert any("session up" in line for line in made.ask("link trace"))
    assert made.ask("link now") == ["! read-only: type unlock first"]
    made.unlock()
    assert answer(made, "link now") == {"in_ms": limits.ACTION_WAIT_MS}


def test_log_levels_decide_what_is_shown_as_it_happens():
    made = world(1_000)
    assert "a level is one of debug, info, warning, alarm, off" in made.ask("log loud")[0]
    for level, shown in (("warning", ["b", "c"]), ("off", []), ("info", ["a", "b", "c"])):
        made.ask("log " + level)
        made.ports.terminal.lines.clear()
        for number, name in enumerate("abc", trail.INFO):
            made.agent.trail.note(number, "planted " + name)
        assert [name for name in "abc" if "planted " + name in made.shown()] == shown
    made.ask("log off")
    assert any("planted" in line for line in made.ask("log follow"))
    assert made.agent.console.shown_level == trail.INFO


def test_debug_shows_what_moves_and_keeps_nothing_of_it():
    made = world()
    before = list(made.agent.trail.lines)
    made.agent.trail.note(trail.DEBUG, "planted")
    assert made.ask("log debug") == ["  level  debug"] and "planted" not in made.shown()
    made.run(30_000)
    shown = made.shown()
    assert shown.count("DEBUG sampled recorded=") > 20
    assert "DEBUG confirmed packet=" in shown and "DEBUG received size=" in shown
    assert made.agent.trail.lines == before, "a debug event washes nothing away"
    made.ask("log follow")
    assert made.agent.trail.shows_debug
    made.run(limits.CONSOLE_LOGOUT_MS + 2_000)
    assert not made.agent.trail.shows_debug, "nobody is there any more"


def test_watching_goes_on_until_control_c():
    made = world(80_000)
    assert "VoltagePhase1" in made.type("obs 501 --watch\r", 5_000, False)
    assert made.agent.console.output.is_busy()
    assert made.type("x\x03").endswith("! ended by Ctrl-C\n" + PROMPT)
    assert made.ask("version")


def test_ping_measures_the_way_there_and_back():
    made = world()
    result = answer(made, "ping")
    assert 0 < result["mqtt_ms"] < 1_000 and result["echo_age_s"] < 90
    made.broker.answers = set()
    made.type("ping --json\r", limits.CONSOLE_PING_MS_MAX + 1_000)
    assert "nothing came back within 10 s" in made.shown()
    made.network.up = False
    made.broker.cut()
    made.run(100_000)
    assert made.ask("ping")[0].startswith("! there is no session")


def test_backlog_and_selftest_tell_of_an_outage():
    made = world()
    made.network.up = False
    made.broker.cut()
    made.run(600_000)
    logs = answer(made, "backlog")["logs"]
    assert logs["telemetry"]["count"] > 20 and logs["telemetry"]["age_s"] > 400
    parts = answer(made, "selftest")["parts"]
    assert parts["link"]["result"] == "FAIL"
    assert {parts[name]["result"] for name in ("flash", "spool", "clock", "source")} == {"pass"}
    made.agent.spool.logs[RECORDS].lost_count = 3
    assert answer(made, "selftest")["parts"]["spool"] == {
        "figure": "0 refused, 3 lost", "result": "FAIL"}


def test_no_answer_holds_a_secret_or_says_who_charged():
    made = world(600_000)
    made.unlock()
    secrets = [PIN, made.configuration["console_pin"]]
    for facts in made.expected.values():
        for _, _, number, value in facts:
            if number in PERSONAL_IDS:
                secrets += [value["b64"] if isinstance(value, dict) else value] if value else []
    assert len(secrets) > 3, "the world has somebody who charges"
    suppressor = made.agent.suppressor
    for number in (721, 722):
        # A card's number is short enough to be kept as it is.
        suppressor.last[suppressor.index(number)] = "04A1B2C3"
    secrets.append("04A1B2C3")
    said = ""
    for line in ("status", "obs", "obs 721", "obs 722", "report", "report --json", "errors",
                 "log", "trail", "help", "status --json", "obs --json"):  # fmt: skip
        said += made.type(line + "\r", 500)
    head = made.type("export\r").split("\n")
    said += "".join(line for line in head if " begin " in line or " end " in line)
    assert len(said) > 5_000
    for secret in secrets:
        assert secret not in said
