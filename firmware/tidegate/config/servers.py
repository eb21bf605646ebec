"""The servers a device may use, in order: `host` and `port` are home, then `more_servers`."""

from tidegate.errors import ConfigurationError
from tidegate.limits import HOST_BYTES_MAX, SERVER_COUNT_MAX


def servers(values):
    """Argument: values, a configuration with the keys host, port, more_servers, tls and profile.

    Result: a tuple of (host, port, whether with TLS). Errors: ConfigurationError.
    """
    is_secure = values["tls"] != "off"
    found = [(values["host"], values["port"], is_secure)]
    for word in values["more_servers"].split():
        host, colon, port = word.partition(":")
        if not colon:
            port = str(values["port"])
        if not _is_port(port) or not 0 < len(host.encode()) <= HOST_BYTES_MAX:
            raise ConfigurationError("more_servers: HOST:PORT each, not %s" % word)
        found.append((host, int(port), is_secure))
    if len(found) > SERVER_COUNT_MAX:
        raise ConfigurationError("more_servers: %d at most" % (SERVER_COUNT_MAX - 1))
    if len(found) > 1 and values["profile"] == "azure":
        raise ConfigurationError("more_servers: none where profile is azure: a token is for one"
                                 " hub")
    return tuple(found)


def _is_port(text):
    return 0 < len(text) <= 5 and all("0" <= each <= "9" for each in text) \
        and 0 < int(text) < 65_536
