"""The agent on the real MicroPython, listening to a meter over a real pseudo-terminal."""

import asyncio
import json
import time

import pytest
from conftest import INTERPRETER

from tidegate_tools import agent_process, journal
from tidegate_tools.meter_process import MeterProcess
from tidegate_tools.paths import find_checkout

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
SPEED = 40
UTC_MS = 1_768_509_600_000
PATIENCE_S = 30
CHARGER = {"seed": 3, "plug_s": 20, "unplug_s": 600}


class Bench:
    """An agent, a meter on its line, and no broker: port `port` is nobody's."""

    def __init__(self, folder, port):
        clock = agent_process.Clock(SPEED, time.time_ns() // 1_000_000, UTC_MS)
        self._settings = (folder, clock, UTC_MS), ("127.0.0.1", port)
        self.folder = folder
        self.meter = MeterProcess(folder, CHARGER, clock, 0)
        self.agent = None

    async def start(self):
        source = await self.meter.start()
        most, broker = self._settings
        checkout = find_checkout()
        self.agent = agent_process.AgentProcess(
            INTERPRETER, checkout.firmware, checkout, self.folder,
            agent_process.configuration(*most, source, broker))
        self.agent.start()

    def turns(self, boot):
        """What the agent heard in that boot, turn by turn."""
        path = self.agent.journal_path
        content = path.read_bytes() if path.exists() else b""
        return [turn.samples for turn in journal.parse(content).turns if turn.boot == boot]

    async def until(self, condition):
        for _ in range(PATIENCE_S * 20):
            if condition():
                return
            self.agent.check()
            await asyncio.sleep(0.05)
        raise AssertionError(self.agent.log_path.read_text()[-2_000:])

    def stop(self):
        if self.agent is not None:
            self.agent.kill()
        self.meter.kill()


def is_a_run_of(heard, said):
    """Whether the values heard are a piece of those said, without a hole."""
    return heard and any(said[at:at + len(heard)] == heard
                         for at in range(len(said) - len(heard) + 1))


def test_an_agent_hears_every_second_through_its_own_death_and_outlives_its_meter(
    tmp_path, free_port
):
    bench = Bench(tmp_path, free_port)

    async def scene():
        await bench.start()
        await bench.until(lambda: len(bench.turns(1)) > 45)
        bench.agent.kill()
        bench.agent.start()
        await bench.until(lambda: len(bench.turns(2)) > 30)
        bench.meter.kill()
        await bench.until(lambda: "meter: silent count=1" in bench.agent.log_path.read_text())
        await bench.agent.end()

    try:
        asyncio.run(scene())
    finally:
        bench.stop()
    said = [dict(json.loads(line)["said"])
            for line in bench.meter.log_path.read_text().splitlines()]
    for boot in (1, 2):
        for each in (501, 508, 513, 820):
            heard = [value for samples in bench.turns(boot) for name, value in samples
                     if name == each]
            assert len(heard) > 25
            assert is_a_run_of(heard, [second[each] for second in said]), (boot, each)
    log = bench.agent.log_path.read_text()
    assert "WARNING meter: lost" not in log and "damaged" not in log, log
