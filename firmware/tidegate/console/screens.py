"""What has a layout of its own: `status`, `obs`, `backlog`. Each is a dict, and lines of it."""

from tidegate.clock.anchor import QUALITY_NAMES
from tidegate.clock.civil import iso_text
from tidegate.console import render
from tidegate.console.verdict import judge
from tidegate.diag import trail
from tidegate.diag.running import running
from tidegate.link import session
from tidegate.observe.catalogue import (
    DECIMALS, ID, KIND, LOG_NAMES, NAME, NUMBER, OPAQUE, UNIT,
)

# Of these nothing but that they exist is shown: they say who charged, or are signed.
PERSONAL_IDS = (554, 721, 722, 723)
HIDDEN = "(hidden)"
_MODE_ID, _POWER_ID, _ENERGY_ID = 710, 513, 553
_MODE_NAMES = {0: "unknown", 1: "no car", 2: "car waits", 3: "charging", 5: "finished"}
_WARNING_COUNT = 3


def status(console, now_ms):
    """One dict of everything a technician asks first."""
    agent, watch = console.agent, console.watch
    key, case, action = judge(agent, watch, now_ms)
    is_up = agent.session.phase == session.UP
    result = running(console.ports.name)
    result.update({
        "device": console.device_id, "boot": agent.spool.boot,
        "up_s": agent.monotonic.total_ms(now_ms) // 1_000,
        "level": "tech" if console.guard.is_open else "read-only",
        "charger": {"mode": value_of(console, _MODE_ID), "power_w": value_of(console, _POWER_ID),
                    "session_wh": value_of(console, _ENERGY_ID),
                    "sample_age_s": watch.silent_s(now_ms)},
        "link": {"phase": session.PHASE_NAMES[agent.session.phase],
                 "for_s": watch.since_s(now_ms), "server": agent.endpoints.index,
                 "sessions": agent.counters.sessions, "attempts": agent.counters.attempts,
                 "cause": watch.cause or None, "failed_phase": watch.failed_phase or None,
                 "next_s": None if is_up else (agent.backoff.wait_ms(now_ms) + 999) // 1_000},
        "backlog": backlog(console, now_ms), "spool": spool(agent, watch),
        "clock": clock(agent, now_ms), "warnings": warnings(agent),
        "verdict": {"key": key, "text": case, "next": action}})
    return result


def status_lines(result):
    """At most 24 lines of 80 columns; the last one is the verdict."""
    charger, link, spool_of = result["charger"], result["link"], result["spool"]
    mode = charger["mode"]
    rows = [
        ("device", "%s, boot %d, up %s, console %s" % (
            result["device"], result["boot"], render.span(result["up_s"]), result["level"])),
        ("version", "%s on %s, board %s" % (
            result["version"], result["interpreter"], result["board"])),
        ("charger", "%s, %s W, %s Wh this session, last sample %s ago" % (
            _MODE_NAMES.get(mode, "mode %s" % render.plain(mode)),
            render.plain(charger["power_w"]), render.plain(charger["session_wh"]),
            render.span(charger["sample_age_s"]))),
        ("link", "%s for %s, server %d, sessions %d, attempts %d" % (
            link["phase"], render.span(link["for_s"]), link["server"] + 1, link["sessions"],
            link["attempts"]))]
    if link["cause"]:
        rows.append(("", "last: %s, in phase %s" % (link["cause"], link["failed_phase"])))
    if link["next_s"] is not None:
        rows.append(("", "next attempt in %s" % render.span(link["next_s"])))
    for name in LOG_NAMES:
        lag = result["backlog"][name]
        rows.append((name, "all confirmed" if not lag["count"] else (
            "%d unconfirmed, oldest %s old, %d a second, done in %s" % (
                lag["count"], render.span(lag["age_s"]), lag["rate"],
                render.span(lag["drain_s"])))))
    rows.append(("spool", "%d of %d blocks used, %d erases a block, %d gave way, %d lost" % (
        spool_of["used_blocks"], spool_of["blocks"], spool_of["erases_per_block"],
        spool_of["gave_way"], spool_of["lost"])))
    rows.append(("clock", "%s, %s" % (result["clock"]["utc"] or "unknown", result["clock"]["q"])))
    for line in result["warnings"]:
        rows.append(("warning", line))
    for name, text in rows:
        yield ("  %s%s" % (render.padded(name, 11), text))[:79] + "\n"
    verdict = result["verdict"]
    yield "\n"
    for line in render.wrapped("next: " + verdict["next"]):
        yield line
    yield "  %s\n" % verdict["text"]


def spool(agent, watch):
    """Room and wear."""
    logs, flash = agent.spool.logs, agent.spool.flash
    return {
        "blocks": flash.block_count,
        "used_blocks": sum(log.number - log.oldest + 1 for log in logs if log.number >= 0),
        "erases_per_block": max(log.number // log.geometry.block_count for log in logs
                                ) + 1 if logs[0].number >= 0 else 0,
        "gave_way": sum(log.evicted_count for log in logs),
        "lost": sum(log.lost_count for log in logs),
        "refused": sum(log.refused_count for log in logs),
        "retired_blocks": sum(len(log.retired) for log in logs), "aside": watch.is_spool_aside()}


def clock(agent, now_ms):
    """What it takes the time to be."""
    utc_ms = agent.timekeeping.time_ms(now_ms)
    return {"utc": None if utc_ms is None else iso_text(utc_ms),
            "q": QUALITY_NAMES[agent.timekeeping.anchor.quality]}


def warnings(agent):
    """The last of the trail's lines that are more than news."""
    marks = [" %s " % name for name in trail.LEVEL_NAMES[trail.WARNING:]]
    return [line for line in agent.trail.lines
            if any(mark in line for mark in marks)][-_WARNING_COUNT:]


def backlog(console, now_ms):
    """Of each log, what is not confirmed."""
    agent, found = console.agent, {}
    if not agent.uplink.is_up:
        # Nobody else looks meanwhile.
        agent.uplink.lag.measure(now_ms)
    for log_index, name in enumerate(LOG_NAMES):
        found[name] = dict(agent.uplink.lag.member(log_index))
        found[name]["stored"] = console.watch.backlog_count(log_index)
        found[name]["next_seq"] = agent.spool.logs[log_index].next_seq
    return found


def value_of(console, observation_id):
    """The last value of an observation, None where there is none."""
    suppressor = console.agent.suppressor
    index = suppressor.index(observation_id)
    value = None if index < 0 else suppressor.value(index)
    return value if isinstance(value, int) else None


def observation(console, index):
    """A row of `obs`: its last durable value, as text."""
    suppressor = console.agent.suppressor
    row, value = suppressor.rows[index], suppressor.value(index)
    if value is None:
        text = None
    elif row[ID] in PERSONAL_IDS or row[KIND] == OPAQUE:
        text = HIDDEN
    elif row[KIND] == NUMBER:
        text = render.decimal(value, row[DECIMALS])
    else:
        text = value if isinstance(value, str) else "(long text)"
    return {"id": row[ID], "name": row[NAME], "value": text, "unit": row[UNIT],
            "seq": suppressor.seq(index)}


def observation_lines(result):
    """A table of those that have a value; of one that was asked for all that is known."""
    if "policy" in result["observations"][0]:
        return render.as_text(result["observations"][0])
    cells = [("id", "name", "value", "unit", "seq")]
    for each in result["observations"]:
        cells.append((str(each["id"]), each["name"], render.plain(each["value"]), each["unit"],
                      str(each["seq"])))
    return render.columns_of(cells)
