"""Any interleaving of what can happen to an uplink, and what must hold throughout.

Portable: hypothesis drives it on CPython, a seeded generator on MicroPython. A story is a list of
(event, number). The far end has three stages: a publish is on its way, then delivered to the
receiver, then confirmed; a lost session drops what is on its way.
"""

from uplink_world import LOGS, UplinkWorld, Whole, facts

from tidegate.limits import (
    BACKLOG_WAIT_MS, CONFIRM_NOTE_COUNT, RANGE_COUNT_MAX, WINDOW_COUNT_MAX,
)
from tidegate.observe.catalogue import LOG_NAMES, RECORDS, TELEMETRY

EVENTS = (
    "append", "append", "append", "record", "large", "wait", "up", "down", "step", "step", "step",
    "deliver", "deliver", "confirm", "confirm", "echo", "echo", "remount", "tidy",
)  # fmt: skip
# Sessions that last, in which what was left behind catches up.
CALM = tuple(event for event in EVENTS if event not in ("down", "remount"))
CALM_COUNT = 40


# What a full log of records refuses is a matter for the tests of the spool.
RECORDS_BYTES_MAX = 2_000


class Story:
    """Arguments: is_echo; block_count of the flash, few blocks so that telemetry gives way."""

    def __init__(self, is_echo, block_count=8):
        self.world = UplinkWorld(is_echo=is_echo, block_count=block_count)
        self.stored = {name: {} for name in LOG_NAMES}
        self.gone = {name: {} for name in LOG_NAMES}
        # Of each log {seq: order in which the device was told}.
        self.acknowledged = {name: {} for name in LOG_NAMES}
        self.doubted = {name: set() for name in LOG_NAMES}
        self.told_count = 0
        self.number = 0
        self._seen = 0
        self._whole = Whole()
        self._fresh_session()

    def _fresh_session(self):
        self.under_way = []
        self.unacknowledged = []
        self.sent = {name: set() for name in LOG_NAMES}
        self.told = {name: set() for name in LOG_NAMES}
        self.parts_sent = {}
        self.parts_confirmed = {}
        self.split = None
        self._seen = len(self.world.session.published)

    def live(self, chance, event_count):
        """Times of trouble and calm ones in turn."""
        for number in range(event_count):
            events = CALM if number // CALM_COUNT % 2 else EVENTS
            self.tell([(events[chance.below(len(events))], chance.below(121))])
        self.end()

    def tell(self, events):
        for event, number in events:
            getattr(self, event)(number)

    # Events.

    def append(self, number):
        for _ in range(number % 60 + 1):
            self.world.wait(1 + number % 5)
            self.number += 1
            assert self.world.append(self.number), "telemetry never refuses"

    def record(self, number):
        for _ in range(number % 6 + 1):
            self.number += 1
            self._append_record(str(self.number).encode())

    def large(self, number):
        value = bytes((number & 0xFF,)) * (number * 67 % 8_193)
        if number % 2:
            self._append_record(value)
        else:
            self.world.append(value)

    def _append_record(self, value):
        if self._records_bytes() < RECORDS_BYTES_MAX:
            self.world.append(value, RECORDS)

    def _records_bytes(self):
        """About what is held unconfirmed."""
        ranges = self.world.spool.logs[RECORDS].ranges
        held = self.world.model["records"]
        return sum(len(str(held[seq])) for seq in held if ranges.missing_count(seq, seq))

    def wait(self, number):
        self.world.wait(number * 50)

    def up(self, number):
        if self.split is None:
            self._fresh_session()
            self.world.up()
            self.split = {name: self.world.births[name]["split"] for name in LOG_NAMES}
            for log in LOGS:
                oldest = self.world.births[LOG_NAMES[log]]["first"]
                assert self.world.spool.logs[log].ranges.skip(1) == oldest

    def down(self, number):
        if self.split is not None:
            self.world.down()
            self.split = None
            self.under_way = []
            self.unacknowledged = []

    def step(self, number):
        self.world.step(number % 4 * 400)
        new, self._seen = self.world.sent()[self._seen :], len(self.world.session.published)
        assert not new or self.split is not None, "sent without a session"
        for packet_id, topic, batch in new:
            self._check_sent(topic, batch)
            self._check_live_first(batch)
            self.under_way.append((packet_id, batch))

    def deliver(self, number):
        if self.under_way:
            packet_id, batch = self.under_way.pop(number % len(self.under_way))
            self._take(batch)
            self.unacknowledged.append((packet_id, batch))

    def confirm(self, number):
        if self.unacknowledged:
            packet_id, batch = self.unacknowledged.pop(number % len(self.unacknowledged))
            self.world.puback(packet_id)
            if not self.world.is_echo:
                self._acknowledge(batch["log"], [seq for seq, _ in facts(batch)])
                self._confirm_part(batch)

    def _confirm_part(self, batch):
        """A value in parts is confirmed where all its bytes are, in this session."""
        part = part_of(batch)
        if part is not None:
            name, seq, _, total_bytes, size = part
            confirmed = self.parts_confirmed.get((name, seq), 0) + size
            self.parts_confirmed[name, seq] = confirmed
            if confirmed == total_bytes:
                self._acknowledge(name, [seq])

    def echo(self, number):
        name = LOG_NAMES[number % 2]
        have = set(self.stored[name]) | set(self.gone[name])
        upto = 0
        while upto + 1 in have:
            upto += 1
        ahead = merged([[seq, seq] for seq in sorted(have) if seq > upto + 1])
        ahead = ahead[: number % (RANGE_COUNT_MAX + 1)]
        assert self.world.echo(upto, ahead, name)
        self._acknowledge(name, range(1, upto + 1))
        for first, last in ahead:
            self._acknowledge(name, range(first, last + 1))

    def _acknowledge(self, name, seqs):
        """The device was told. Of more than RANGE_COUNT_MAX runs of seqs it may forget one."""
        known = self.acknowledged[name]
        for seq in seqs:
            if seq not in known:
                self.told_count += 1
                known[seq] = self.told_count
        while True:
            runs = merged([[seq, seq] for seq in sorted(known)])
            if len(runs) <= RANGE_COUNT_MAX:
                return
            size = min(last - first for first, last in runs[1:])
            for first, last in runs[1:]:
                if last - first <= size:
                    for seq in range(first, last + 1):
                        del known[seq]
                        self.doubted[name].add(seq)

    def remount(self, number):
        if number % 3 == 0:
            self.world.spool.close()
        else:
            for name in LOG_NAMES:
                self._doubt(name)
        self.world.mount()
        self._fresh_session()

    def _doubt(self, name):
        """What the device was told last is not on flash yet, up to CONFIRM_NOTE_COUNT seqs that
        were news to it; all before is. One that was doubted before need not have been news."""
        known, news_count = self.acknowledged[name], 0
        for seq in sorted(known, key=lambda seq: -known[seq]):
            news_count += seq not in self.doubted[name]
            if news_count == CONFIRM_NOTE_COUNT:
                return
            del known[seq]
            self.doubted[name].add(seq)

    def tidy(self, number):
        self.world.spool.idle(self.world.wait(0))

    # What must hold.

    def _check_sent(self, topic, batch):
        name = batch["log"]
        is_backlog = batch["historical"]
        assert topic == ("records" if name == "records" else "history" if is_backlog else "live")
        assert batch["boot"] <= self.world.spool.boot and batch["obs"] or batch["gaps"]
        for seq, fact in facts(batch):
            assert self.world.model[name][seq] == fact, f"{name} {seq} carries {fact}"
            assert (seq < self.split[name]) == is_backlog, f"{name} {seq} on the wrong track"
            assert seq not in self.sent[name], f"{name} {seq} was sent twice in one session"
            assert seq not in self.acknowledged[name], f"{name} {seq} was confirmed before"
            self.sent[name].add(seq)
        for first, last, reason, count, begin, end in batch["gaps"]:
            assert 1 <= first <= last and reason == "evicted" and name == "telemetry"
            assert last < batch["seq"] and count == last - first + 1
            self._check_span(first, last, begin, end)
            self.told[name].update(range(first, last + 1))
            told = [seq for seq in range(first, last + 1) if seq in self.acknowledged[name]]
            assert not told, f"{name} {told} are named as gone, but were confirmed"
        self._check_part(name, is_backlog, part_of(batch))
        seqs = [seq for seq, _ in facts(batch)]
        assert seqs == list(range(batch["seq"], batch["seq"] + len(seqs))), "over a hole"

    def _check_live_first(self, batch):
        """Promise 3: nothing fresh waits behind more than one message of the backlog, and behind
        that only where live has taken all places of the window but this one."""
        if batch["historical"]:
            in_flight = [each["historical"] for _, each in self.under_way + self.unacknowledged]
            if in_flight.count(True) == 0 and in_flight.count(False) == WINDOW_COUNT_MAX - 1:
                return
            for name in LOG_NAMES:
                waiting = [seq for seq in self.world.model[name] if seq >= self.split[name]
                           and seq not in self.sent[name] and seq not in self.told[name]]
                assert not waiting, f"{name} {waiting} wait behind the backlog"

    def _check_part(self, name, is_backlog, part):
        """The parts of a value come once in a session, in order, on one track."""
        if part is not None:
            _, seq, offset, total_bytes, size = part
            assert (seq < self.split[name]) == is_backlog, f"{name} {seq} on the wrong track"
            assert seq not in self.acknowledged[name], f"{name} {seq} was confirmed before"
            assert self.parts_sent.get((name, seq), 0) == offset, f"{name} {seq} at {offset}"
            self.parts_sent[name, seq] = offset + size
            if offset + size == total_bytes:
                self.sent[name].add(seq)

    def _check_span(self, first, last, begin, end):
        """What gave way was taken between the two moments that are told."""
        held = self.world.model["telemetry"]
        for seq in (first, last):
            if seq in held:
                assert tuple(begin[:2]) <= held[seq][:2] <= tuple(end[:2]), (begin, end)

    def _take(self, batch):
        name = batch["log"]
        whole = self._whole.take(batch)
        if whole is not None:
            assert self.world.model[name][whole[0]] == whole[1], f"{name} {whole[0]} differs"
        for seq, fact in facts(batch) + ([] if whole is None else [whole]):
            assert self.stored[name].get(seq, fact) == fact
            self.stored[name][seq] = fact
        for first, last, reason, *_ in batch["gaps"]:
            for seq in range(first, last + 1):
                self.gone[name][seq] = reason

    def end(self):
        """All goes well from here on: nothing may stay behind."""
        self.down(0)
        self.up(0)
        self.world.wait(BACKLOG_WAIT_MS)
        for _ in range(400):
            self.step(1)
            while self.under_way:
                self.deliver(0)
                self.confirm(0)
            if self.world.is_echo:
                self.echo(TELEMETRY)
                self.echo(RECORDS)
        for log in LOGS:
            name = LOG_NAMES[log]
            assert self.world.unconfirmed(log) == 0, f"{name} keeps something back"
            missing = [
                seq
                for seq in self.world.model[name]
                if seq not in self.stored[name] and seq not in self.gone[name]
            ]
            assert not missing, f"{name} lost {missing[:9]}"
            assert len(self.stored[name]) <= len(self.world.model[name])


def part_of(batch):
    """(log, seq, offset, total bytes, size) of a batch that holds a part of a value, or None."""
    for _, _, _, value in batch["obs"]:
        if isinstance(value, dict) and "of" in value:
            size = len(value["b64"]) * 3 // 4 - value["b64"].count("=")
            return batch["log"], batch["seq"], value["at"], value["of"], size
    return None


def merged(pairs):
    """Ranges that touch, as one."""
    joined = []
    for first, last in pairs:
        if joined and joined[-1][1] + 1 == first:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    return joined
