"""`wifi`, where the board has such a link: how it stands, what is around, another network."""

from tidegate.config import networks
from tidegate.console import render
from tidegate.limits import (
    WIFI_NAME_BYTES_MAX, WIFI_PASSWORD_BYTES_MAX, WIFI_PASSWORD_BYTES_MIN,
)

_USAGE = "type `wifi`, `wifi scan` or `wifi join NAME`"
_NEXT = "it is tried now, then those known before: look at `wifi` in half a minute"


def link_of(ports):
    """The `hal.wifi.Wifi` of a board, None where it has none."""
    return getattr(ports.network, "wifi", None)


def wifi(console, desk, argument, now_ms):
    """The command; arguments and result as of `inquiries`."""
    link = link_of(console.ports)
    word, _, rest = argument.partition(" ")
    if not argument:
        return "", _status(link)
    if argument == "scan":
        return _scan(link)
    if word == "join" and rest:
        return _join(console, desk, link, rest)
    return _USAGE, {}


def wifi_lines(result):
    """A table of what is around, else a line for each member."""
    if "networks" not in result:
        return render.as_text(result)
    return render.columns_of([("dBm", "channel", "name")] + [
        (str(each["rssi_dbm"]), str(each["channel"]), each["name"] or "(hidden)")
        for each in result["networks"]])


def shown(name):
    """The bytes of a name as one line of printable text from which `meant` makes them again.

    What no key types, a backslash, and a space that a command line would lose, are written \\xNN.
    """
    text = ""
    for at, byte in enumerate(name):
        is_lost_space = byte == 0x20 and (at in (0, len(name) - 1) or name[at - 1] == 0x20)
        is_plain = 0x20 <= byte <= 0x7E and byte != 0x5C and not is_lost_space
        text += chr(byte) if is_plain else "\\x%02x" % byte
    return text


def meant(text):
    """The name that such a text stands for. Errors: ValueError where it stands for none."""
    parts = text.encode().split(b"\\x")
    name = parts[0]
    for part in parts[1:]:
        if len(part) < 2:
            raise ValueError(text)
        name += bytes((int(part[:2].decode(), 16),)) + part[2:]
    if not 1 <= len(name) <= WIFI_NAME_BYTES_MAX:
        raise ValueError(text)
    # What is no UTF-8 is a ValueError as well.
    return name.decode()


def _status(link):
    known = []
    for name, _ in link.networks:
        if shown(name.encode()) not in known:
            known.append(shown(name.encode()))
    return {"state": link.state_name(), "cause": link.cause or None,
            "network": shown(link.used[0].encode()) if link.is_up() else None,
            "rssi_dbm": link.rssi_dbm, "joined": link.join_count, "lost": link.lost_count,
            "known": known}


def _scan(link):
    try:
        found = link.scan()
    except OSError:
        return "the chip does not scan while it joins: try again in some seconds", {}
    return "", {"networks": [{"name": shown(name), "rssi_dbm": rssi_dbm, "channel": channel}
                             for name, rssi_dbm, channel in found]}


def _join(console, desk, link, text):
    try:
        name = meant(text)
    except ValueError:
        return "a name has 1 to %d bytes, as `wifi scan` shows it" % WIFI_NAME_BYTES_MAX, {}

    def answered(password):
        error = _take(console.agent.configuring.store, link, (name, password))
        console.reply(desk.rendered("wifi", error, {"joining": text, "next": _NEXT}))

    console.ask("password of %s, Enter for none: " % text, True, answered)
    return "", iter(())


def _take(store, link, network):
    """Keep it and try it. Result: "" or why not; then nothing has changed."""
    count = len(network[1])
    if count and not WIFI_PASSWORD_BYTES_MIN <= count <= WIFI_PASSWORD_BYTES_MAX:
        return "nothing was done: a password has %d to %d characters" % (
            WIFI_PASSWORD_BYTES_MIN, WIFI_PASSWORD_BYTES_MAX)
    wrong = networks.keep(store, network, link.used)
    if wrong:
        return "nothing was done, it cannot be kept: " + wrong
    link.adopt(networks.kept(store))
    return ""
