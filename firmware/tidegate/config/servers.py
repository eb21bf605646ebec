"""Lists of servers in the configuration: `HOST` or `HOST:PORT`, with blanks between them."""

from tidegate.limits import HOST_BYTES_MAX, SERVER_COUNT_MAX

_HOST_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"


def places(text, port):
    """Argument: port, of those that name none. Result: [(host, port)], None where it is no list.
    """
    found = []
    for word in text.split(" "):
        host, colon, digits = word.partition(":")
        if colon and not _is_port(digits) or len(host) > HOST_BYTES_MAX or not all(
                each in _HOST_CHARACTERS for each in host) or colon and not host:
            return None
        if host:
            found.append((host, int(digits) if colon else port))
    return found if len(found) < SERVER_COUNT_MAX else None


def servers(values):
    """The servers a device may use, in order: `host` and `port` are home, then `more_servers`.

    Argument: values, a checked configuration. Result: a tuple of (host, port, whether with TLS).
    """
    is_secure = values["tls"] != "off"
    found = [(values["host"], values["port"])] + places(values["more_servers"], values["port"])
    return tuple((host, port, is_secure) for host, port in found)


def _is_port(text):
    return 0 < len(text) <= 5 and all("0" <= each <= "9" for each in text) \
        and 0 < int(text) < 65_536
