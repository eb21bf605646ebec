"""The list of servers, read from the configuration."""

import pytest

from tidegate.config import schema
from tidegate.config.servers import servers
from tidegate.errors import ConfigurationError

LEAST = {"device_id": "tg-000001", "host": "home", "port": 1884}


def read(text, **members):
    return servers(schema.check(dict(LEAST, more_servers=text, **members)))


def test_home_comes_first_and_a_port_that_is_not_given_is_that_of_home():
    assert read("") == (("home", 1884, False),)
    assert read(" there:8883  192.0.2.9 ", tls="unverified") == (
        ("home", 1884, True), ("there", 8883, True), ("192.0.2.9", 1884, True))


@pytest.mark.parametrize("text", [
    "there:", "there:0", "there:65536", "there:1a", ":1883", "a:1:2", "[::1]:1883",
    "there:\u00b2", "x" * 254, "a b c d", "there:99999999999", ":", "::1"])
@pytest.mark.parametrize("name", ["more_servers", "time_servers"])
def test_what_is_no_list_of_at_most_three_is_refused_by_name(name, text):
    with pytest.raises(ConfigurationError, match="^%s: " % name):
        schema.check(dict(LEAST, **{name: text}))


def test_a_hub_has_no_other_server():
    with pytest.raises(ConfigurationError, match="^more_servers: none"):
        read("there", profile="azure", tls="unverified", sas_key="a2V5")
