"""Real agents by the dozen behind a gate: what `tidegate surge` and `tidegate rehearse` share."""

import asyncio
import json
import random
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt

from tidegate_tools import fleet_image, timeline
from tidegate_tools.agent_process import AgentProcess, Clock, configuration
from tidegate_tools.broker import HOST, PACKAGES, Broker, free_port
from tidegate_tools.errors import ProcessError
from tidegate_tools.gate import Gate, Settings
from tidegate_tools.paths import Checkout
from tidegate_tools.processes import POLL_S, Child
from tidegate_tools.queries import Archive
from tidegate_tools.sink import QUIET

COUNT_MAX = 500
HINT_TOPIC = "tidegate/1/fleet/hint"
TEMPLATE = "template.img"
PROGRAMS = Path(__file__).resolve().parent / "device"
SAMPLE_S = 0.5
SINK_START_S_MAX = 15.0
# The last echoes and messages of an orderly end are on their way for a moment.
LAST_WORDS_S = 0.5
# Cars come within the first minute, so that there is something to tell all the time.
PLUG_S, STAY_S = range(5, 65), 100_000


@dataclass(frozen=True)
class Setup:
    """A fleet that can be started.

    Members: count, agents; stored_count, observations on the flash of each; speed, of the agents'
    clocks; seed; broker, its name; sink_bytes_per_s, from the broker to the sink, 0 for no limit;
    hint, what the operator has published, empty for nothing; firmware, interpreter, checkout,
    folder, as of the demo; program, of PROGRAMS.
    """

    count: int
    stored_count: int
    speed: int
    seed: int
    broker: str
    sink_bytes_per_s: int
    hint: dict
    firmware: Path
    interpreter: Path
    checkout: Checkout
    folder: Path
    program: str = "fleet_agent.py"

    def device(self, number):
        """The id of agent number 0, 1 .."""
        return "tg-%06d" % (number + 1)


@dataclass(frozen=True)
class Sample:
    """The fleet at one moment: s since the start; the sum of the lags that the sink heard last, in
    observations; observations stored; devices online; devices that have caught up; connections
    that wait at the gate; attempts that it has seen."""

    at_s: float
    lag: int
    stored: int
    online: int
    close: int
    waiting: int
    attempts: int


@dataclass
class Record:
    """What was seen of a run, all times in s since its start.

    Members: samples; begins, (name, at_s) of each step; births, (device, at_s) of each session;
    refused, when attempts met nobody, in order; late_step, the step that did not come to its end
    in time.
    """

    samples: list = field(default_factory=list)
    begins: list = field(default_factory=list)
    births: list = field(default_factory=list)
    refused: list = field(default_factory=list)
    late_step: str = ""

    def begin_s(self, name):
        """When a step began."""
        return dict(self.begins)[name]

    def attempts(self):
        """When attempts were made, in order; those that the gate saw as of the next sample."""
        seen = [after.at_s for before, after in zip(self.samples, self.samples[1:])
                for _ in range(after.attempts - before.attempts)]
        return sorted(seen + self.refused)


class Fleet:
    """Agents, gate, broker, a gate before the sink, and the sink as a process.

    Arguments: setup; note(step name, sample), called with each sample.
    """

    def __init__(self, setup, note=lambda name, sample: None):
        self.setup = setup
        self.record = Record()
        self.agents = []
        self.before = ()
        self._note = note
        self._broker = Broker(setup.broker, setup.folder)
        self._sink = self._sink_gate = self.archive = None
        self.front = self.clock = None
        self._is_listening = False
        self._zero_s = 0.0

    async def start(self):
        """Broker, gates, sink, hint and agents. The front is closed. Errors: ProcessError."""
        setup = self.setup
        await self._broker.start()
        await self._start_sink()
        if setup.hint:
            async with aiomqtt.Client(HOST, self._broker.port, logger=QUIET) as operator:
                await operator.publish(HINT_TOPIC, json.dumps(setup.hint), qos=1, retain=True)
        # A port that no outgoing connection is given while nobody listens on it.
        self.front = Gate((HOST, self._broker.port), Settings(), port=free_port())
        wall_ms = time.time_ns() // 1_000_000
        self._zero_s = wall_ms / 1_000
        self.clock = Clock(setup.speed, wall_ms, timeline.SCENARIO_UTC_MS)
        template = setup.folder / TEMPLATE
        if setup.stored_count:
            self.before = fleet_image.prepare(template, setup.stored_count, setup.seed,
                                              timeline.SCENARIO_UTC_MS)
        chance = random.Random(setup.seed)
        for number in range(setup.count):
            self._add(number, chance)
        for agent in self.agents:
            agent.start()

    def _add(self, number, chance):
        setup = self.setup
        device = setup.device(number)
        folder = setup.folder / device
        folder.mkdir()
        if setup.stored_count:
            shutil.copyfile(setup.folder / TEMPLATE, folder / "spool.img")
        plug_s = chance.choice(PLUG_S)
        source = {"kind": "simulated", "seed": chance.randrange(1 << 16), "plug_s": plug_s,
                  "unplug_s": plug_s + STAY_S}
        settings = configuration(folder, self.clock, timeline.SCENARIO_UTC_MS, source,
                                 (HOST, self.front.port), device)
        self.agents.append(AgentProcess(setup.interpreter, setup.firmware, setup.checkout, folder,
                                        settings, PROGRAMS / setup.program))

    async def _start_sink(self):
        setup, port = self.setup, self._broker.port
        if setup.sink_bytes_per_s:
            self._sink_gate = Gate((HOST, port), Settings(bytes_per_s=setup.sink_bytes_per_s))
            await self._sink_gate.start()
            port = self._sink_gate.port
        path = setup.folder / "sink.db"
        command = [sys.executable, "-m", "tidegate_tools.cli", "sink", "run", "--db", str(path),
                   "--host", HOST, "--port", str(port)]
        self._sink = Child("the sink", command, setup.folder / "sink.log",
                           {"PYTHONPATH": PACKAGES})
        for _ in range(int(SINK_START_S_MAX / POLL_S)):
            await asyncio.sleep(POLL_S)
            self._check()
            if any(line.startswith("receiving") for line in self._sink.tail()):
                self.archive = Archive(path)
                return
        raise ProcessError("the sink does not reach the broker %s: %s"
                           % (setup.broker, " | ".join(self._sink.tail())))

    async def play(self, steps):
        """One step after the other, each to its end or its limit. Result: the record."""
        for step in steps:
            if step.front is not None:
                await self._set_front(step.front)
            self.record.begins.append((step.name, self.now_s()))
            limit_s = self.now_s() + step.limit_s
            while self.now_s() < limit_s:
                sample = self._look()
                self._note(step.name, sample)
                if step.is_over(self.setup, sample):
                    break
                await asyncio.sleep(SAMPLE_S)
            else:
                if step.is_awaited:
                    self.record.late_step = step.name
                    break
        self.record.births = [(device, self.at_s(ms)) for device, ms in self.archive.births()]
        self.record.refused = self._refused()
        return self.record

    async def end(self):
        """The agents end in order. Errors: ProcessError where one does not."""
        await asyncio.gather(*(agent.end(b"\n") for agent in self.agents))
        await asyncio.sleep(LAST_WORDS_S)

    async def clear(self):
        """However it went, nothing is left running."""
        for agent in self.agents:
            agent.kill()
        for gate in (self.front if self._is_listening else None, self._sink_gate):
            if gate is not None:
                await gate.stop()
        if self._sink is not None:
            await self._sink.end(SINK_START_S_MAX)
        self._broker.kill()

    def now_s(self):
        """Seconds since the start."""
        return time.time() - self._zero_s

    def at_s(self, wall_ms):
        """The same of a moment of the host's clock."""
        return wall_ms / 1_000 - self._zero_s

    async def _set_front(self, settings):
        """A front that is `closed` is a port nobody listens on: the system refuses. One that is
        `down` takes and resets. Both end the sessions that stand."""
        is_open = settings.mode != "closed"
        if self._is_listening and not is_open:
            await self.front.stop()
        self.front.settings.__dict__.update(vars(settings))
        if settings.mode == "down":
            self.front.cut()
        if is_open and not self._is_listening:
            await self.front.start()
        self._is_listening = is_open

    def _look(self):
        self._check()
        sample = Sample(self.now_s(), *self.archive.pulse(), self.front.waiting_count,
                        self.front.counts["attempts"])
        self.record.samples.append(sample)
        return sample

    def _check(self):
        self._broker.check()
        if self._sink.status() is not None:
            raise ProcessError(self._sink.death())
        for agent in self.agents:
            agent.check()

    def _refused(self):
        """When attempts met nobody: only the devices know of those."""
        found = []
        anchors = self.archive.anchors()
        for number, agent in enumerate(self.agents):
            device = self.setup.device(number)
            known = [boot for name, boot in anchors if name == device]
            if not known:
                continue
            zero_ms = anchors[device, max(known)]
            for line in agent.log_path.read_text(errors="replace").splitlines():
                if " attempt failed " in line and "cause=connection-refused" in line:
                    wall_ms = self.clock.wall_of(zero_ms + int(line.split(" ", 1)[0]))
                    found.append(self.at_s(wall_ms))
        return sorted(found)
