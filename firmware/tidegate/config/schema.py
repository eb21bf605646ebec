"""The configuration's keys, as one table, and the check that every source of it passes."""

from tidegate.errors import ConfigurationError
from tidegate.limits import (
    COMMAND_KEY_BYTES_MAX, DEVICE_ID_BYTES_MAX, KEEP_ALIVE_S_MAX, KEEP_ALIVE_S_MIN,
)

TEXT, INTEGER, CHOICE, TABLE = 0, 1, 2, 3

# name, type, default (None: must be given), minimum, maximum (of a text: bytes), choices, meaning
KEYS = (
    ("device_id", TEXT, None, 1, DEVICE_ID_BYTES_MAX, (), "name of the device in all topics"),
    ("host", TEXT, None, 1, 253, (), "name or address of the MQTT server"),
    ("port", INTEGER, 1883, 1, 65_535, (), "its TCP port"),
    ("tls", CHOICE, "off", 0, 0, ("off", "on", "unverified"), "TLS; unverified: for development"),
    ("tls_ca", TEXT, "", 0, 256, (), "DER file of the authority that the server must be of"),
    ("tls_certificate", TEXT, "", 0, 256, (), "DER file of the device's own certificate"),
    ("tls_key", TEXT, "", 0, 256, (), "DER file of its key, PKCS#8"),
    ("profile", CHOICE, "generic", 0, 0, ("generic", "azure"), "kind of the server"),
    ("sas_key", TEXT, "", 0, 128, (), "azure: the device's symmetric key, base64; never shown"),
    ("username", TEXT, "", 0, 128, (), "user name, empty for none"),
    ("password", TEXT, "", 0, 1_024, (), "password; never shown"),
    ("confirm", CHOICE, "echo", 0, 0, ("echo", "puback"), "who confirms: the receiver's echo, or "
     "the server's PUBACK"),
    ("codec", CHOICE, "json", 0, 0, ("json", "packed", "collection"), "form of the payloads"),
    ("keep_alive_s", INTEGER, 60, KEEP_ALIVE_S_MIN, KEEP_ALIVE_S_MAX, (), "MQTT keep-alive"),
    ("policies", TABLE, {}, 0, 0, (), "of observations, other than the catalogue's: a table of "
     "ids, each with a table of names and values; checked by observe.policy"),
    ("command_key", TEXT, "", 0, COMMAND_KEY_BYTES_MAX, (), "secret that signs commands which "
     "change something, empty for none; never shown"),
    ("console_pin", TEXT, "", 0, 160, (), "hash of the console's PIN, never shown"),
)

_DEVICE_ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"


def check(given):
    """Argument: given, a dict of keys and values. Result: a dict of all keys, defaults filled in.

    Errors: ConfigurationError names the key and what is allowed.
    """
    if not isinstance(given, dict):
        raise ConfigurationError("the configuration is no table of keys and values")
    known = [row[0] for row in KEYS]
    for name in sorted(given):
        if name not in known:
            raise ConfigurationError("%s: no such key; known are %s" % (name, ", ".join(known)))
    values = {}
    for row in KEYS:
        name, default = row[0], row[2]
        if name not in given and default is None:
            raise ConfigurationError("%s: must be given: %s" % (name, row[6]))
        values[name] = given.get(name, default)
        _check_value(row, values[name])
    for character in values["device_id"]:
        if character not in _DEVICE_ID_CHARACTERS:
            raise ConfigurationError("device_id: only letters, digits, '.', '_' and '-'")
    _check_tls(values)
    return values


def _check_tls(values):
    if values["profile"] == "azure" and values["tls"] == "off":
        raise ConfigurationError("tls: on where profile is azure: a hub takes nothing else")
    if values["profile"] == "azure" and not (values["sas_key"] or values["tls_certificate"]):
        raise ConfigurationError("sas_key: it or tls_certificate must be given for azure")
    if values["tls"] == "on" and not values["tls_ca"]:
        raise ConfigurationError("tls_ca: must be given where tls is on: without the authority's"
                                 " certificate nobody knows who answers")
    if bool(values["tls_certificate"]) != bool(values["tls_key"]):
        raise ConfigurationError("tls_certificate, tls_key: both or neither")


def _check_value(row, value):
    name, kind, _, low, high, choices, _ = row
    if kind == CHOICE:
        if value not in choices:
            raise ConfigurationError("%s: one of %s" % (name, ", ".join(choices)))
    elif kind == TABLE:
        if not isinstance(value, dict):
            raise ConfigurationError("%s: a table" % name)
    elif kind == TEXT:
        if not isinstance(value, str) or not low <= len(value.encode()) <= high:
            raise ConfigurationError("%s: a text of %d to %d bytes" % (name, low, high))
    elif not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigurationError("%s: an integer from %d to %d" % (name, low, high))
