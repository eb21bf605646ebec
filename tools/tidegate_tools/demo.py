"""The demo: an agent, a broker and a sink through a cut and a kill, and then the ledger."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone

from tidegate_tools import account, display, ledger, shell, timeline
from tidegate_tools.agent_process import DEVICE, AgentProcess, Clock, configuration
from tidegate_tools.broker import HOST, Broker
from tidegate_tools.errors import ProcessError
from tidegate_tools.meter_process import MeterProcess
from tidegate_tools.quantities import load_catalogue, load_quantities
from tidegate_tools.queries import Archive
from tidegate_tools.sink import Link, Sink
from tidegate_tools.store import Store
from tidegate_tools.watch import Watch

TICK_S = 0.05
SHOW_S = 0.2
SETTLE_S = 0.5
CONNECT_S_MAX = 10.0
SINK_RETRY_S_MAX = 0.1
# The last echoes and messages of an orderly end are on their way for a moment.
LAST_WORDS_S = 0.3


@dataclass
class Outcome:
    """What a demo ends with; `interpreter` and `sessions` are the device's and the sink's word."""

    ledger: ledger.Ledger
    interpreter: str
    board: str
    sessions: int
    wall_s: float


class Demo:
    """One run. Arguments: setup, checked; screen, a display that has been entered."""

    def __init__(self, setup, screen):
        self._setup = setup
        self._plan = setup.plan
        self._screen = screen
        self._quantities = load_quantities()
        self._catalogue = load_catalogue(DEVICE)
        self._broker = Broker(setup.broker, setup.folder)
        self._store = Store(setup.folder / "sink.db")
        self._sink_log = (setup.folder / "sink.log").open("w")
        self._sink = None
        self._sink_task = None
        self._agent = None
        self._meter = None
        self._watch = None
        self._clock = None
        self._is_broker_up = False
        self._started_s = 0.0

    async def run(self):
        """The whole script. Result: Outcome.

        Errors: ToolError where a part fails; however it ends, no process is left behind.
        """
        try:
            await self._start()
            await self._play()
            await self._settle()
            await self._agent.end()
            wall_s = self._wall_s()
            await asyncio.sleep(LAST_WORDS_S)
        finally:
            await self._clear()
        return self._account(wall_s)

    async def _start(self):
        await self._broker.start()
        self._is_broker_up = True
        self._sink = Sink(self._store, Link(HOST, self._broker.port,
                                            retry_s_max=SINK_RETRY_S_MAX), self._note)
        self._sink_task = asyncio.ensure_future(self._sink.run())
        await self._await_sink()
        plan = self._plan
        self._clock = Clock(plan.speed, time.time_ns() // 1_000_000,
                            timeline.SCENARIO_UTC_MS + plan.elapsed_s * 1_000)
        source = self._setup.source
        if source["kind"] == "serial_meter":
            self._meter = MeterProcess(self._setup.folder, source, self._clock, plan.elapsed_s,
                                       self._setup.noise)
            source = await self._meter.start()
        self._agent = AgentProcess(
            self._setup.interpreter, self._setup.firmware, self._setup.checkout,
            self._setup.folder,
            configuration(self._setup.folder, self._clock, timeline.SCENARIO_UTC_MS,
                          source, (HOST, self._broker.port)))
        self._watch = Watch(
            self._agent.journal_path, self._store, self._quantities, self._catalogue)
        self._started_s = time.monotonic()
        self._agent.start()

    async def _await_sink(self):
        connected = asyncio.ensure_future(self._sink.connected.wait())
        await asyncio.wait((connected, self._sink_task), timeout=CONNECT_S_MAX,
                           return_when=asyncio.FIRST_COMPLETED)
        connected.cancel()
        self._check()
        if not self._sink.connected.is_set():
            raise ProcessError("the sink does not reach the broker %s" % self._broker.name)

    def _note(self, text):
        self._sink_log.write(text + "\n")
        self._sink_log.flush()

    def _wall_s(self):
        return time.monotonic() - self._started_s

    async def _play(self):
        due = list(self._plan.phases)
        pace = display.Pace(SHOW_S)
        phase = due[0]
        while self._wall_s() < self._plan.end_s:
            while due and due[0].at_s <= self._wall_s():
                phase = due.pop(0)
                self._show(phase.text)
                await self._act(phase.action)
            self._check()
            if pace.is_due():
                self._show(phase.text)
            await asyncio.sleep(TICK_S)

    async def _act(self, action):
        if action == "cut":
            self._is_broker_up = False
            self._broker.kill()
        elif action == "kill":
            self._agent.kill()
            self._agent.start()
        elif action == "back":
            await self._broker.start()
            self._is_broker_up = True

    async def _settle(self):
        """Waits until no delivery is to come that matters, at most until the plan's limit."""
        pace = display.Pace(SETTLE_S)
        while self._wall_s() < self._plan.limit_s:
            self._check()
            self._show("waiting for the last delivery")
            if pace.is_due() and await asyncio.to_thread(self._is_final):
                return
            await asyncio.sleep(TICK_S)

    def _is_final(self):
        return account.is_final(self._store.path, self._agent.journal_path, self._catalogue)

    def _check(self):
        if self._is_broker_up:
            self._broker.check()
        for process in (self._agent, self._meter):
            if process is not None:
                process.check()
        if self._sink_task.done():
            self._sink_task.result()

    def _show(self, phase):
        wall_s = self._wall_s()
        utc_s = timeline.SCENARIO_UTC_MS // 1_000 + self._plan.scenario_s(wall_s)
        now = self._watch.look()
        now.wall_s = wall_s
        now.end_s = self._plan.end_s
        now.phase = phase
        now.scenario_utc = datetime.fromtimestamp(utc_s, timezone.utc).strftime("%H:%M:%S UTC")
        now.broker = "up" if self._is_broker_up else "down"
        now.agent = "%s, boot %d, process %d" % (
            now.agent, self._agent.start_count, self._agent.pid or 0)
        self._screen.show(now)

    async def _clear(self):
        for process in (self._agent, self._meter):
            if process is not None:
                process.kill()
        if self._sink_task is not None:
            with suppress(asyncio.CancelledError):
                await shell.end(self._sink_task)
        self._broker.kill()
        self._store.close()
        self._sink_log.close()
        if self._watch is not None:
            self._watch.close()

    def _account(self, wall_s):
        archive = Archive(self._store.path)
        whole, rows = account.settle(archive, self._agent, self._catalogue)
        sessions = 0
        backlogs = [self._watch.backlog_count_max]
        for stream in archive.report():
            backlogs.append(stream.lag_count_max)
            sessions = max(sessions, stream.sessions)
        whole.backlog_count_max = max(backlogs)
        whole.live_delay_ms_max = live_delay_ms(rows["telemetry"], self._clock)
        device = archive.devices().get(DEVICE)
        archive.close()
        return Outcome(whole, device.interpreter if device else "never heard of",
                       device.board if device else "-", sessions, wall_s)


def live_delay_ms(rows, clock):
    """The longest way of what the live cursor sent, in ms of the wall; None where none is dated.

    Arguments: rows, stored rows by store id; clock, of the agent.
    """
    delays = [row.received_ms - clock.wall_of(row.utc_ms)
              for each in rows.values() for row in each
              if not row.historical and row.utc_ms is not None]
    return max(0, round(max(delays))) if delays else None
