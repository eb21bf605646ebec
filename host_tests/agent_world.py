"""The whole agent in a simulated world: hours of a charger in seconds, with whatever goes wrong.

Portable. Everything comes from one seed. What must have been recorded is worked out from the
samples by the rules of the host's tools; what was recorded is read from what the receiver stored.
As a script: `agent_world.py SEED SECONDS`.
"""

import sys

import umqtt.simple
from fake_network import FakeNetwork
from fakes import FakeKeep, FakePorts, FakeScratch, Random, SimClock
from mqtt_peer import CONNACK, PINGRESP, PUBACK, SUBACK, Broker, Receiver
from tidegate_tools.suppression_rules import Rules
from uplink_world import as_json

from tidegate.agent import Agent
from tidegate.config import schema
from tidegate.hal.nor import RamFlash
from tidegate.limits import PHASE_COUNT, TURN_WAIT_MS_MAX
from tidegate.observe.catalogue import LOG_NAMES, OWN_ROWS, ROWS
from tidegate.sources.simulated import SimulatedSource
from tidegate.spool.crc import FIRST, crc24

UTC_MS = 1_768_509_600_000
POWER_ON = 1
DEVICE = "tg-000001"
LOG_OF_ID = {row[0]: LOG_NAMES[row[5]] for row in ROWS}
OWN_IDS = [row[0] for row in OWN_ROWS]
ALL = {CONNACK, SUBACK, PUBACK, PINGRESP}
HEALTHY = "healthy"
FAULTS = (
    "cut", "link down", "refused", "no name", "black hole", "reboot", "reboot", "close", "deaf",
    "no echo", "no puback", "no connack", "no suback", "no pingresp", "busy", "stalled", "garbage",
    "trickle",
)  # fmt: skip


class Tap:
    """A source that lets the oracle see each sample before the agent does."""

    def __init__(self, source, world):
        self._source = source
        self._world = world

    def turn(self, boot, mono_ms):
        self._world.oracle.begin(mono_ms)
        self._world.turn = (boot, mono_ms)

    def step(self, elapsed_ms, emit):
        def both(observation_id, value):
            self._world.oracle.sample(observation_id, value)
            emit(observation_id, value)

        self._source.step(elapsed_ms, both)
        self._world.oracle.end()


class AgentWorld:
    """`expected` is {log: [(boot, mono, id, value)]} by seq from 1; `faults` what went wrong."""

    ticks_mask_ms = (1 << 30) - 1
    options = {}

    def __init__(self, seed, confirm="echo", is_dated=True, block_count=64, flash=None):
        self.chance = Random(seed)
        self.seed = seed
        self.is_dated = is_dated
        self.flash = flash or RamFlash(block_count)
        self.keep = FakeKeep()
        self.scratch = FakeScratch()
        self.receiver = Receiver(DEVICE.encode())
        self.broker = Broker(self.receiver)
        self.network = self.make_network()
        self.configuration = schema.check(
            dict(self.options, device_id=DEVICE, host="sea", confirm=confirm))
        phase = crc24(FIRST, DEVICE.encode(), 0, len(DEVICE)) % PHASE_COUNT
        self.oracle = Rules(ROWS, self.accepted, phase)
        self.expected = {name: [] for name in LOG_NAMES}
        self.turn = None
        self.now_ms = 0
        self.fault = HEALTHY
        self.faults = {}
        self.turn_count = 0
        self.boot_count = 0
        self.boot()

    def boot(self, reset_cause=POWER_ON):
        """Power returns; nothing but the flash is left of the agent."""
        if reset_cause == POWER_ON:
            self.scratch = FakeScratch()
        self.broker.cut()
        self.began_ms = self.now_ms
        self.oracle.boot()
        self.boot_count += 1
        clock = SimClock(self.ticks_mask_ms, UTC_MS + self.now_ms if self.is_dated else None)
        self.ports = FakePorts(
            self.flash, clock, self.network, self.chance.below(1 << 20), self.keep,
            self.scratch, reset_cause)
        source = Tap(self.source(), self)
        self.agent = Agent(self.ports, source, self.configuration, umqtt.simple, UTC_MS)
        self.now_ms += self.chance.below(3_000)

    def make_network(self):
        return FakeNetwork(self.broker)

    def source(self):
        """Of one boot."""
        return SimulatedSource(self.seed, 60, 1_500, 1_800)

    def accepted(self, observation_id, value, at_ms):
        fact = (self.turn[0], at_ms, observation_id, as_json(value))
        self.expected[LOG_OF_ID[observation_id]].append(fact)
        return True

    def run(self, pass_ms):
        """Turn after turn as the shell would, for so long."""
        end_ms = self.now_ms + pass_ms
        while self.now_ms < end_ms:
            self.ports.clock.now_ms = self.now_ms - self.began_ms
            wait_ms = self.agent.step(self.ports.clock.ticks_ms())
            assert 0 <= wait_ms <= TURN_WAIT_MS_MAX
            self.turn_count += 1
            stream = self.agent.session.wire.stream
            is_ready = stream is not None and (stream.inbox or stream.ended or stream.error)
            self.now_ms += 1 if is_ready else max(1, wait_ms)

    # What goes wrong.

    def begin(self, fault):
        self.fault = fault
        self.faults[fault] = self.faults.get(fault, 0) + 1
        stream = self.network.stream
        if fault in ("cut", "busy", "no connack", "no suback", "refused", "no name"):
            self.broker.cut()
        if fault == "link down":
            self.network.up = False
            self.broker.cut()
        elif fault == "refused":
            self.network.refusal = 111
        elif fault == "no name":
            self.network.names = None if self.chance.below(2) else 3
        elif fault == "black hole" and stream is not None:
            stream.peer = None
        elif fault == "reboot":
            self.boot()
        elif fault == "close":
            self.agent.close()
            self.boot()
        elif fault == "deaf":
            self.receiver.is_deaf = True
        elif fault == "no echo":
            self.receiver.echoes = False
        elif fault == "busy":
            self.broker.connack_code = 3
        elif fault == "stalled" and stream is not None:
            stream.room_bytes = 0
        elif fault == "trickle" and stream is not None:
            stream.room_bytes, stream.chunk_bytes = 50, 1
        elif fault == "garbage" and stream is not None:
            stream.arrive(self.chance.data(20))
        for name, kind in (
            ("no puback", PUBACK), ("no connack", CONNACK), ("no suback", SUBACK),
            ("no pingresp", PINGRESP),
        ):  # fmt: skip
            if fault == name:
                self.broker.answers = ALL - {kind}

    def heal(self):
        self.fault = HEALTHY
        self.network.up = True
        self.network.refusal = 0
        self.network.names = [self.network.NUMBER]
        self.receiver.is_deaf = False
        self.receiver.echoes = True
        self.broker.answers = set(ALL)
        self.broker.connack_code = 0
        stream = self.network.stream
        if stream is not None:
            stream.room_bytes, stream.chunk_bytes = None, 1 << 20
            if stream.peer is None:
                stream.ended = True

    def live(self, seconds):
        """That long, with a fault every few minutes that lasts seconds or minutes."""
        end_ms = self.now_ms + 1_000 * seconds
        while self.now_ms < end_ms:
            self.run(1_000 * self.chance.between(10, 240))
            self.begin(FAULTS[self.chance.below(len(FAULTS))])
            self.run(1_000 * self.chance.between(1, 150))
            self.heal()

    def settle(self):
        """No fault any more, and a new session that sends what the ones before have lost."""
        self.heal()
        self.broker.cut()
        for _ in range(60):
            self.wake()
            self.run(60_000)
            if not any(self.agent.uplink.lag.count(log) for log in (0, 1)):
                return
        raise AssertionError("it never catches up")

    def wake(self):
        """What ends a wait of the agent's, if anything does."""

    def check(self):
        """Every observation is with the receiver, under its key, as it was; nothing else is."""
        store = self.agent.uplink.store_id
        assert all(key[0] == store for key in self.receiver.stored), "one store id for ever"
        for name in LOG_NAMES:
            stored = self.receiver.stored.get((store, name), {})
            facts = list(self.expected[name])
            # What the agent says of itself comes from no sample: it is taken as it was stored.
            for seq in sorted(stored):
                if stored[seq][2] in OWN_IDS:
                    facts.insert(seq - 1, stored[seq])
            expected = {seq: fact for seq, fact in enumerate(facts, 1)}
            missing = sorted(seq for seq in expected if seq not in stored)
            assert not missing, f"{name}: missing {missing[:9]}"
            assert stored == expected, f"{name}: other content"
            assert not self.receiver.gaps.get((store, name)), f"{name}: gaps without a reason"

    def summary(self):
        return (
            f"{len(self.expected['telemetry'])} and {len(self.expected['records'])} recorded, "
            f"{self.receiver.repeat_count} repeats, {self.boot_count} boots, "
            f"{self.broker.open_count} connections, {self.turn_count} turns"
        )


def main(seed, seconds):
    world = AgentWorld(seed)
    try:
        world.live(seconds)
        world.settle()
        world.check()
    except Exception:
        print("seed", seed, "at", world.now_ms, "fault", world.fault)
        print("\n".join(world.agent.trail.lines[-8:]))
        raise
    print(world.summary())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
