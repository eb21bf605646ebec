"""What the commands do: each gives (error or "", result), the result a dict, or an iterator of
texts where it goes on for longer.

Arguments of all: console, desk, argument as typed, now_ms.
"""

import gc
import json

from tidegate.config import reset
from tidegate.console import render, screens
from tidegate.console.export import export as export_lines
from tidegate.diag import trail
from tidegate.diag.running import running
from tidegate.limits import (
    CONSOLE_FAILOVER_S, CONSOLE_PING_MS_MAX, CONSOLE_SILENT_MS, TICKS_MASK_MS,
)
from tidegate.link import session
from tidegate.observe.catalogue import LOG_NAMES, NAME

LEVELS = ("debug", "info", "warning", "alarm", "off")
NO_ARGUMENT = "takes no argument: type it alone"
_LINE_COUNT = 8
_SESSION_WORDS = ("session", "attempt", "address", "hint")
_ENDPOINT_MEMBERS = ("server", "servers", "plan", "rehearsal")
_COUNTERS = ("turns_failed", "refused", "full", "messages_refused", "messages_oversized",
             "fused", "repeated")


def status(console, desk, argument, now_ms):
    """See `screens.status`."""
    return (NO_ARGUMENT, {}) if argument else ("", screens.status(console, now_ms))


def version(console, desk, argument, now_ms):
    """See `diag.running`."""
    return "", running(console.ports.name)


def lock(console, desk, argument, now_ms):
    """Read-only again."""
    console.guard.lock()
    return "", {"level": "read-only"}


def obs(console, desk, argument, now_ms):
    """All values, or one with its policy."""
    words = argument.split(" ") if argument else []
    is_watching = "--watch" in words
    words = [word for word in words if word != "--watch"]
    suppressor = console.agent.suppressor
    found = range(suppressor.count)
    if words:
        found = [index for index in found if words[0] == str(suppressor.id(index))
                 or suppressor.rows[index][NAME].lower().startswith(words[0].lower())]
    if len(words) > 1 or not found:
        return "no such observation: `obs` lists their ids and names", {}
    if is_watching:
        return "", _watched(console, desk, found)
    if words and len(found) == 1:
        verb = console.verbs["observation"][1]
        error, result = verb(str(suppressor.id(found[0])), now_ms)
        result.update(screens.observation(console, found[0]))
        return error, {"observations": [result]}
    return "", {"observations": [screens.observation(console, index) for index in found
                                 if suppressor.value(index) is not None]}


def _watched(console, desk, found):
    """A line for each value that is recorded anew, until the reply is cancelled."""
    seen = {}
    while True:
        for index in found:
            seq = console.agent.suppressor.seq(index)
            if seq and seen.get(index) != seq:
                seen[index] = seq
                each = screens.observation(console, index)
                for piece in desk.rendered("obs", "", {"observations": [each]}):
                    yield piece
        yield ""


def backlog(console, desk, argument, now_ms):
    """What is not confirmed; with an argument the verb of that name."""
    if argument:
        return console.verbs["backlog"][1](argument, now_ms)
    result = {"logs": screens.backlog(console, now_ms),
              "rate_obs_per_s": console.agent.uplink.pacing.rate,
              "ceiling_obs_per_s": console.agent.uplink.pacing.ceiling}
    return "", result


def link(console, desk, argument, now_ms):
    """The verb `link`; `now` ends the session or the wait, `trace` shows what happened to it."""
    if argument == "now":
        return console.verbs["reconnect"][1]("", now_ms)
    if argument == "trace":
        return "", {"lines": [line for line in console.agent.trail.lines
                              if any(" %s " % word in line for word in _SESSION_WORDS)]}
    error, result = console.verbs["link"][1]("" if argument == "endpoints" else argument, now_ms)
    if argument == "endpoints":
        result = {name: result[name] for name in _ENDPOINT_MEMBERS if name in result}
    return error, result


def ping(console, desk, argument, now_ms):
    """A message to the server and back, after the phases of the last set-up."""
    phases_ms = dict(console.watch.phases_ms)
    if console.agent.session.phase != session.UP:
        return "there is no session: `status` says why; last phases in ms: %s" % (
            render.plain(phases_ms) or "none"), {}
    payload = {"v": 1, "dev": console.device_id, "id": "console-ping", "ok": True,
               "result": {"mono_ms": console.agent.monotonic.total_ms(now_ms)}}
    topic = ("tidegate/1/%s/reply" % console.device_id).encode()
    if not console.watch.ping(topic, json.dumps(payload).encode(), now_ms):
        return "the line is busy: try again in a second", {}
    return "", _ponged(console, desk, phases_ms, now_ms)


def _ponged(console, desk, phases_ms, begun_ms):
    while console.watch.pong_ms() is None:
        if (console.now_ms - begun_ms) & TICKS_MASK_MS > CONSOLE_PING_MS_MAX:
            break
        yield ""
    pong_ms = console.watch.pong_ms()
    error = "" if pong_ms is not None else (
        "nothing came back within %d s: look at `status`" % (CONSOLE_PING_MS_MAX // 1_000))
    for piece in desk.rendered("ping", error, {
            "phases_ms": phases_ms, "mqtt_ms": pong_ms,
            "echo_age_s": console.watch.echo_s(console.now_ms)}):
        yield piece


def errors(console, desk, argument, now_ms):
    """Counters of what went wrong, the last warnings, and the health of the board."""
    counters = console.agent.counters
    result = {name: getattr(counters, name) for name in _COUNTERS}
    result["dropped_lines"] = console.dropped_count
    result["lines"] = screens.warnings(console.agent)
    result["health"] = console.verbs["health"][1]("errors", now_ms)[1]
    return "", result


def log(console, desk, argument, now_ms):
    """The last events, or from which level on they are shown as they happen."""
    if argument and argument != "follow":
        if argument not in LEVELS:
            return "a level is one of %s, or follow" % ", ".join(LEVELS), {}
        console.show_from(LEVELS.index(argument))
        return "", {"level": argument}
    if argument:
        console.show_from(min(console.shown_level, trail.INFO))
    return "", {"level": LEVELS[console.shown_level],
                "lines": console.agent.trail.lines[-_LINE_COUNT:]}


def selftest(console, desk, argument, now_ms):
    """Each part with `ok` and a figure."""
    agent, watch = console.agent, console.watch
    spool = screens.spool(agent, watch)
    clock, free = screens.clock(agent, now_ms), None
    if hasattr(gc, "mem_free"):
        free = gc.mem_free()
    silent_s = watch.silent_s(now_ms)
    return "", {"parts": {
        "flash": _part(not spool["aside"] and not spool["retired_blocks"],
                       "%d retired blocks" % spool["retired_blocks"]),
        "spool": _part(not spool["refused"] and not spool["lost"],
                       "%d refused, %d lost" % (spool["refused"], spool["lost"])),
        "clock": _part(clock["utc"] is not None, clock["q"]),
        "heap": _part(free is None or free > 8_192,
                      "not known here" if free is None else "%d bytes free" % free),
        "link": _part(agent.session.phase == session.UP,
                      session.PHASE_NAMES[agent.session.phase]),
        "source": _part(silent_s * 1_000 < CONSOLE_SILENT_MS,
                        "last sample %d s ago" % silent_s)}}


def _part(is_ok, figure):
    return {"result": "pass" if is_ok else "FAIL", "figure": figure}


def report(console, desk, argument, now_ms):
    """The other inquiries one after the other; as JSON a line each."""
    return "", _reported(console, desk)


def _reported(console, desk):
    for name, typed in (("version", ""), ("status", ""), ("selftest", ""), ("backlog", ""),
                        ("errors", ""), ("link", ""), ("wifi", ""), ("config", "show"),
                        ("obs", "")):
        error, result = desk.result(name, typed, console.now_ms)
        if error is None:
            continue
        yield "\n"
        for piece in desk.rendered(name, error, result):
            yield piece
    lines = {"lines": list(console.agent.trail.lines)}
    for piece in desk.rendered("log", "", lines):
        yield piece


def export(console, desk, argument, now_ms):
    """See `console.export`."""
    words = argument.split(" ") if argument else ["--from", LOG_NAMES[0], "1"]
    if len(words) != 3 or words[0] != "--from" or words[1] not in LOG_NAMES \
            or not (0 < len(words[2]) < 10 and all("0" <= each <= "9" for each in words[2])):
        return "type `export`, or `export --from LOG SEQ` with LOG telemetry or records", {}
    return "", export_lines(
        console.agent, console.device_id, LOG_NAMES.index(words[1]), int(words[2]))


def failover(console, desk, argument, now_ms):
    """Go to the next server for a time."""
    return console.verbs["failover"][1](argument or str(CONSOLE_FAILOVER_S), now_ms)


def reboot(console, desk, argument, now_ms):
    """The verb `reboot`."""
    return console.verbs["reboot"][1]("", now_ms)


def factory_reset(console, desk, argument, now_ms):
    """Forget everything at the next start, which comes at once."""
    if argument not in ("", "keep-net"):
        return "type `factory-reset`, or `factory-reset keep-net`", {}
    if not reset.mark(console.ports.keep, argument != ""):
        return "nothing was done, the mark cannot be kept: look at `selftest`", {}
    return console.verbs["reboot"][1]("", now_ms)
