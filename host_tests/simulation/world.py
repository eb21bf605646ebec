"""One device for weeks: what the world does to it, and what must hold of what arrives.

The agent runs in the shell's own loop. To the faults of `agent_world` come cuts of power at any
program, resets by the watchdog, crashes, restarts, policies changed by command, other
configurations and steps of the clock. Where power was cut inside an append, what is durable says
whether it was accepted.
"""

import json

from agent_world import DEVICE, FAULTS, OWN_IDS, ROWS, UTC_MS, AgentWorld, as_json
from fakes import CutFlash, PowerCut

from tidegate import run
from tidegate.config import schema
from tidegate.hal.nor import RamFlash
from tidegate.observe.catalogue import CRASH_ID, HEALTH_ID, LOG_NAMES
from tidegate.sources.simulated import SimulatedSource
from tidegate_tools import health
from tidegate_tools.suppression_rules import Rules
from tidegate_tools.values import from_json

DAY_MS = 86_400_000
BLOCK_COUNT = 96
PLUG_S, UNPLUG_S, PERIOD_S = 3_600, 12_000, 21_600
# The charger says how it stands only every few seconds, but for what it says once.
SAMPLE_EVERY_S = 5
# Its policy is changed by command: what the rules make of it is not foretold.
CHANGED_ID = 502
POWER_ON, WATCHDOG, SOFT = 1, 3, 5
OWN_FAULTS = ("policy", "configure", "clock", "status")
LINK_FAULTS = tuple(each for each in FAULTS if each not in ("reboot", "close")) + OWN_FAULTS
BOOT_FAULTS = ("reboot", "close", "power", "power", "power", "hang", "crash", "restart")
# Of ten days so many with faults that end a boot; in the others ticks come round.
BOOT_DAYS, WEEK_DAYS = 2, 10


class Pause(BaseException):
    """The simulation has come to the moment at which something happens."""


class Blackout(BaseException):
    """Power is cut inside a program."""


class Bite(BaseException):
    """The watchdog resets a board that hangs."""


class LiveFlash(CutFlash):
    """A flash whose cuts the agent cannot catch."""

    def program(self, offset, data):
        try:
            super().program(offset, data)
        except PowerCut as cut:
            raise Blackout from cut


class CalmSource:
    """A source that is asked less often. `fails` makes it raise."""

    def __init__(self, source):
        self._source = source
        self._second = -SAMPLE_EVERY_S
        self.fails = False

    def step(self, elapsed_ms, emit):
        if self.fails:
            raise RuntimeError("planted")
        second = elapsed_ms // 1_000
        if not 0 <= second - self._second < SAMPLE_EVERY_S:
            self._second = second
            self._source.step(elapsed_ms, emit)


class OtherRules(Rules):
    """The rules, for weeks, of all observations but the one whose policy is changed."""

    def begin(self, now_ms):
        if self.now_ms is None:
            super().begin(now_ms)
            self._beating = [each for each in self.states.values() if each.quantity.heartbeat_ms]
            return
        self.now_ms = now_ms
        for state in self._beating:
            due_ms = self._beat_due_ms(state)
            state.is_due = state.is_due or due_ms is not None and now_ms >= due_ms

    def sample(self, observation_id, value, stamp=None):
        if observation_id != CHANGED_ID:
            super().sample(observation_id, value, stamp)


class Shell:
    """What the loop needs of the ports, with waits that take no time."""

    def __init__(self, world):
        self._world = world
        self.network = self
        self.clock, self.watchdog = world.ports.clock, world.ports.watchdog

    def wait(self, stream, writing, wait_ms):
        self._world.turn_count += 1
        is_ready = stream is not None and hasattr(stream, "inbox") and (
            stream.inbox or stream.ended or stream.error)
        self._world.pass_time(1 if is_ready else max(1, wait_ms))


class LongWorld(AgentWorld):
    """See `AgentWorld`. `crash_count` and `cut_count` are what the world did; `rest_s_max` is the
    longest time between two faults."""

    rest_s_max = 3_000

    def __init__(self, seed):
        self.crash_count = self.cut_count = self.step_count = self.command_count = 0
        self.skew_ms = 0
        self._until_ms = 0
        self._marks = ((0, 0), (1, 1))
        self._undo = []
        self._taken = {name: 0 for name in LOG_NAMES}
        self._next_seq = {name: 1 for name in LOG_NAMES}
        # Seqs of appends that power cut.
        self._torn = {name: set() for name in LOG_NAMES}
        self.health_told = []
        self.crashes_told = []
        self.totals = {"observations": 0, "gaps": 0}
        super().__init__(seed, flash=LiveFlash(RamFlash(BLOCK_COUNT)))
        self.oracle = OtherRules(
            [row for row in ROWS if row[0] != CHANGED_ID], self.accepted, self.oracle._phase)

    def source(self):
        self.calm = CalmSource(SimulatedSource(self.seed, PLUG_S, UNPLUG_S, PERIOD_S))
        return self.calm

    def boot(self, reset_cause=POWER_ON):
        while True:
            try:
                super().boot(reset_cause)
                break
            except Blackout:
                self.cut_count += 1
                reset_cause = POWER_ON
        self.ports.clock.utc_zero_ms += self.skew_ms
        self.shell = Shell(self)
        tap = self.agent._source
        real_turn = tap.turn

        def turn(boot, mono_ms):
            self._marks = (tuple(len(self.expected[name]) for name in LOG_NAMES),
                           tuple(log.next_seq for log in self.agent.spool.logs))
            self._undo = []
            real_turn(boot, mono_ms)

        tap.turn = turn

    def accepted(self, observation_id, value, at_ms):
        self._undo.append((observation_id, self.oracle.states[observation_id].last))
        return super().accepted(observation_id, value, at_ms)

    # Time.

    def run(self, pass_ms):
        self._until_ms = self.now_ms + pass_ms
        while self.now_ms < self._until_ms:
            self.ports.clock.now_ms = self.now_ms - self.began_ms
            try:
                status = run.turns(self.agent, self.shell)
            except Pause:
                return
            except Blackout:
                self.cut_count += 1
                self.boot()
                self._decide()
            except Bite:
                self.crash_count += 1
                self.boot(WATCHDOG)
            else:
                if status == run.CRASH_STATUS:
                    self.crash_count += 1
                else:
                    self.agent.close()
                self.boot(SOFT)

    def pass_time(self, pass_ms):
        self.now_ms += pass_ms
        self.ports.clock.now_ms = self.now_ms - self.began_ms
        if self.now_ms >= self._until_ms:
            raise Pause

    def _decide(self):
        """Of the last turn, only what is durable was accepted."""
        counts, seqs = self._marks
        for log, name in enumerate(LOG_NAMES):
            durable, cursor = [], self.agent.spool.cursor(log)
            cursor.seek(seqs[log])
            torn = set(range(seqs[log], self.agent.spool.logs[log].next_seq))
            while cursor.next():
                reader = cursor.frame
                torn.discard(cursor.seq)
                if reader.observation_id not in OWN_IDS and reader.observation_id != CHANGED_ID:
                    durable.append((cursor.boot, cursor.mono_base_ms + reader.delta_ms,
                                    reader.observation_id, as_json(reader.value)))
            self._torn[name] |= torn
            expected = self.expected[name]
            last = expected[counts[log]:]
            assert durable == last[:len(durable)], f"{name}: {durable} is durable, not {last}"
            for fact in last[len(durable):]:
                self._forget(fact[2])
            del expected[counts[log] + len(durable):]

    def _forget(self, observation_id):
        """The newest report of an id was not accepted: what was before it stands."""
        for place in range(len(self._undo) - 1, -1, -1):
            if self._undo[place][0] == observation_id:
                self.oracle.states[observation_id].last = self._undo.pop(place)[1]
                return

    # What goes wrong.

    def begin(self, fault):
        if fault in FAULTS:
            super().begin(fault)
            return
        self.fault = fault
        self.faults[fault] = self.faults.get(fault, 0) + 1
        if fault == "power":
            self.flash.countdown = self.chance.between(1, 60)
            self.flash.share_percent = self.chance.between(0, 100)
        elif fault == "hang":
            self.agent.spool.idle = self._hang
        elif fault == "crash":
            self.calm.fails = True
        elif fault == "configure":
            self.configuration = schema.check({
                "device_id": DEVICE, "host": "sea",
                "keep_alive_s": self.chance.between(30, 300)})
        elif fault == "clock":
            self.step_count += 1
            self.skew_ms += self.chance.between(-90_000, 90_000)
            self.ports.clock.utc_zero_ms = UTC_MS + self.began_ms + self.skew_ms
        else:
            self._command(fault)

    def _hang(self, now_ms):
        raise Bite

    def _command(self, verb):
        self.command_count += 1
        form = {"v": 1, "id": "c%d" % self.command_count, "verb": verb}
        if verb != "status":
            form["counter"] = UTC_MS + self.command_count
        if verb == "policy":
            form["arg"] = "%d bound %d" % (CHANGED_ID, self.chance.between(1_000, 4_000))
        self.broker.deliver(b"tidegate/1/" + DEVICE.encode() + b"/cmd", json.dumps(form).encode())

    def day(self, number):
        """One day with its faults, and at its end everything delivered and compared."""
        faults = LINK_FAULTS
        if number % WEEK_DAYS < BOOT_DAYS:
            faults = LINK_FAULTS + BOOT_FAULTS + BOOT_FAULTS
        end_ms = self.now_ms + DAY_MS
        while self.now_ms < end_ms:
            self.run(1_000 * self.chance.between(60, self.rest_s_max))
            self.begin(faults[self.chance.below(len(faults))])
            # A cut waits for a program.
            is_long = self.fault == "power" or not self.chance.below(4)
            last_s = self.rest_s_max if is_long else 10
            self.run(1_000 * self.chance.between(1, last_s))
            self.flash.countdown = 0
            self.calm.fails = False
            self.heal()
        self.settle()
        self.check()

    def wake(self):
        """A driver: after hours before a full server the agent would wait for up to two more."""
        self.agent.backoff.driver(self.agent.monotonic.now_ms)

    def check(self):
        """What arrived since the last check is what was accepted, each seq once or as gone."""
        store = self.agent.uplink.store_id
        assert all(key[0] == store for key in self.receiver.stored), "one store id for ever"
        for log, name in enumerate(LOG_NAMES):
            stored = self.receiver.stored.get((store, name), {})
            gaps = self.receiver.gaps.get((store, name), [])
            seqs = set(stored)
            for first, last, reason, *_ in gaps:
                gone = set(range(first, last + 1))
                # What a boot found cut and did not live to tell is lost to the next.
                assert reason in ("cut", "lost") and gone <= self._torn[name], (
                    f"{name}: {first}-{last} {reason}")
                seqs.update(gone)
            next_seq = self.agent.spool.logs[log].next_seq
            awaited = set(range(self._next_seq[name], next_seq))
            assert seqs >= awaited, f"{name}: missing {sorted(awaited - seqs)[:9]}"
            told = [stored[seq] for seq in sorted(stored)]
            judged = [fact for fact in told if fact[2] not in OWN_IDS and fact[2] != CHANGED_ID]
            assert judged == self.expected[name], f"{name}: " + _difference(
                judged, self.expected[name])
            self.health_told += [health.parse(from_json(fact[3])) for fact in told
                                 if fact[2] == HEALTH_ID]
            self.crashes_told += [json.loads(fact[3]) for fact in told if fact[2] == CRASH_ID]
            self.totals["observations"] += len(told)
            self.totals["gaps"] += len({tuple(gap[:2]) for gap in gaps})
            self._next_seq[name] = next_seq
            stored.clear()
            gaps.clear()
            self.expected[name].clear()
        self._marks = ((0, 0), tuple(log.next_seq for log in self.agent.spool.logs))
        for grown in (self.receiver.batches, self.receiver.births, self.receiver.replies,
                      self.receiver.snapshots, self.network.asked, self.network.opened,
                      self.ports.terminal.lines):
            grown.clear()
        del self.network.streams[:-1]


def _difference(told, expected):
    for place, pair in enumerate(zip(told, expected)):
        if pair[0] != pair[1]:
            return "at %d of %d: %s, not %s" % (place, len(expected), *pair)
    return "%d in place of %d" % (len(told), len(expected))
