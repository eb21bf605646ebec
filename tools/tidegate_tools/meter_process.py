"""The simulated meter as a process at the other end of an agent's serial line."""

import asyncio
import sys
from pathlib import Path

from tidegate_tools.broker import PACKAGES
from tidegate_tools.errors import ProcessError
from tidegate_tools.processes import Child

POLL_S = 0.02
START_S_MAX = 10.0


class MeterProcess:
    """`tidegate meter`, started and ended.

    Arguments: folder, for its files; source, with seed, plug_s and unplug_s; clock, of the
    agent; elapsed_s, the scenario's second at the clock's wall_ms; noise, of the line.
    """

    def __init__(self, folder, source, clock, elapsed_s, noise=0.0):
        self._folder = Path(folder)
        self.line_path = self._folder / "meter.tty"
        self.log_path = self._folder / "meter.jsonl"
        self._arguments = [
            "--link", self.line_path, "--log", self.log_path, "--seed", source["seed"],
            "--plug-s", source["plug_s"], "--unplug-s", source["unplug_s"], "--speed", clock.speed,
            "--from-s", elapsed_s, "--wall-ms", clock.wall_ms, "--noise", noise,
            "--until-input-ends"]
        self._child = None

    async def start(self):
        """Result: the agent's source, once the line is there. Errors: ProcessError."""
        command = [sys.executable, "-m", "tidegate_tools.cli", "meter", *self._arguments]
        self._child = Child("the meter", list(map(str, command)), self._folder / "meter.log",
                            {"PYTHONPATH": PACKAGES})
        for _ in range(int(START_S_MAX / POLL_S)):
            if self.line_path.exists():
                return {"kind": "serial_meter", "path": str(self.line_path)}
            self.check()
            await asyncio.sleep(POLL_S)
        self.kill()
        raise ProcessError("the meter makes no line; its log is %s" % self._child.log_path)

    def check(self):
        """Errors: ProcessError where it ended by itself."""
        if self._child.status() is not None:
            raise ProcessError(self._child.death())

    def kill(self):
        """End it, at once; its line is gone."""
        if self._child is not None:
            self._child.kill()
            self.line_path.unlink(missing_ok=True)
