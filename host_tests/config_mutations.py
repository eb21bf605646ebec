"""Good configurations spoilt in a thousand seeded ways, for both interpreters."""

import json
import sys

from config_checks import STAMP
from fakes import FakeKeep, Random

from tidegate.config import schema
from tidegate.config.staged import Staged
from tidegate.config.store import load
from tidegate.errors import ConfigurationError

# Every key, none of them as by default.
GOOD = {
    "device_id": "A.b_c-9", "host": "broker.example", "port": 8883, "profile": "azure",
    "sas_key": "a2V5", "tls": "on", "tls_ca": "ca.der", "tls_certificate": "device.der",
    "tls_key": "device.key", "username": "me", "password": "it's a secret", "confirm": "puback",
    "codec": "packed", "keep_alive_s": 300, "command_key": "k",
    "policies": {"501": {"bound": 3000, "settle_s": 10}, "710": {"policy": "exact"}},
}
ODD = (None, True, False, 0, -1, 1, 5, 1170, 1171, 65535, 65536, 1 << 31, 1 << 64, "", "x", "off",
       "x" * 65, "x" * 300, "x" * 1100, "a b", "\0", "\n", "\x7f", "ü" * 130, "1883", "\ud800",
       [], [1], {}, {"x": 1}, {"501": 1}, {"501": {}}, {"501": {"bound": -1}},
       {"9999": {"bound": 1}}, {"501": {"policy": "trend"}}, {"²": {}}, {"1" * 5000: {}})
PIECES = (b'"', b"{", b"}", b",", b":", b"[", b"]", b"null", b"true", b"-", b"1e9", b"1.5", b"0",
          b"\\u0000", b"\\ud800", b"\\", b"\xff", b"\0", b" ", b"[" * 300, b"9" * 400, b"NaN")


def known(name):
    return schema.row_of(name) is not None


def spoilt_table(chance):
    """A table with one to three things wrong, or not."""
    table = dict(GOOD)
    names = [row[schema.NAME] for row in schema.KEYS]
    for _ in range(chance.between(1, 3)):
        name = names[chance.below(len(names))]
        kind = chance.below(8)
        if kind == 0:
            table.pop(name, None)
        elif kind == 1:
            at = chance.below(len(name))
            table[name[:at] + "xA_ 1"[chance.below(5)] + name[at + 1:]] = table.pop(name, 1)
        elif kind == 2:
            table[name] = table.get(names[chance.below(len(names))])
        else:
            table[name] = ODD[chance.below(len(ODD))]
    return table


def spoilt_text(chance, data):
    """A file's bytes with something in it changed, but no path that leads elsewhere."""
    while True:
        found = data
        for _ in range(chance.between(1, 3)):
            at, size = chance.below(len(found)), chance.between(1, 30)
            kind = chance.below(6)
            if kind == 0:
                found = found[:at] + found[at + size:]
            elif kind == 1:
                found = found[:at] + found[at:at + size] + found[at:]
            elif kind == 2:
                found = found[:at]
            elif kind == 3:
                found = found[:at] + bytes((found[at] ^ 1 << chance.below(8),)) + found[at + 1:]
            else:
                piece = PIECES[chance.below(len(PIECES))]
                found = found[:at] + piece + found[at + (size if kind == 5 else 0):]
            if not found:
                found = data
        if found.count(b"/") == data.count(b"/") and found.count(b"..") == data.count(b".."):
            return found


def is_harmless(values):
    """Whether a checked table is one that an agent can live with: by rules of its own."""
    texts = {"device_id": 64, "host": 253, "tls_ca": 256, "tls_certificate": 256, "tls_key": 256,
             "sas_key": 128, "username": 128, "password": 1_024, "command_key": 64,
             "console_pin": 160, "more_servers": 768, "time_servers": 256}
    numbers = {"port": (1, 65_535), "keep_alive_s": (5, 1_170)}
    choices = {"tls": "off on unverified", "profile": "generic azure", "confirm": "echo puback",
               "codec": "json packed collection"}
    if sorted(values) != sorted(list(texts) + list(numbers) + list(choices) + ["policies"]):
        return False
    if not values["device_id"] or not values["host"]:
        return False
    for name in texts:
        if type(values[name]) is not str or len(values[name].encode()) > texts[name]:
            return False
    for name in numbers:
        low, high = numbers[name]
        if type(values[name]) is not int or not low <= values[name] <= high:
            return False
    for name in choices:
        if values[name] not in choices[name].split(" "):
            return False
    return type(values["policies"]) is dict


def check_a_thousand_spoilt_tables_are_refused_by_name_or_harmless(count=1_000):
    refused_count = 0
    for seed in range(count):
        table = spoilt_table(Random(seed))
        before = dict(table)
        try:
            values = schema.check(table)
        except ConfigurationError as error:
            refused_count += 1
            name = str(error).split(":")[0]
            assert known(name) or name in table, (seed, error)
            assert GOOD["password"] not in str(error)
        else:
            assert is_harmless(values), (seed, values)
        assert table == before, seed
    assert count // 2 < refused_count < count


def check_a_thousand_spoilt_texts_are_no_json_or_refused_by_name_or_harmless(count=1_000):
    outcomes = [0, 0, 0]
    data = json.dumps(GOOD).encode()
    for seed in range(count):
        try:
            table = json.loads(spoilt_text(Random(seed), data).decode())
        except (ValueError, RuntimeError):
            outcomes[0] += 1
            continue
        try:
            assert is_harmless(schema.check(table)), seed
            outcomes[1] += 1
        except ConfigurationError as error:
            outcomes[2] += 1
            name = str(error).split(":")[0]
            assert not isinstance(table, dict) or known(name) \
                or name in [str(each).split(":")[0] for each in table], (seed, error)
    assert min(outcomes) > count // 50, outcomes


def typed(chance):
    """What somebody types behind `set`: (key, value as text)."""
    table = spoilt_table(chance)
    name = sorted(table, key=str)[chance.below(len(table))]
    value = ODD[chance.below(len(ODD))] if chance.below(2) else table[name]
    return name, value if isinstance(value, str) else json.dumps(value)


def check_a_thousand_spoilt_changes_are_refused_by_name_or_kept_as_a_whole(count=1_000):
    given = {"device_id": "tg-1", "host": "sea"}
    keep = FakeKeep()
    store = load(keep, given)
    saved_count = refused_count = undone_count = 0
    for seed in range(count):
        chance = Random(seed)
        before, staged = dict(store.running), Staged(store)
        for _ in range(chance.between(1, 4)):
            name, text = typed(chance)
            changes = dict(staged.changes)
            wrong = staged.set(name, text, ("console",) + STAMP[1:])
            if wrong:
                refused_count += 1
                assert wrong.startswith(name + ": ") and staged.changes == changes, (seed, wrong)
        wrong = staged.faults()
        assert not wrong or known(wrong.split(":")[0]), (seed, wrong)
        assert store.running == before, seed
        if wrong:
            undone_count += 1
            continue
        wanted = store.values(staged.changes)
        wrong = store.save(staged.changes, "console")
        assert wrong == "" or wrong.startswith("too large"), (seed, wrong)
        saved_count += not wrong
        assert store.running == (before if wrong else wanted) and is_harmless(store.running), seed
        assert load(keep, given).running == store.running, seed
    counts = saved_count, refused_count, undone_count
    assert min(counts[:2]) > count // 3 and undone_count, counts


CHECKS = (
    check_a_thousand_spoilt_tables_are_refused_by_name_or_harmless,
    check_a_thousand_spoilt_texts_are_no_json_or_refused_by_name_or_harmless,
    check_a_thousand_spoilt_changes_are_refused_by_name_or_kept_as_a_whole,
)  # fmt: skip
GOOD_FILE = {
    "board": {"flash_path": "spool.bin", "flash_bytes": 65_536, "journal_path": "",
              "clock": {"speed": 10, "wall_ms": 1_795_249_000_000, "utc_ms": 1_768_509_600_000},
              "source": {"kind": "simulated", "seed": 1, "plug_s": 60, "unplug_s": 700},
              "name_servers": [["192.0.2.1", 53]], "scenario_utc_ms": 1_768_509_600_000},
    "agent": {"device_id": "tg-1", "host": "sea", "port": 1_883, "password": "p", "codec": "json",
              "policies": {"501": {"bound": 3_000}}},
}


# What a refusal must name: the file, the whole, or a key.
NAMES = ["config.json", "configuration"] + sorted(GOOD_FILE) + sorted(GOOD_FILE["board"]) + [
    row[schema.NAME] for row in schema.KEYS]


def spoilt_file(chance):
    """The bytes of such a file: with something changed anywhere, or with one odd value."""
    if chance.below(2):
        return spoilt_text(chance, json.dumps(GOOD_FILE).encode())
    file = json.loads(json.dumps(GOOD_FILE))
    table = file[("board", "agent")[chance.below(2)]]
    names = sorted(table)
    name = names[chance.below(len(names))]
    if isinstance(table[name], dict) and chance.below(2):
        table, names = table[name], sorted(table[name])
        name = names[chance.below(len(names))]
    if chance.below(4):
        table[name] = ODD[chance.below(len(ODD) - 1)]
    else:
        table[name + "x"] = table.pop(name)
    return json.dumps(file).encode()


def build_from_spoilt_files(build, count, said):
    """Boards made from files that are spoilt. Arguments: build, of boards/posix; said(), the
    lines on standard error since it was asked last. Result: [refused, built]."""
    outcomes = [0, 0]
    for seed in range(count):
        with open("config.json", "wb") as file:
            file.write(spoilt_file(Random(seed)))
        try:
            agent, ports = build(["config.json"])
        except SystemExit as ended:
            outcomes[0] += 1
            lines = said()
            assert ended.args[0] == 2 and len(lines) == 1, (seed, lines)
            assert any(word in lines[0] for word in NAMES) and "\n" not in lines[0], lines
        else:
            outcomes[1] += 1
            agent.step(ports.clock.ticks_ms())
            agent.close()
    return outcomes


def main(count):
    """With boards/posix on the module path and an empty working folder."""
    import board
    lines = []

    def refuse(line):
        lines.append(line)
        sys.exit(2)

    def said():
        found = list(lines)
        del lines[:]
        return found

    board._refuse = refuse
    print("refused %d, built %d" % tuple(build_from_spoilt_files(board.build, count, said)))

