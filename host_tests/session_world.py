"""A session whose other end is scripted, for its tests."""

import umqtt.simple
from fake_network import FakeNetwork
from fakes import FakeKeep, Handler, Random
from mqtt_peer import CONNACK, PINGRESP, PUBACK, SUBACK, Broker

from tidegate.limits import TICKS_MASK_MS
from tidegate.link import causes, session
from tidegate.link.profiles import Generic
from tidegate.link.resolver import Resolver

CONFIRM = b"tidegate/1/d/confirm"
REQUEST = ((b"d", None, None), 60, b"tidegate/1/d/state", b"will", (CONFIRM,))
SERVER = ("host", 1883, False)
BEGIN_MS = 5_000


class World:
    """A session, its handler and a broker; `answers` are what the broker gives by itself."""

    def __init__(self, answers=(CONNACK, SUBACK, PUBACK, PINGRESP), begin_ms=BEGIN_MS,
                 profile=None):
        self.broker = Broker()
        self.broker.answers = set(answers)
        self.network = FakeNetwork(self.broker)
        self.handler = Handler()
        self.keep = FakeKeep()
        resolver = Resolver(self.network, self.keep, Random(1).below)
        self.session = session.Session(
            self.network, resolver, profile or Generic({}), umqtt.simple, self.handler)
        self.now_ms = begin_ms

    def open(self, request=REQUEST, server=SERVER):
        self.session.open(server, request, self.now_ms & TICKS_MASK_MS)
        return self

    def step(self, pass_ms=0):
        self.now_ms += pass_ms
        self.session.step(self.now_ms & TICKS_MASK_MS)
        return self

    def up(self):
        self.open()
        for _ in range(4):
            self.step(1)
        assert self.session.phase == session.UP
        return self

    def publish(self, payload=b"x", topic=b"t"):
        return self.session.publish(topic, payload, False, self.now_ms & TICKS_MASK_MS)

    def arrive(self, data):
        self.network.stream.arrive(data)
        return self

    def downs(self):
        return self.handler.named("down")


PHASES = {
    session.RESOLVE: (causes.DNS_TIMEOUT, 10_000),
    session.CONNECT: (causes.CONNECT_TIMEOUT, 10_000),
    session.SECURE: (causes.HANDSHAKE_TIMEOUT, 15_000),
    session.CONNACK: (causes.CONNACK_TIMEOUT, 20_000),
    session.SUBSCRIBE: (causes.SUBACK_TIMEOUT, 20_000),
}


def held_in(phase, begin_ms=BEGIN_MS):
    """A world whose session stands in `phase` because the next answer does not come."""
    answers = {session.SUBSCRIBE: (CONNACK,)}.get(phase, ())
    world = World(answers, begin_ms)
    if phase == session.RESOLVE:
        world.network.names = None
    world.network.connects = phase != session.CONNECT
    world.network.shakes = phase != session.SECURE
    world.open(server=("host", 8883, phase == session.SECURE))
    for _ in range(3):
        world.step()
    assert world.session.phase == phase
    return world
