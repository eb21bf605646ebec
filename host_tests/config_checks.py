"""Checks of the stored configuration, for both interpreters: `portable_checks` runs them."""

import json

from fakes import FakeKeep, PowerCut
from keep_medium import CUTS, CutKeep

from tidegate.config import schema
from tidegate.config.report import told
from tidegate.config.reset import CONFIGURATION_RECORDS as RECORDS
from tidegate.config.store import begin, load
from tidegate.errors import ConfigurationError
from tidegate.limits import TEXT_BYTES_MAX, TRIAL_START_COUNT_MAX

GIVEN = {"device_id": "tg-1", "host": "sea", "password": "first of the factory"}
STAMP = ("command", 1_768_509_600, 3, 41)
DEAD = {"host": ("dead",) + STAMP, "port": (1,) + STAMP, "password": ("it's new",) + STAMP}
OTHER = {"codec": ("packed",) + STAMP, "username": ("me",) + STAMP,
         "command_key": ("k",) + STAMP}


def view(keep):
    """What a start finds: all values, whether they are on trial, a secret of somebody else."""
    store = load(keep, GIVEN)
    return dict(store.running), store.trial is not None, store.secret("pin")


def _tried(changes):
    return lambda keep: load(keep, GIVEN).save(changes, "command", 300)


# Each step is a device's life between two starts, on what the one before has left.
STORY = (
    _tried(DEAD),
    lambda keep: load(keep, GIVEN).keep("console"),
    lambda keep: load(keep, GIVEN).set_secret("pin", "1234"),
    _tried({"host": None, "password": ("third",) + STAMP}),
    lambda keep: load(keep, GIVEN).revert("asked for", "command"),
    lambda keep: load(keep, GIVEN).save({"codec": ("packed",) + STAMP}, "console"),
    _tried({"password": None, "username": ("me",) + STAMP}),
    lambda keep: load(keep, GIVEN).keep("command"),
)


def check_a_power_cut_at_every_operation_leaves_the_old_or_the_new_configuration():
    keep, states, ends, records = CutKeep(), [view(CutKeep())], [0], [{}]
    for step in STORY:
        assert step(keep) == ""
        states.append(view(CutKeep(keep.records)))
        ends.append(keep.save_count)
        records.append(dict(keep.records))
    assert keep.save_count > 20 and len(set(str(each) for each in states)) > 6
    for index, step in enumerate(STORY):
        allowed = (states[index], states[index + 1])
        for cut_at in range(1, ends[index + 1] - ends[index] + 1):
            for how in CUTS:
                cut = CutKeep(records[index], cut_at, how)
                try:
                    step(cut)
                except PowerCut:
                    _check_remounts(cut.records, allowed, (index, cut_at, how))
                else:
                    raise AssertionError("no cut")


def _check_remounts(records, allowed, where):
    """The start after a cut, itself cut at each of its operations, and the one after that."""
    keep = CutKeep(records)
    found = view(keep)
    assert found in allowed, where
    for cut_at in range(1, keep.save_count + 1):
        for how in CUTS:
            again = CutKeep(records, cut_at, how)
            try:
                view(again)
            except PowerCut:
                assert view(CutKeep(again.records)) in allowed, (where, cut_at, how)
    for event, why in load(keep, GIVEN).findings:
        # What a cut has damaged is made whole at the next start, unless it was the very first.
        name = event.rsplit(" ", 1)[1]
        assert name.endswith(".0") and not records.get(name[:-1] + "1"), (where, event, why)


def check_no_single_damage_of_a_record_changes_what_is_in_force():
    keep = FakeKeep()
    load(keep, GIVEN).save(DEAD, "command", 300)
    load(keep, GIVEN).keep("command")
    load(keep, GIVEN).set_secret("pin", "1234")
    load(keep, GIVEN).save({"username": ("me",) + STAMP}, "command", 300)
    before = view(CutKeep(keep.records))
    assert before[0]["host"] == "dead" and before[1] and before[2] == "1234"
    assert sorted(keep.records) == sorted(RECORDS)
    for name in RECORDS:
        record = keep.records[name]
        spoilt = [b"", b"\0", record + b"\0", record[1:], record[:-1], record[:9]]
        for place in range(0, len(record), 3):
            spoilt.append(record[:place] + bytes((record[place] ^ 1 << place % 8,))
                          + record[place + 1:])
        for each in spoilt:
            damaged = CutKeep(keep.records)
            damaged.records[name] = each
            assert view(damaged) == before, (name, each)
            store = load(damaged, GIVEN)
            assert not store.findings and load(damaged, GIVEN).trial["starts"] == 3
    damaged = CutKeep(keep.records)
    damaged.records["config.0"] = b"\xff" * 40
    assert load(damaged, GIVEN).findings == [("configuration copy config.0", "no configuration")]


def check_with_both_copies_damaged_the_factory_holds_and_it_is_reported():
    for kind, why in (("config", "both copies damaged"), ("secrets", "password: its record")):
        keep = FakeKeep()
        load(keep, GIVEN).save(DEAD, "command", 300)
        load(keep, GIVEN).keep("command")
        for name in RECORDS:
            if name.startswith(kind):
                record = keep.records[name]
                keep.records[name] = record[:-1] + bytes((record[-1] ^ 1,))
        store = load(keep, GIVEN)
        assert store.running == schema.check(GIVEN)
        assert '"what":"refused","why":"%s' % why in store.report, store.report
        assert len(store.findings) == 3
        assert store.save({"codec": ("packed",) + STAMP}, "command") == ""
        assert load(keep, GIVEN).running["codec"] == "packed"


def check_what_does_not_fit_the_schema_any_more_is_left_aside_wholly():
    keep = FakeKeep()
    changes = {"codec": ("packed",) + STAMP, "confirm": ("puback",) + STAMP}
    load(keep, GIVEN).save(changes, "command")
    try:
        load(keep, dict(GIVEN, tls="on"))
    except ConfigurationError as error:
        assert str(error).startswith("tls_ca: ")
    else:
        raise AssertionError("a factory's part that is wrong was taken")
    for name in ("config.0", "config.1"):
        keep.records[name] = _rebuilt(keep.records[name], b'"packed"', b'"xxxxxx"')
    store = load(keep, GIVEN)
    assert store.running == schema.check(GIVEN), "also of what would fit nothing is taken"
    assert '"why":"codec: one of json' in store.report


def _rebuilt(record, old, new):
    """A record with other content, sound again: what another version may have written."""
    import binascii
    import struct
    body = record[:-4].replace(old, new)
    assert body != record[:-4] and len(old) == len(new)
    return body + struct.pack("<I", binascii.crc32(body))


def check_a_trial_reverts_after_some_starts_and_a_start_that_cannot_be_noted_does_not_count():
    keep = FakeKeep()
    store = load(keep, GIVEN)
    assert store.save(DEAD, "console", 300) == "" and store.running["host"] == "sea"
    generation = store.generation
    for number in range(1, TRIAL_START_COUNT_MAX + 1):
        store = load(keep, GIVEN)
        assert (store.running["host"], store.trial["starts"]) == ("dead", number)
        assert store.running["password"] == "it's new" and store.generation == generation
        stuck = load(CutKeep(keep.records, failing=RECORDS), GIVEN)
        assert stuck.running["host"] == "sea" and stuck.trial is None
    store = load(keep, GIVEN)
    assert store.running["host"] == "sea" and store.trial is None
    assert store.generation == generation + 1
    assert store.report == (
        '{"what":"reverted","why":"not kept in 3 starts","by":"console","generation":2,'
        '"keys":["host","port","password"]}')
    assert load(keep, GIVEN).report == store.report
    assert b"it's new" not in b"".join(keep.records.values()), "its secrets are wiped"


def check_who_set_what_and_when_is_kept():
    keep = FakeKeep()
    store = load(keep, GIVEN)
    assert store.save(OTHER, "command", 60) == ""
    store.begin_trial()
    assert store.origin("username") == STAMP
    assert store.keep("command") == ""
    store = load(keep, GIVEN)
    assert store.origin("username") == STAMP and store.origin("command_key") == STAMP
    assert store.origin("host") == ("factory", 0, 0, 0)
    assert store.origin("port") == ("default", 0, 0, 0)
    assert store.save({"username": None}, "command", 60) == ""
    assert load(keep, GIVEN).origin("username") == ("default", 0, 0, 0)


def check_what_flash_refuses_changes_nothing():
    for name in ("secrets.0", "config.0"):
        for keep in (CutKeep(failing=(name,)), CutKeep(lying=(name,))):
            store = load(keep, GIVEN)
            assert store.save(DEAD, "command", 300) == "flash refused it"
            assert store.running == schema.check(GIVEN) and store.generation == 0
            assert view(keep) == view(FakeKeep())
    store = load(FakeKeep(), GIVEN)
    large = {str(each): {"settle_s": 1} for each in (501, 502)}
    assert store.save({"policies": (large,) + STAMP}, "command") == ""
    assert store.set_secret("host", "x").startswith("host: is a key")
    assert store.set_secret("pin", "x" * 257).startswith("pin: ")


def check_a_report_is_bounded_and_plain():
    names = [row[schema.NAME] for row in schema.KEYS]
    for why in ("", "x" * 500, '"\\\n\x7f\u00fc' * 90):
        text = told("reverted", why, "command", 1 << 52, names)
        assert len(text.encode()) <= TEXT_BYTES_MAX
        found = json.loads(text)
        told_names = found["keys"]
        assert told_names[-1] == "..." and told_names[:-1] == names[:len(told_names) - 1] != []
        assert not any(each in found["why"] for each in '"\\\n\x7f\u00fc')
    assert json.loads(told("kept", "", "x", 1, names[:3]))["keys"] == names[:3]


def check_a_secret_that_no_configuration_refers_to_is_wiped_at_once():
    for end in (lambda store: store.revert("", "console"), lambda store: store.keep("console")):
        keep = FakeKeep()
        store = load(keep, GIVEN)
        assert store.save({"password": ("old one",) + STAMP}, "console", 300) == ""
        assert store.keep("console") == ""
        assert store.save({"password": ("new one",) + STAMP}, "console", 300) == ""
        held = b"".join(keep.records.values())
        assert held.count(b"old one") == held.count(b"new one") == 2
        assert end(store) == ""
        held = b"".join(keep.records.values())
        assert sorted((held.count(b"old one"), held.count(b"new one"))) == [0, 2]


def check_a_trial_that_cannot_start_is_reverted_at_once():
    keep = FakeKeep()
    load(keep, GIVEN).save(DEAD, "command", 300)
    made = []

    def make(store):
        made.append(store.running["host"])
        if store.running["host"] == "dead":
            raise OSError(2, 'no "file"')
        return store

    store = begin(keep, GIVEN, make)
    assert made == ["dead", "sea"] and store.trial is None
    assert '"why":"cannot start with it: ' in store.report and len(store.report) <= TEXT_BYTES_MAX
    assert load(keep, GIVEN).running["host"] == "sea"
    try:
        begin(FakeKeep(), dict(GIVEN, host="dead"), make)
    except OSError:
        return
    raise AssertionError("without a trial its error is the caller's")


CHECKS = (
    check_a_power_cut_at_every_operation_leaves_the_old_or_the_new_configuration,
    check_no_single_damage_of_a_record_changes_what_is_in_force,
    check_with_both_copies_damaged_the_factory_holds_and_it_is_reported,
    check_what_does_not_fit_the_schema_any_more_is_left_aside_wholly,
    check_a_trial_reverts_after_some_starts_and_a_start_that_cannot_be_noted_does_not_count,
    check_who_set_what_and_when_is_kept, check_what_flash_refuses_changes_nothing,
    check_a_report_is_bounded_and_plain,
    check_a_secret_that_no_configuration_refers_to_is_wiped_at_once,
    check_a_trial_that_cannot_start_is_reverted_at_once,
)  # fmt: skip
