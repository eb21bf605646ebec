"""The portable part of the tests as one script, for the real MicroPython: `portable_checks.py`.

Seeded generators drive what hypothesis drives on CPython; the models are the same. Each check
prints its name when it has passed.
"""

import json

import command_checks
import config_checks
import config_mutations
import dating_world
import meter_checks
import network_checks
import suppress_checks
import time_checks
import umqtt180
import umqtt.simple
from fake_network import FakeNetwork, FakeStream
from fakes import FakeKeep, FakeScratch, Handler, Random
from mqtt_peer import CONNACK, PINGRESP, SUBACK, Broker, packet, puback, publish, text
from sampling import (
    DIAL, DRIFT, ENERGY, LABEL, MODE, POWER, RARE, SHARE, SIGNED, STATE, VOLTS, Device, Oracle,
)
from spool_world import SpoolWorld
from uplink_story import Story
from uplink_world import UplinkWorld, arrived, settle

from tidegate.clock.monotonic import Monotonic
from tidegate.config import schema
from tidegate.diag import health
from tidegate.diag.boot import Boot
from tidegate.diag.crumbs import Crumbs
from tidegate.diag.place import place_of
from tidegate.errors import ConfigurationError
from tidegate.limits import (
    BACKOFF_EARLY_SHARE, BACKOFF_PERIOD_MS, BACKOFF_RAMP_MS, OPAQUE_BYTES_MAX, TICKS_MASK_MS,
    TICKS_PERIOD_MS,
)
from tidegate.link import causes, session
from tidegate.link.backoff import Backoff
from tidegate.link.profiles import Generic
from tidegate.link.resolver import Resolver
from tidegate.link.wire import Wire
from tidegate.observe.catalogue import RECORDS, TELEMETRY
from tidegate.spool import crc
from tidegate.spool.ranges import Ranges

REQUEST = ((b"d", None, None), 60, b"tidegate/1/d/state", b"will", (b"tidegate/1/d/confirm",))


def check_monotonic():
    chance = Random(1)
    monotonic, true_ms = Monotonic((1 << 30) - 1), 0
    monotonic.update(12_345)
    for _ in range(200):
        true_ms += chance.below(1 << 28)
        now_ms = monotonic.update((12_345 + true_ms) & (1 << 30) - 1)
        assert now_ms == true_ms % TICKS_PERIOD_MS and monotonic.total_ms(now_ms) == true_ms
    monotonic, true_ms = Monotonic((1 << 12) - 1), 0
    monotonic.update(4_000)
    for _ in range(2_000):
        true_ms += chance.below(4_096)
        assert monotonic.update((4_000 + true_ms) & 4_095) == true_ms


def check_backoff():
    bounds = []

    def draw(bound):
        bounds.append(bound)
        return bound - 1

    backoff = Backoff(draw)
    for _ in range(11):
        backoff.began(TICKS_MASK_MS)
        backoff.failed(causes.TIMEOUT, TICKS_MASK_MS)
    assert tuple(bounds[:9]) == BACKOFF_RAMP_MS
    assert bounds[9:] == [BACKOFF_PERIOD_MS, 60_000, BACKOFF_EARLY_SHARE]


def check_ranges():
    for seed in range(10):
        chance, ranges, model = Random(seed), Ranges(), set()
        for _ in range(40):
            first = chance.between(1, 60)
            last = first + chance.below(9)
            ranges.add(first, last)
            model.update(range(first, last + 1))
        assert ranges.count() == len(model), seed
        assert ranges.missing_count(1, 80) == 80 - len(model), seed


def check_frame():
    assert crc.crc24(crc.FIRST, b"123456789", 0, 9) == 0x21CF02


def check_configuration():
    least = {"device_id": "d", "host": "h"}
    assert schema.check(dict(least))["keep_alive_s"] == 55
    for name, value in (("port", True), ("port", 0), ("prot", 1), ("confirm", 0), ("host", b"h")):
        given = dict(least)
        given[name] = value
        try:
            schema.check(given)
        except ConfigurationError as error:
            assert str(error).startswith(name + ":"), error
        else:
            raise AssertionError(f"{name} {value} was taken")


def check_suppression():
    values = (0, 3, 5, 6, -7, 9, 40, 41, "", "a", "abcd", "éé", "ééé", b"", b"ab", b"abcd", None)
    ids = (STATE, VOLTS, DRIFT, LABEL, SIGNED, RARE, 77, POWER, DIAL, SHARE, ENERGY, MODE)
    for seed in range(20):
        chance = Random(seed)
        now_ms = TICKS_PERIOD_MS - 100_000
        device, oracle = Device(now_ms), Oracle()
        for _ in range(60):
            if chance.below(10) == 0:
                device.boot()
                oracle.boot()
            device.is_full = oracle.is_full = chance.below(5) == 0
            now_ms += (1, 999, 30_000, 60_000, 90_000)[chance.below(5)]
            device.turn(now_ms)
            oracle.begin(now_ms)
            for _ in range(6):
                sample = (ids[chance.below(len(ids))], values[chance.below(len(values))])
                expected = oracle.sample(sample[0], sample[1])
                assert device.offer(sample[0], sample[1]) == expected, (seed, sample)
            device.end()
            oracle.end()
            assert [each[2:] for each in device.durable] == oracle.durable, seed


def check_wire():
    packets = [b"\x20\x02\x00\x00", publish(b"a/b", b"z" * 300, 7), b"\xd0\x00", puback(9)]
    for chunk_bytes in (1, 3, 64, 1_000):
        wire, stream, found = Wire(), FakeStream(), []
        wire.attach(stream)
        stream.chunk_bytes = chunk_bytes
        stream.arrive(b"".join(packets) * 9)
        while wire.fill():
            while wire.next_packet():
                found.append(bytes(wire.packet()))
        assert len(found) == 36 and found[3] == b"\x00\x09"
        stream.arrive((publish(b"a/b", b"z" * 3_000, 7) + puback(9)) * 9)
        while wire.fill():
            while wire.next_packet():
                found.append((wire.dropped_bytes, bytes(wire.packet())))
        assert found[36:] == [(3_000, b"\x00\x00\x03a/b\x00\x07"), (0, b"\x00\x09")] * 9


def check_session():
    for simple in (umqtt.simple, umqtt180):
        broker = Broker()
        broker.answers = {CONNACK, SUBACK, PINGRESP}
        network, handler = FakeNetwork(broker), Handler()
        resolver = Resolver(network, FakeKeep(), Random(1).below)
        link = session.Session(network, resolver, Generic({}), simple, handler)
        link.open(("host", 1883, True), REQUEST, 0)
        for now_ms in range(4):
            link.step(now_ms)
        assert link.phase == session.UP
        fields = text(b"d") + text(b"tidegate/1/d/state") + text(b"will")
        assert network.stream.sends[0] == packet(0x10, b"\x00\x04MQTT\x04\x2e\x00\x3c" + fields)
        ids = [link.publish(b"t", memoryview(b"payload"), False, 5) for _ in range(8)]
        link.step(5)
        assert [each[2] for each in broker.publishes()] == ids
        expected = b"".join(publish(b"t", b"payload", packet_id) for packet_id in ids)
        assert network.stream.sends[-1] == expected
        broker.release(reversed)
        broker.deliver(b"tidegate/1/d/confirm", b"echo")
        link.step(6)
        assert handler.named("puback") == [(each,) for each in reversed(ids)]
        assert handler.named("message") == [(b"tidegate/1/d/confirm", b"echo")]
        broker.deliver(b"tidegate/1/d/confirm", b"z" * 3_000)
        for now_ms in range(6, 10):
            link.step(now_ms)
        assert handler.named("oversized") == [(b"tidegate/1/d/confirm", 3_000)]
        for data in (b"\x00\x00", b"\xf0\x00", b"\x40\x01\x00", b"\x30\xff\xff\xff\xff\x7f"):
            link.open(("host", 1883, True), REQUEST, 10)
            for now_ms in range(10, 14):
                link.step(now_ms)
            network.stream.arrive(data)
            link.step(15)
            assert link.phase == session.IDLE and handler.named("down")[-1][0] == session.UP


def check_spool():
    for unit, reprogram, count in ((1, True, 4_500), (16, False, 3_500), (256, True, 4_500)):
        world = SpoolWorld(16, unit, reprogram)
        for _ in range(3):
            world.fill(30)
            for value in (-5, "æ 充", b"\x00\xff", (1 << 64) - 1):
                world.append(value, RECORDS)
            world.mount()
        for log in (TELEMETRY, RECORDS):
            found, holes = world.read(log)
            assert found == sorted(world.held[log].items()) and not holes
        world.fill(count)
        found, holes = world.read()
        assert holes == [(1, found[0][0] - 1, "evicted")] and found[-1][0] == 90 + count


def check_payload():
    world = UplinkWorld()
    for value in (0, -1, (1 << 64) - 1, "", 'q"\\\n\0', "æ 充 🔌", b"", b"x" * OPAQUE_BYTES_MAX):
        world.append(value, RECORDS)
    world.up()
    settle(world)
    found = arrived(world.sent())
    assert found == sorted(world.model["records"].items())


def check_echoes():
    world = UplinkWorld()
    world.fill(10)
    for payload in (b"", b"null", b"[]", b"{", b"[" * 2_000, b"\xff\xfe", b'{"store":1}'):
        assert world.uplink.on_echo(payload, 0) is False
    assert world.echo(3, [[5, 6]]) and world.unconfirmed() == 5


def check_uplink():
    for seed in range(4):
        Story(seed % 2 == 0).live(Random(seed), 120)


def check_crash_and_health():
    chance = Random(5)
    for _ in range(50):
        values = [chance.below(1 << chance.below(40) + 1) * chance.below(2)
                  for _ in health.FIELDS]
        assert health.decode(health.encode(values)) == values
    keep = FakeKeep()
    Boot(keep, Crumbs(FakeScratch()), 3, 1).crashed(
        "exception", ('E: "x"\n', "a.py:7"), "link", 83, ["7 INFO a b=1"] * 9)
    found = Boot(keep, Crumbs(FakeScratch()), 4, 1)
    told = json.loads(found.text())
    assert (told["boot"], told["error"], told["at"]) == (3, "E: ?x??", "a.py:7")
    assert told["trail"] == ["7 INFO a b=1"] * 4 and found.is_pending
    try:
        raise RuntimeError("planted")
    except RuntimeError as error:
        name, line = place_of(error).split(":")
    assert name == "portable_checks.py" and int(line) > 200


CHECKS = (
    check_monotonic, check_backoff, check_ranges, check_frame, check_configuration,
    check_suppression, check_wire, check_session, check_spool, check_payload, check_echoes,
    check_uplink, check_crash_and_health,
)
CHECKS += command_checks.CHECKS + config_checks.CHECKS + config_mutations.CHECKS
CHECKS += meter_checks.CHECKS + network_checks.CHECKS + suppress_checks.CHECKS
CHECKS += time_checks.CHECKS + dating_world.CHECKS


def main():
    for check in CHECKS:
        check()
        print("passed", check.__name__)
    print("all portable checks passed")


if __name__ == "__main__":
    main()
