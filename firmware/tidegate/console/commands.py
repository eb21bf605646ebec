"""The table of commands, and how a line finds its own. The verbs of MQTT are commands as well."""

from tidegate.console import inquiries, render, screens, usage, wireless

READ, TECH = 0, 1
WIFI = "wifi"
LEVEL_NAMES = ("read-only", "tech")
# A command whose name is that of a verb with arguments is that verb where any are given.
# name, argument, level, destructive, verb or part of the board that it needs ("" for none),
# function, layout, help
TABLE = (
    ("status", "", READ, False, "", inquiries.status, screens.status_lines,
     "one screen: why it is not sending, or that all is well"),
    ("obs", "[ID|NAME] [--watch]", READ, False, "", inquiries.obs, screens.observation_lines,
     "last values; of one its policy; --watch: until Ctrl-C"),
    ("backlog", "[RATE SECONDS]", READ, False, "", inquiries.backlog, None,
     "what is not confirmed; tech: limit its rate for a time"),
    ("link", "[now|trace|endpoints]", READ, False, "link", inquiries.link, None,
     "the session and its failures; tech: now, end and return"),
    ("wifi", "[scan|join NAME]", READ, False, WIFI, wireless.wifi, wireless.wifi_lines,
     "how it stands; tech: scan, stops all for up to 4 s, may drop the link; join: asks password"),
    ("ping", "", READ, False, "", inquiries.ping, None,
     "ms of the last set-up's phases, of a message and back"),
    ("errors", "", READ, False, "", inquiries.errors, None,
     "what went wrong since start"),
    ("log", "[debug|info|warning|alarm|off|follow]", READ, False, "", inquiries.log, None,
     "last events; a level: show those from it as they happen"),
    ("time", "", READ, False, "time", None, None, "what it takes the time to be"),
    ("config", "show|get|set|diff|check|save|keep|revert|export ..", READ, False, "config",
     None, None, "the configuration; to change it needs unlock"),
    ("selftest", "", READ, False, "", inquiries.selftest, None,
     "flash, spool, clock, heap, link, source: pass or FAIL"),
    ("report", "", READ, False, "", inquiries.report, None,
     "all of the above for a ticket, without what is secret"),
    ("export", "[--from LOG SEQ]", TECH, False, "", inquiries.export, None,
     "the backlog as lines, see `tidegate console --help`"),
    ("failover", "[SECONDS]", TECH, False, "failover", inquiries.failover, None,
     "go to the next server, come home after 600 s"),
    ("reboot", "", TECH, True, "reboot", inquiries.reboot, None, "end in order, start anew"),
    ("factory-reset", "[keep-net]", TECH, True, "", inquiries.factory_reset, None,
     "forget all but who it is; keep-net: and its network"),
    ("unlock", "", READ, False, "", None, None, "ask for the PIN; then tech commands work"),
    ("lock", "", READ, False, "", inquiries.lock, None, "read-only again"),
    ("version", "", READ, False, "", inquiries.version, None, "what runs, and on what"),
    ("help", "[COMMAND]", READ, False, "", None, None, "this list, or one command"),
)
(NAME, ARGUMENT, LEVEL, IS_DESTRUCTIVE, VERB, FUNCTION, LAYOUT, HELP) = range(8)


def offered(verbs, parts=()):
    """Rows of all commands: those of the table whose verb or part is there, and the verbs without
    one.

    Arguments: verbs, the table of `verbs.Verbs`; parts, names of what the board has.
    """
    rows = [row for row in TABLE if not row[VERB] or row[VERB] in verbs or row[VERB] in parts]
    covered = [row[NAME] for row in TABLE]
    for verb in sorted(verbs):
        if verb not in covered:
            argument, text = usage.VERBS.get(verb, usage.OTHER)
            rows.append((verb, argument, TECH if verbs[verb][0] else READ, False, verb, None, None,
                         text))
    return rows


def find(rows, name):
    """The row of a name, or None."""
    for row in rows:
        if row[NAME] == name:
            return row
    return None


def is_locked(row, argument, verbs):
    """Whether a command with this argument needs the level TECH."""
    changes = verbs[row[VERB]][0] if row[VERB] in verbs else None
    if callable(changes):
        return changes(argument)
    if row[NAME] == "link":
        return argument.split(" ")[0] == "now"
    return row[LEVEL] == TECH or row[NAME] in ("backlog", "wifi") and argument != ""


def parse(text):
    """(name, argument, options) of a line. Options are `--json` and `--confirm` with its word."""
    words = [word for word in text.split(" ") if word]
    options = {}
    if "--json" in words:
        words.remove("--json")
        options["json"] = True
    if "--confirm" in words[:-1]:
        place = words.index("--confirm")
        options["confirm"] = words[place + 1]
        del words[place:place + 2]
    return words[0] if words else "", " ".join(words[1:]), options


def help_lines(rows):
    """All commands, one a line."""
    for row in rows:
        mark = "tech" if row[LEVEL] == TECH else ""
        yield "  %s%s%s\n" % (render.padded(row[NAME], 15), render.padded(mark, 6),
                              row[HELP])
    yield "  Every command takes --json; `help COMMAND` says more.\n"
