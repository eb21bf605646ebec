"""A message larger than the buffer: its payload is dropped, it is confirmed, and named."""

import json

import pytest
from agent_world import AgentWorld
from mqtt_peer import PUBACK, puback, publish
from session_world import CONFIRM, World
from test_agent import up
from test_profiles import azure

from tidegate.limits import RX_BYTES_MAX, SKIPPED_BYTES_MAX
from tidegate.link import session
from tidegate.link.profiles import HINT_TOPIC

DEVICE = b"tidegate/1/tg-000001/"
LARGE = b"x" * 70_000


def pubacks(world):
    return [body for first, body in world.broker.packets if first == PUBACK]


def deliver(world, topic, payload, run_ms=2_000):
    world.broker.subscriptions.append(topic)
    world.broker.deliver(topic, payload)
    world.run(run_ms)


def said(world, words):
    return [line for line in world.agent.trail.lines if words in line]


@pytest.mark.parametrize("chunk_bytes", [200, 1_000_000])
def test_it_is_confirmed_when_all_of_it_has_come_and_the_session_goes_on(chunk_bytes):
    world = World().up()
    world.network.stream.chunk_bytes = chunk_bytes
    payload = b"x" * 5_000
    whole = publish(CONFIRM, payload, 7)
    world.arrive(whole[:-1])
    for _ in range(40):
        world.step(1)
    assert world.handler.named("oversized") == [] and pubacks(world) == []
    world.arrive(whole[-1:] + publish(CONFIRM, b"small", 8))
    for _ in range(3):
        world.step(1)
    assert world.handler.named("oversized") == [(CONFIRM, 5_000)]
    assert world.handler.named("message") == [(CONFIRM, b"small")]
    assert pubacks(world) == [puback(7)[2:], puback(8)[2:]]
    assert world.session.phase == session.UP


def test_its_bytes_count_as_a_sign_of_life():
    world = World().up()
    whole = publish(CONFIRM, LARGE, 7)
    for at in range(0, len(whole), 1_000):
        world.arrive(whole[at : at + 1_000])
        world.step(10_000)
    assert world.downs() == [] and world.handler.named("oversized")


def test_a_hub_s_twin_that_is_too_large_is_a_hint_that_cannot_be_read():
    world = World(profile=azure()).up()
    world.arrive(publish(b"$iothub/twin/res/200/?$rid=1", LARGE, 7))
    world.arrive(publish(b"devices/d/messages/devicebound/x=y", LARGE, 8))
    for _ in range(3 * len(LARGE) // RX_BYTES_MAX):
        world.step(1)
    assert world.handler.named("oversized") == [
        (HINT_TOPIC, len(LARGE)), (b"tidegate/1/d/cmd", len(LARGE))]


@pytest.mark.parametrize("size", [RX_BYTES_MAX, 70_000, SKIPPED_BYTES_MAX - 100])
def test_a_command_is_refused_by_name_whatever_its_size(size):
    world = up(AgentWorld(61))
    deliver(world, DEVICE + b"cmd", b"x" * size)
    [reply] = world.receiver.replies
    assert (reply["id"], reply["error"]) == (None, "oversized")
    assert world.agent.counters.messages_oversized == 1
    [line] = said(world, "message oversized")
    assert line.endswith("count=1 size=%d topic=cmd" % size)
    assert len(pubacks(world)) >= 1 and world.agent.session.phase == session.UP


def test_a_command_that_is_retained_for_ever_keeps_nobody_away():
    world = up(AgentWorld(62))
    for _ in range(3):
        deliver(world, DEVICE + b"cmd", LARGE)
        world.broker.cut()
        world.run(700_000)
    world.settle()
    world.check()


@pytest.mark.parametrize("topic, name", [
    (HINT_TOPIC, "hint"), (DEVICE + b"confirm", "confirm"), (DEVICE + b"state", "state"),
    (DEVICE + b"else", "unknown")])
def test_on_any_topic_it_is_named_with_its_length(topic, name):
    world = up(AgentWorld(63))
    world.run(3_000)
    birth_count = len(world.receiver.births)
    deliver(world, topic, LARGE)
    [line] = said(world, "message oversized")
    assert line.endswith("size=70000 topic=" + name)
    assert len(said(world, "hint refused why=too-long")) == (name == "hint")
    # What stands in the place of its state is not the device's birth, whatever it says.
    assert len(world.receiver.births) - birth_count == (name == "state")
    assert world.agent.session.phase == session.UP


def test_many_of_them_do_not_wash_the_trail_away():
    world = up(AgentWorld(64))
    for _ in range(20):
        deliver(world, DEVICE + b"confirm", b"x" * 2_000, 100)
    assert len(said(world, "message oversized")) == 5, "the 1st, 2nd, 4th, 8th, 16th"
    assert world.agent.counters.messages_oversized == 20


def test_status_says_how_many_there_were():
    world = up(AgentWorld(65))
    deliver(world, DEVICE + b"confirm", LARGE)
    deliver(world, DEVICE + b"cmd", json.dumps({"v": 1, "id": "s", "verb": "status"}).encode())
    assert world.receiver.replies[-1]["result"]["oversized"] == 1


NOTHING_KEPT = """
import gc, micropython
from tidegate.limits import RX_BYTES_MAX, SKIPPED_BYTES_MAX
from tidegate.link.wire import Wire

class Stream:
    left = SKIPPED_BYTES_MAX
    head = b"\\x32" + bytes((n >> s & 127 | 128 for n in (SKIPPED_BYTES_MAX - 4,) for s in (0, 7)))
    head += bytes(((SKIPPED_BYTES_MAX - 4) >> 14,)) + b"\\x00\\x01t\\x00\\x07"

    def receive_into(self, buffer):
        count = min(len(buffer), self.left)
        if self.left == SKIPPED_BYTES_MAX:
            buffer[:len(self.head)] = self.head
        self.left -= count
        return count

wire, stream = Wire(), Stream()
wire.attach(stream)
gc.collect()
gc.disable()
begun = gc.mem_alloc()
fills = 0
while stream.left:
    wire.fill()
    fills += 1
    if stream.left:
        micropython.heap_lock()
        assert not wire.next_packet()
        micropython.heap_unlock()
assert wire.next_packet() == 0x32 and wire.dropped_bytes == SKIPPED_BYTES_MAX - 9
print((gc.mem_alloc() - begun) // fills)
"""


@pytest.mark.micropython
def test_to_skip_allocates_nothing_but_the_view_that_each_read_takes(micropython):
    assert int(micropython(NOTHING_KEPT).stdout) <= 96
