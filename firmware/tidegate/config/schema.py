"""The configuration's keys, as one table, and the check that every source of it passes.

Help texts, the JSON Schema and the reference in `docs/` are made from this table.
"""

import binascii
import json

from tidegate.config.nearest import nearest
from tidegate.config.servers import places
from tidegate.errors import CatalogueError, ConfigurationError
from tidegate.limits import (
    COMMAND_KEY_BYTES_MAX, DEVICE_ID_BYTES_MAX, KEEP_ALIVE_S_MAX, KEEP_ALIVE_S_MIN,
    SERVER_COUNT_MAX,
)
from tidegate.observe import policy
from tidegate.observe.catalogue import ID, OWN_ROWS, ROWS

TEXT, INTEGER, CHOICE, TABLE = 0, 1, 2, 3
# When another value takes effect: at once, with the next session, with the next start.
NOW, SESSION, RESTART = 0, 1, 2
EFFECT_NAMES = ("now", "session", "restart")
# Who may set a key, beside the factory. What came from nowhere else is a default.
FACTORY, CONSOLE, COMMAND, DEFAULT = "factory", "console", "command", "default"
_ANYBODY, _CONSOLE, _NOBODY = (CONSOLE, COMMAND), (CONSOLE,), ()

# What a row says. DEFAULT_VALUE None: must be given. LOW, HIGH: of a text its length in bytes.
# CUTS: a wrong value may cut the device off from its server or its operator.
(NAME, KIND, UNIT, DEFAULT_VALUE, LOW, HIGH, CHOICES, EFFECT, SETTERS, CUTS, IS_SECRET,
 MEANING) = range(12)

KEYS = (
    ("device_id", TEXT, "", None, 1, DEVICE_ID_BYTES_MAX, (), RESTART, _NOBODY, True, False,
     "name of the device in all topics; given at provisioning, for good"),
    ("host", TEXT, "", None, 1, 253, (), SESSION, _ANYBODY, True, False,
     "name or address of the MQTT server"),
    ("port", INTEGER, "", 1883, 1, 65_535, (), SESSION, _ANYBODY, True, False, "its TCP port"),
    ("more_servers", TEXT, "", "", 0, 768, (), RESTART, _ANYBODY, True, False,
     "HOST:PORT HOST:PORT .., where to go in turn when it is lost"),
    ("tls", CHOICE, "", "off", 0, 0, ("off", "on", "unverified"), RESTART, _ANYBODY, True, False,
     "TLS to it; unverified takes any server: for development"),
    ("tls_ca", TEXT, "", "", 0, 256, (), RESTART, _ANYBODY, True, False,
     "DER file of the authority that the server's certificate must be of; needed where tls is on"),
    ("tls_certificate", TEXT, "", "", 0, 256, (), RESTART, _ANYBODY, True, False,
     "DER file of the device's own certificate; it and tls_key, or neither"),
    ("tls_key", TEXT, "", "", 0, 256, (), RESTART, _ANYBODY, True, False,
     "DER file of its key, PKCS#8"),
    ("profile", CHOICE, "", "generic", 0, 0, ("generic", "azure"), RESTART, _ANYBODY, True, False,
     "kind of the server; an Azure IoT Hub has topics and tokens of its own"),
    ("sas_key", TEXT, "", "", 0, 128, (), RESTART, _ANYBODY, True, True,
     "azure: the device's symmetric key, base64; not needed with tls_certificate"),
    ("username", TEXT, "", "", 0, 128, (), SESSION, _ANYBODY, True, False,
     "user name at the server, empty for none"),
    ("password", TEXT, "", "", 0, 1_024, (), SESSION, _ANYBODY, True, True, "password for it"),
    ("confirm", CHOICE, "", "echo", 0, 0, ("echo", "puback"), RESTART, _ANYBODY, False, False,
     "who confirms: the receiver's echo, or the server's PUBACK"),
    ("codec", CHOICE, "", "json", 0, 0, ("json", "packed", "collection"), RESTART, _ANYBODY,
     False, False, "form of the payloads: readable, small, or the charger family's present one"),
    ("keep_alive_s", INTEGER, "s", 55, KEEP_ALIVE_S_MIN, KEEP_ALIVE_S_MAX, (), SESSION, _ANYBODY,
     True, False, "MQTT keep-alive: the device misses a dead link within 3/4 of it, the server a "
     "dead device within 3/2; 400 on a metered link"),
    ("time_servers", TEXT, "", "", 0, 256, (), RESTART, _ANYBODY, False, False,
     "SNTP servers, HOST or HOST:PORT separated by blanks, the operator's own; two that agree are "
     "believed, so name two or more"),
    ("policies", TABLE, "", {}, 0, 0, (), NOW, _ANYBODY, False, False,
     "of observations, other than the catalogue's: a table of ids, each with a table of names "
     "and values, scaled as the values of the observation are"),
    ("command_key", TEXT, "", "", 0, COMMAND_KEY_BYTES_MAX, (), NOW, _CONSOLE, True, True,
     "signs commands that change something, empty for none"),
    ("console_pin", TEXT, "", "", 0, 160, (), RESTART, _CONSOLE, False, True,
     "hash of the console's PIN, made by `tidegate console hash-pin`"),
)

_ROWS = {row[NAME]: row for row in KEYS}
_NAME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
# Texts of a narrower alphabet, and what to say of them.
PLAIN = {
    "device_id": "only letters, digits, '.', '_' and '-'",
    "host": "the name alone, of letters, digits, '.', '_' and '-'; the port is a key of its own",
}
# Texts that are lists of servers.
LISTS = ("more_servers", "time_servers")


def row_of(name):
    """The row of a key, None where there is none."""
    return _ROWS.get(name)


def check(given):
    """Argument: given, a dict of keys and values. Result: a dict of all keys, defaults filled in.

    Errors: ConfigurationError names the first key that is wrong and what is allowed.
    """
    found = faults(given)
    if found:
        name, reason = found[0]
        raise ConfigurationError(reason if name is None else "%s: %s" % (name, reason))
    return {row[NAME]: given.get(row[NAME], row[DEFAULT_VALUE]) for row in KEYS}


def faults(given):
    """All that is wrong with a dict of keys and values, as [(key, reason)]; None: no key's."""
    if not isinstance(given, dict):
        return [(None, "the configuration is no table of keys and values")]
    found = [(str(name), unknown(name)) for name in sorted(given, key=str)
             if row_of(name) is None]
    for row in KEYS:
        if row[NAME] in given:
            reason = fault(row, given[row[NAME]])
        else:
            reason = "must be given: " + row[MEANING] if row[DEFAULT_VALUE] is None else ""
        if reason:
            found.append((row[NAME], reason))
    if not found:
        _relations({row[NAME]: given.get(row[NAME], row[DEFAULT_VALUE]) for row in KEYS}, found)
    return found


def unknown(name):
    """What to say of a key that does not exist: the nearest one, and all."""
    known = [row[NAME] for row in KEYS]
    near = nearest(str(name), known)
    return "no such key; %sknown are %s" % (
        "did you mean %s? " % near if near else "", ", ".join(known))


def fault(row, value):
    """What is wrong with a value by itself; "" for nothing. No value stands in the text."""
    kind, low, high = row[KIND], row[LOW], row[HIGH]
    if kind == CHOICE:
        return "" if value in row[CHOICES] else "one of " + ", ".join(row[CHOICES])
    if kind == TABLE:
        return _table_fault(value)
    if kind == INTEGER:
        is_good = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return "" if is_good else "an integer from %d to %d%s" % (
            low, high, " " + row[UNIT] if row[UNIT] else "")
    size = _bytes_of(value)
    if not low <= size <= high:
        return "a text of %d to %d bytes, without control characters" % (low, high)
    if row[NAME] in LISTS and places(value, 1) is None:
        return "at most %d of HOST or HOST:PORT, blanks between them" % (SERVER_COUNT_MAX - 1)
    if row[NAME] in PLAIN and not all(each in _NAME_CHARACTERS for each in value):
        return PLAIN[row[NAME]]
    return ""


def read(row, text):
    """What somebody typed as the value of a key. Result: (value, "") or (None, what is wrong)."""
    value = "" if text == '""' else text
    if row[KIND] == INTEGER:
        is_number = 0 < len(text) < 10 and all("0" <= each <= "9" for each in text)
        value = int(text) if is_number else None
    elif row[KIND] == TABLE:
        try:
            value = json.loads(text)
        except (ValueError, RuntimeError):
            # RuntimeError: brackets nested deeper than the parser goes.
            return None, "a table as JSON, such as {\"501\": {\"bound\": 3000}}"
    wrong = fault(row, value)
    return (None, wrong) if wrong else (value, "")


def _bytes_of(value):
    """The size of a text in UTF-8; -1 where it is none, or holds what no text should."""
    if not isinstance(value, str):
        return -1
    try:
        data = value.encode()
    except ValueError:
        return -1
    if data and min(data) < 32 or b"\x7f" in data:
        return -1
    # Half of a surrogate pair, U+D800 to U+DFFF: JSON may write a pair as two escapes, of which
    # MicroPython makes two halves, and encodes them.
    at = data.find(b"\xed")
    while at >= 0:
        if data[at + 1] >= 0xA0:
            return -1
        at = data.find(b"\xed", at + 1)
    return len(data)


class _Observations:
    """As much of a Catalogue as policies are judged by; the rows themselves are checked there."""

    rows = ROWS + OWN_ROWS

    def index(self, observation_id):
        for index, row in enumerate(self.rows):
            if row[ID] == observation_id:
                return index
        return -1


def _table_fault(value):
    """`policies` is the one table there is."""
    if not isinstance(value, dict):
        return "a table"
    try:
        if value:
            policy.rows(_Observations(), value)
    except CatalogueError as error:
        return str(error)[len("policies: "):]
    return ""


def _relations(values, found):
    """What keys ask of one another."""
    if values["profile"] == "azure":
        if values["tls"] == "off":
            found.append(("tls", "on where profile is azure: a hub takes nothing else"))
        if values["more_servers"]:
            found.append(("more_servers", "none where profile is azure: a token is for one hub"))
        if not (values["sas_key"] or values["tls_certificate"]):
            found.append(("sas_key", "it or tls_certificate must be given for azure"))
        try:
            binascii.a2b_base64(values["sas_key"])
        except ValueError:
            found.append(("sas_key", "base64, as the hub shows it"))
    if values["tls"] == "on" and not values["tls_ca"]:
        found.append(("tls_ca", "must be given where tls is on: without the authority's"
                                " certificate nobody knows who answers"))
    if bool(values["tls_certificate"]) != bool(values["tls_key"]):
        found.append(("tls_certificate", "it and tls_key, both or neither"))
