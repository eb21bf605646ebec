"""The bytes of a name lookup, and the resolver that asks, keeps and remembers."""

import random

import pytest
from fake_network import FakeNetwork, name_answer
from fakes import FakeKeep, Random

from tidegate.errors import LinkError
from tidegate.link import causes, dns
from tidegate.link.resolver import Resolver

ASKED = dns.question("sea.example")
KEPT_MS, AGAIN_MS = 3_000, 1_000


def answer(names, ttl_s=300, number=7):
    return dns.answer(name_answer(dns.query(number, ASKED), names, ttl_s), 7, ASKED)


def test_a_query_is_what_the_standard_says():
    assert dns.query(0x1234, ASKED) == (
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
        b"\x03sea\x07example\x00\x00\x01\x00\x01"
    )


@pytest.mark.parametrize("name", ["", ".", "a..b", "a.", "x" * 64, "a." * 126 + "abc"])
def test_a_name_that_cannot_be_one_is_refused(name):
    with pytest.raises(ValueError):
        dns.question(name)


def test_an_answer_gives_its_numbers_and_the_shortest_time_they_hold():
    assert answer(["192.0.2.1", "192.0.2.2"], 77) == (0, ["192.0.2.1", "192.0.2.2"], 77)
    assert answer(3) == (3, [], 0)
    assert answer(["192.0.2.1"], number=8) is None, "the answer to another query"
    assert dns.answer(dns.query(7, ASKED), 7, ASKED) is None, "a query is no answer"
    other = name_answer(dns.query(7, dns.question("lake.example")), ["192.0.2.1"])
    assert dns.answer(other, 7, ASKED) is None, "the answer about another name"


def test_an_alias_before_the_number_is_passed_over():
    data = bytearray(name_answer(dns.query(7, ASKED), []))
    data[7] = 2
    data += b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x09\x00\x04\x01b\xc0\x10"
    data += b"\x01b\xc0\x10\x00\x01\x00\x01\x01\x00\x00\x00\x00\x04\xc0\x00\x02\x09"
    assert dns.answer(bytes(data), 7, ASKED) == (0, ["192.0.2.9"], 1 << 24)


@pytest.mark.parametrize("seed", range(30))
def test_a_spoilt_answer_never_raises_and_never_gives_a_torn_number(seed):
    chance = random.Random(seed)
    whole = name_answer(dns.query(7, ASKED), ["192.0.2.1"] * 3)
    for _ in range(300):
        data = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            if len(data) > 12:
                data[chance.randrange(2, len(data))] = chance.randrange(256)
        found = dns.answer(bytes(data), 7, ASKED)
        if found is not None:
            assert all(len(number.split(".")) == 4 for number in found[1])


class World:
    def __init__(self, keep=None):
        self.network = FakeNetwork()
        self.keep = keep or FakeKeep()
        self.resolver = Resolver(self.network, self.keep, Random(1).below)

    def resolve(self, now_ms=0, host="sea.example"):
        return self.resolver.resolve(host, now_ms)


def test_a_number_and_localhost_need_no_server():
    world = World()
    assert world.resolve(host="10.0.0.255") == "10.0.0.255"
    assert world.resolve(host="localhost") == "127.0.0.1"
    assert world.network.asked == []


def test_an_answer_serves_as_long_as_it_holds():
    world = World()
    assert world.resolve(0) == "192.0.2.7"
    world.network.names = ["192.0.2.8"]
    assert world.resolve(300_000) == "192.0.2.7"
    assert world.resolve(300_001) == "192.0.2.8"
    assert len(world.network.asked) == 2 and world.resolver.datagrams is None


def test_a_number_that_nobody_is_at_gives_way_to_the_next_and_then_to_a_new_question():
    world = World()
    world.network.names = ["192.0.2.7", "192.0.2.8"]
    assert world.resolve() == "192.0.2.7"
    world.resolver.failed()
    assert world.resolve() == "192.0.2.8"
    world.resolver.failed()
    assert world.resolve() == "192.0.2.7" and len(world.network.asked) == 2


def test_a_silent_server_is_asked_again_at_growing_distances_and_others_in_turn():
    world = World()
    world.network.names = None
    sent = []
    datagrams = world.network.datagrams()
    datagrams.send = lambda data, address: sent.append((now_ms, address))
    world.network.datagrams = lambda: datagrams
    world.network.name_servers = lambda: [("192.0.2.1", 53), ("192.0.2.2", 53)]
    for now_ms in range(0, 10_000, 100):
        assert world.resolve(now_ms) is None
    assert [number for _, (number, _) in sent] == ["192.0.2.1", "192.0.2.2"] * 2 + ["192.0.2.1"]
    assert [at_ms for at_ms, _ in sent] == [0, 1_000, 2_000, 4_000, 6_000]


def test_an_answer_of_a_stranger_or_a_wrong_id_is_passed_over():
    world = World()
    world.network.names = None
    assert world.resolve() is None
    query = dns.query(world.resolver._id, ASKED)
    strange = [(name_answer(query, ["203.0.113.1"]), ("192.0.2.66", 53)),
               (name_answer(b"\0\0" + query[2:], ["203.0.113.1"]), FakeNetwork.SERVER)]
    world.resolver.datagrams._answers += strange
    assert world.resolve() is None
    world.resolver.datagrams._answers.append((name_answer(query, ["192.0.2.7"]),
                                              FakeNetwork.SERVER))
    assert world.resolve() == "192.0.2.7"


@pytest.mark.parametrize("code", [2, 3, 5, []])
def test_a_failure_has_its_cause(code):
    world = World()
    world.network.names = code
    with pytest.raises(LinkError) as caught:
        world.resolve()
    assert caught.value.cause == causes.DNS_FAILED and world.resolver.datagrams is None


def test_without_a_server_or_with_a_name_that_is_none_the_cause_is_the_same():
    world = World()
    world.network.name_servers = list
    for host in ("sea.example", "sea..example"):
        with pytest.raises(LinkError) as caught:
            world.resolve(host=host)
        assert caught.value.cause == causes.DNS_FAILED


def test_the_number_of_the_last_session_outlives_a_reboot_and_serves_when_names_fail():
    world = World()
    world.resolver.reached("sea.example", "192.0.2.7")
    world.resolver.reached("sea.example", "192.0.2.7")
    assert world.keep.save_count == 1, "written only when it changes"
    world = World(world.keep)
    world.network.names = 3
    assert world.resolve() == "192.0.2.7" and world.resolver.trouble == causes.DNS_FAILED
    world.network.names = None
    assert world.resolve(0) is None and world.resolve(KEPT_MS - 1) is None
    assert world.resolve(KEPT_MS) == "192.0.2.7"
    assert world.resolver.trouble == causes.DNS_TIMEOUT
    world.network.names = ["192.0.2.9"]
    assert world.resolve(KEPT_MS + 1) == "192.0.2.9" and not world.resolver.trouble


def test_a_name_whose_numbers_take_turns_is_written_once_and_again_when_it_moves():
    world = World()
    for number in range(40):
        last = ["192.0.2.7", "192.0.2.8"]
        world.network.names = last if number % 2 else last[::-1]
        now_ms = 400_000 * number
        world.resolver.reached("sea.example", world.resolve(now_ms))
    assert world.keep.save_count == 1
    world.network.names = ["192.0.2.9"]
    world.resolver.reached("sea.example", world.resolve(now_ms + 400_000))
    assert world.keep.save_count == 2 and b"192.0.2.9" in world.keep.load("addresses")


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b'{"sea.example": 5}', b"\xff",
                                    b'{"sea.example": "host"}'])
def test_a_record_that_is_none_is_as_good_as_none(record):
    keep = FakeKeep()
    keep.save("addresses", record)
    world = World(keep)
    world.network.names = 3
    with pytest.raises(LinkError):
        world.resolve()
