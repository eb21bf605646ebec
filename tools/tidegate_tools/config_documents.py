"""What is made from the device's table of configuration keys: JSON Schema, reference, verdicts.

The table is `firmware/tidegate/config/schema.py`; nothing of it is written down a second time.
"""

import json
from typing import NamedTuple

from tidegate_tools.errors import ToolError
from tidegate_tools.paths import use_device_modules

use_device_modules()
from tidegate.config import schema  # noqa: E402
from tidegate.limits import HOST_BYTES_MAX, SERVER_COUNT_MAX  # noqa: E402
from tidegate.observe import policy  # noqa: E402
from tidegate.observe.catalogue import HEARTBEAT_S_MAX, OWN_ROWS, ROWS  # noqa: E402

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What no text holds: control characters and halves of surrogate pairs. It is said as what must
# not be found, since `$` means the end of a text to some engines and that of a line to others.
UNFIT = "[\\u0000-\\u001f\\u007f\\ud800-\\udfff]"
NOT_PLAIN = "[^A-Za-z0-9._-]"
_PORT = ("0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]"
         "|6553[0-5])")
_PLACE = "[A-Za-z0-9._-]{1,%d}(:(?=[0-9]{1,5}( |$))%s)?" % (HOST_BYTES_MAX, _PORT)
LIST = "^ *(%s(( +)(?! )|$)){0,%d}$" % (_PLACE, SERVER_COUNT_MAX - 1)
LIMIT = (1 << 53) - 1


def json_schema():
    """The JSON Schema, draft 2020-12, of the table `agent` in a configuration file.

    Lengths of texts count characters there and bytes on the device: what is not ASCII may fit
    the schema and be too long for the device. What policies ask of an observation's own row is
    the device's to judge.
    """
    return {
        "$schema": DIALECT,
        "title": "Configuration of a Tidegate agent",
        "type": "object",
        "additionalProperties": False,
        "required": [row[schema.NAME] for row in schema.KEYS
                     if row[schema.DEFAULT_VALUE] is None],
        "properties": {row[schema.NAME]: _property(row) for row in schema.KEYS},
        "allOf": [
            _if("profile", "azure", {
                "required": ["tls"],
                "properties": {"tls": {"enum": ["on", "unverified"]},
                               "more_servers": {"const": ""}},
                "anyOf": [_given("sas_key"), _given("tls_certificate")]}),
            _if("tls", "on", _given("tls_ca")),
            {"if": _given("tls_certificate"), "then": _given("tls_key")},
            {"if": _given("tls_key"), "then": _given("tls_certificate")},
        ],
    }


def _given(name):
    return {"required": [name], "properties": {name: {"minLength": 1}}}


def _if(name, value, then):
    return {"if": {"required": [name], "properties": {name: {"const": value}}}, "then": then}


def _property(row):
    found = {"description": row[schema.MEANING]}
    if row[schema.DEFAULT_VALUE] is not None:
        found["default"] = row[schema.DEFAULT_VALUE]
    if row[schema.IS_SECRET]:
        found["writeOnly"] = True
    kind = row[schema.KIND]
    if kind == schema.CHOICE:
        found["enum"] = list(row[schema.CHOICES])
    elif kind == schema.INTEGER:
        found.update(type="integer", minimum=row[schema.LOW], maximum=row[schema.HIGH])
    elif kind == schema.TEXT:
        is_plain = row[schema.NAME] in schema.PLAIN
        found.update({"type": "string", "minLength": row[schema.LOW],
                      "maxLength": row[schema.HIGH],
                      "not": {"pattern": NOT_PLAIN if is_plain else UNFIT}})
        if row[schema.NAME] in schema.LISTS:
            found["pattern"] = LIST
    else:
        found.update(_policies())
    return found


def _policies():
    values = {name: {"type": "integer", "minimum": -LIMIT, "maximum": LIMIT}
              for name in policy.names_of(ROWS[0] + (0, 0, 0))}
    values["policy"] = {"enum": ["exact", "deadband", "trend"]}
    values["heartbeat_s"] = {"type": "integer", "minimum": 0, "maximum": HEARTBEAT_S_MAX}
    ids = "|".join(str(row[0]) for row in ROWS + OWN_ROWS)
    return {"type": "object", "additionalProperties": False, "patternProperties": {
        "^(%s)$" % ids: {"type": "object", "additionalProperties": False,
                           "properties": values}}}


def reference():
    """The reference of all keys as markdown, `docs/configuration.md`."""
    lines = [
        "# Configuration: every key", "",
        "Made from `firmware/tidegate/config/schema.py` by `make docs`. README.md says how a"
        " configuration is looked at and changed, SPEC.md section 10 how it is kept.", "",
        "| key | default | bounds | takes effect | set by | means |", "|---|---|---|---|---|---|",
    ]
    lines += ["| %s |" % " | ".join(_cells(row)) for row in schema.KEYS]
    lines += [
        "",
        "*Takes effect*: `now`; with the next `session`, to which the agent goes over by itself;"
        " with a `restart`, which it makes by itself.",
        "*Set by*: beside the factory's file. A key with `!` may cut the device off when it is"
        " wrong: it is saved on trial only. A secret is shown nowhere, only whether it is set.",
        "Sizes of texts are bytes of UTF-8; no text holds control characters.",
        "",
    ]
    return "\n".join(lines)


def _cells(row):
    kind, default = row[schema.KIND], row[schema.DEFAULT_VALUE]
    if default is None:
        told = "must be given"
    else:
        told = "none" if default == "" else "`%s`" % (
            default if isinstance(default, str) else json.dumps(default))
    bounds = {
        schema.CHOICE: ", ".join("`%s`" % each for each in row[schema.CHOICES]),
        schema.TABLE: "as each observation allows",
        schema.INTEGER: "%d to %d" % (row[schema.LOW], row[schema.HIGH]),
        schema.TEXT: "%d to %d bytes%s" % (
            row[schema.LOW], row[schema.HIGH],
            " of `A-Z a-z 0-9 . _ -`" if row[schema.NAME] in schema.PLAIN else ""),
    }[kind]
    if row[schema.UNIT]:
        bounds += " " + row[schema.UNIT]
    setters = " and ".join(row[schema.SETTERS]) or "nobody"
    name = "`%s`%s%s" % (row[schema.NAME], " !" if row[schema.CUTS] else "",
                         ", secret" if row[schema.IS_SECRET] else "")
    return name, told, bounds, schema.EFFECT_NAMES[row[schema.EFFECT]], setters, \
        row[schema.MEANING]


class Fault(NamedTuple):
    """What is wrong with a file: the key, "" for the whole, and the reason."""

    key: str
    reason: str

    def text(self):
        """One line."""
        return "%s: %s" % (self.key, self.reason) if self.key else self.reason


def check_file(path):
    """All that is wrong with a configuration file, by the device's own check, as [Fault].

    Argument: path, of a board's file with a table `agent`, or of such a table by itself.
    Errors: ToolError where it cannot be read or is no JSON.
    """
    try:
        given = json.loads(path.read_bytes())
    except OSError as error:
        raise ToolError("%s cannot be read: %s" % (path, error.strerror)) from None
    except (ValueError, RecursionError) as error:
        raise ToolError("%s is no JSON: %s" % (path, error)) from None
    if isinstance(given, dict) and ("agent" in given or "board" in given):
        given = given.get("agent")
    return [Fault(key or "", reason) for key, reason in schema.faults(given)]
