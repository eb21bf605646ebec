"""The check of a configuration: what is wrong is named."""

import pytest

from tidegate.config import schema
from tidegate.errors import ConfigurationError

LEAST = {"device_id": "tg-000001", "host": "127.0.0.1"}


def refused(given):
    with pytest.raises(ConfigurationError) as caught:
        schema.check(given)
    return str(caught.value)


def test_the_least_configuration_gets_every_default():
    assert schema.check(dict(LEAST)) == {
        "device_id": "tg-000001",
        "host": "127.0.0.1",
        "port": 1883,
        "profile": "generic",
        "sas_key": "",
        "tls": "off",
        "tls_ca": "",
        "tls_certificate": "",
        "tls_key": "",
        "username": "",
        "password": "",
        "confirm": "echo",
        "codec": "json",
        "keep_alive_s": 60,
        "policies": {},
        "command_key": "",
        "console_pin": "",
    }


def test_what_is_given_is_kept():
    given = {
        "device_id": "A.b_c-9",
        "host": "broker.example",
        "port": 65_535,
        "profile": "azure",
        "sas_key": "a2V5",
        "tls": "on",
        "tls_ca": "ca.der",
        "tls_certificate": "device.der",
        "tls_key": "device.key",
        "username": "u" * 128,
        "password": "p" * 1_024,
        "confirm": "puback",
        "codec": "packed",
        "keep_alive_s": 1_170,
        "policies": {"501": {"bound": 3_000}},
        "command_key": "k" * 64,
        "console_pin": "h" * 160,
    }
    assert schema.check(dict(given)) == given


@pytest.mark.parametrize("name", ["prot", "Port", "", "device_id "])
def test_an_unknown_key_is_named_with_the_known_ones(name):
    text = refused({**LEAST, name: 1})
    assert text.startswith(name + ":")
    for row in schema.KEYS:
        assert row[0] in text


@pytest.mark.parametrize("name", sorted(LEAST))
def test_a_key_that_must_be_given_is_named(name):
    given = dict(LEAST)
    del given[name]
    assert refused(given).startswith(name + ":")


@pytest.mark.parametrize(
    "name, values",
    [
        ("device_id", ["", "x" * 65, 5, None, True, ["a"], "a b", "a/b", "a+", "#", "ü", "a\n"]),
        ("host", ["", "h" * 254, 127, None, b"host"]),
        ("port", [0, 65_536, -1, "1883", 1883.0, True, None, [1]]),
        ("username", ["u" * 129, 1, None, "ü" * 65]),
        ("password", ["p" * 1_025, 1, None]),
        ("confirm", ["", "PUBACK", "none", 0, None, True, ["echo"]]),
        ("keep_alive_s", [4, 1_171, 0, -5, "60", 60.0, False, None]),
    ],
)
def test_a_value_out_of_type_or_bounds_is_refused_by_name(name, values):
    for value in values:
        assert refused({**LEAST, name: value}).startswith(name + ":"), value


@pytest.mark.parametrize(
    "name, values",
    [
        ("device_id", ["x", "x" * 64]),
        ("port", [1, 65_535]),
        ("keep_alive_s", [5, 1_170]),
        ("username", ["ü" * 64]),
    ],
)
def test_the_bounds_themselves_are_allowed(name, values):
    for value in values:
        assert schema.check({**LEAST, name: value})[name] == value


@pytest.mark.parametrize(
    "given, names",
    [
        ({"tls": "on"}, "tls_ca"),
        ({"tls": "on", "tls_ca": "ca.der", "tls_key": "key.der"}, "tls_certificate"),
        ({"tls_certificate": "device.der"}, "tls_key"),
        ({"profile": "azure", "sas_key": "a2V5"}, "tls:"),
        ({"profile": "azure", "tls": "on", "tls_ca": "ca.der"}, "sas_key"),
    ],
)
def test_tls_without_what_it_needs_is_refused(given, names):
    assert names in refused({**LEAST, **given})


@pytest.mark.parametrize("given", [None, [], "text", 5])
def test_what_is_no_table_is_refused(given):
    assert "table" in refused(given)


def test_a_refused_password_is_not_shown():
    assert "hunter2" not in refused({**LEAST, "password": "hunter2" * 1_000})
