"""Wi-Fi networks that are kept, and their names as text; on both interpreters."""

from fakes import FakeKeep

from tidegate.config import networks, store
from tidegate.console.wireless import meant, shown
from tidegate.limits import WIFI_KEPT_COUNT_MAX

_GIVEN = {"device_id": "tg-000001", "host": "sea"}
_NAMES = (b"home", b"My  Home ", b" x", b"Caf\xc3\xa9", b"a\\x41", b"\0\n", b"\xe2\x98\x83" * 10)
_NO_NAMES = ("", "\\xff", "\\xff\\x80", "\\x4", "\\xzz", "x" * 33)
_RECORDS = ("", "{}", "7", "[1]", "[[1, 2, 3]]", "[[", "null")


def check_network_names():
    """As it is shown is as it is typed; what is no text is shown, and not joined."""
    for name in _NAMES:
        text = shown(name)
        assert all(" " <= each <= "~" for each in text), text
        assert " ".join([word for word in text.split(" ") if word]) == text
        assert meant(text).encode() == name
    assert shown(b"\xff\x80") == "\\xff\\x80" and shown(b"") == ""
    for text in _NO_NAMES:
        try:
            meant(text)
        except ValueError:
            continue
        raise AssertionError(text)


def check_kept_networks():
    """The newest first and a bounded number, over a start; the one that worked stays."""
    keep, used = FakeKeep(), ("depot", "sesame 0")
    found = store.load(keep, _GIVEN)
    for number in range(6):
        assert networks.keep(found, ("depot", "sesame %d" % number), used) == ""
    wanted = [("depot", "sesame %d" % number) for number in (5, 0, 4, 3)]
    assert len(wanted) == WIFI_KEPT_COUNT_MAX
    assert networks.kept(found) == networks.kept(store.load(keep, _GIVEN)) == wanted


class _Store:
    def __init__(self, record):
        self.record = record

    def secret(self, name):
        return self.record


def check_kept_networks_of_another_shape():
    for record in _RECORDS:
        assert networks.kept(_Store(record)) == [], record


CHECKS = (check_network_names, check_kept_networks, check_kept_networks_of_another_shape)
