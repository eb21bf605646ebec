"""The agent as a process on boards/posix: its configuration, its command, its life."""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tidegate_tools.errors import ProcessError
from tidegate_tools.processes import Child

HEAP = "768K"
FLASH_BYTES = 1_048_576
KEEP_ALIVE_S = 60
ORDERLY_END_S = 25.0
# Of an agent that was asked to end by a word.
RESTART_STATUS = 75
DEVICE = "tg-000001"


@dataclass(frozen=True)
class Clock:
    """The agent's time: at host time `wall_ms` it is `utc_ms`, and runs `speed` times as fast."""

    speed: int
    wall_ms: int
    utc_ms: int

    def wall_of(self, utc_ms):
        """The host time in ms at which the agent's clock shows `utc_ms`."""
        return self.wall_ms + (utc_ms - self.utc_ms) / self.speed


def configuration(folder, clock, scenario_utc_ms, source, broker, device=DEVICE):
    """The content of the agent's configuration file.

    Arguments: folder, where its files lie; clock; scenario_utc_ms; source, the member of that
    name; broker, (host, port); device, its id.
    """
    folder = Path(folder)
    return {
        "board": {
            "flash_path": str(folder / "spool.img"),
            "flash_bytes": FLASH_BYTES,
            "clock": {"speed": clock.speed, "wall_ms": clock.wall_ms, "utc_ms": clock.utc_ms},
            "scenario_utc_ms": scenario_utc_ms,
            "source": source,
            "journal_path": str(folder / "journal.jsonl"),
        },
        "agent": {
            "device_id": device, "host": broker[0], "port": broker[1], "username": "",
            "password": "", "confirm": "echo", "keep_alive_s": KEEP_ALIVE_S,
        },
    }


class AgentProcess:
    """The agent, started and killed as often as wanted on the same flash image.

    Arguments: interpreter, path; firmware, the folder of main.py; checkout, for the board and
    the libraries; folder, which holds its files; settings, of `configuration`; program, what to
    start in the place of main.py. Members: command and environment, of the process.
    """

    def __init__(self, interpreter, firmware, checkout, folder, settings, program=None):
        self.folder = Path(folder)
        self.image_path = self.folder / "spool.img"
        self.journal_path = self.folder / "journal.jsonl"
        self._settings_path = self.folder / "agent.json"
        self._settings_path.write_text(json.dumps(settings, indent=1) + "\n")
        self.log_path = self.folder / "agent.log"
        self.command = [str(interpreter), "-X", "heapsize=" + HEAP,
                         str(program or firmware / "main.py"), str(self._settings_path)]
        path = os.pathsep.join(map(str, (checkout.board, firmware, checkout.libraries)))
        self.environment = {"MICROPYPATH": path, "PYTHONPATH": path}
        self._child = None
        self.start_count = 0

    @property
    def pid(self):
        return self._child.pid if self._child else None

    def start(self):
        """Errors: ProcessError where the interpreter cannot be run."""
        self._child = Child("the agent", self.command, self.log_path, self.environment)
        self.start_count += 1

    def running(self):
        """Whether it has been started and has not ended."""
        return self._child is not None and self._child.status() is None

    def check(self):
        """Errors: ProcessError, with its last lines, where it ended by itself."""
        if self._child is not None and self._child.status() is not None:
            raise ProcessError(self._child.death())

    def say(self, data):
        """Write to its terminal."""
        self._child.say(data)

    def kill(self):
        """SIGKILL, as a power cut would; reaped at once."""
        if self._child is not None:
            self._child.kill()

    async def end(self, word=b""):
        """SIGINT, or a word on its terminal, and the wait for its orderly end.

        Errors: ProcessError where it is not one.
        """
        status = await self._child.end(ORDERLY_END_S, word)
        if status == -signal.SIGKILL:
            raise ProcessError("the agent did not end within %d s of its interrupt; its log is %s"
                               % (ORDERLY_END_S, self._child.log_path))
        if status != (RESTART_STATUS if word else 0):
            raise ProcessError(self._child.death())
