"""A board on fakes of its chip, as its factory file makes it, and a technician on its console."""

import errno
import json
import sys
import time

import fake_boards
import fake_chips
from tidegate_tools.console_pin import hashed

from tidegate.limits import BLOCK_BYTES
from tidegate_tools import boards

DEVICE, PIN = "tg-000001", "2468"
AGENT = {"device_id": DEVICE, "host": "192.0.2.7",
         "console_pin": hashed(PIN, bytes(16), 1_000)}


class Line:
    """What stands at the other end of the terminal."""

    def __init__(self):
        self.typed = bytearray()
        self.shown = ""

    def read_into(self, buffer):
        count = min(len(self.typed), len(buffer))
        buffer[:count] = self.typed[:count]
        del self.typed[:count]
        return count

    def write(self, data):
        self.shown += bytes(data).decode()
        return len(data)


def assembled(board, tmp_path, monkeypatch, factory, agent=None, line=None, ticks_ms=lambda: 5):
    """(ports, agent) of a board on fakes of its chip.

    Arguments: factory, its settings, None for no file; agent, its configuration; line, a Line,
    None to print what is written.
    """
    monkeypatch.setattr(time, "ticks_ms", ticks_ms, raising=False)
    blocks = board.regions["spool"].size // BLOCK_BYTES
    if board.facts["port"] == "esp32":
        fake_chips.esp32_port(blocks)
    else:
        fake_chips.rp2_port(board.regions["storage"].size // BLOCK_BYTES)
    monkeypatch.setattr(fake_boards.Station, "air", {"home": "secret"})
    import tidegate.hal.chip as chip
    from tidegate import assembly
    from tidegate.hal import files

    path = tmp_path / "factory.json"
    if factory is not None:
        path.write_text(json.dumps({
            "board": factory, "agent": agent or {"device_id": DEVICE, "host": "192.0.2.7"}}))
    monkeypatch.setattr(assembly, "FACTORY_PATH", str(path))
    monkeypatch.setattr(files, "KEEP_PREFIX", f"{tmp_path}/keep.")
    monkeypatch.setattr(chip.ChipTerminal, "__init__", lambda self, flag: None)
    monkeypatch.setattr(chip.ChipTerminal, "read_into",
                        lambda self, buffer: line.read_into(buffer) if line else 0)
    monkeypatch.setattr(chip.ChipTerminal, "write", lambda self, data: line.write(data) if line
                        else print(bytes(data).decode(), end="") or len(data))
    monkeypatch.syspath_prepend(str(board.folder))
    monkeypatch.delitem(sys.modules, "board", raising=False)
    import board as module

    try:
        agent, ports = module.build([])
        return ports, agent
    finally:
        del sys.modules["board"]
        fake_chips.remove()


def _refused(address):
    raise OSError(errno.ECONNREFUSED)


class BoardWorld:
    """A board that is started, typed on and started again, in a time of its own.

    Arguments: name, of the board; fixtures tmp_path and monkeypatch; factory, its settings;
    air, {name: password} of networks around it. No server listens.
    Member: said, all that was written on its terminal in answer to a line.
    """

    def __init__(self, name, tmp_path, monkeypatch, factory, air):
        self._made_of = (boards.load(name), tmp_path, monkeypatch, factory)
        self.now_ms = 5
        self.said, self.air = "", air
        self.boot()

    def boot(self):
        """Start the device, for the first time or again; its flash is as new."""
        self.line = Line()
        self.ports, self.agent = assembled(*self._made_of, AGENT, self.line, lambda: self.now_ms)
        fake_boards.Station.air.update(self.air)
        self.station = fake_boards.Station.made
        self.wifi = self.ports.network.wifi
        self._made_of[2].setattr(self.ports.network, "open", _refused)

    def run(self, run_ms):
        """Let time pass, half a second a turn."""
        for _ in range(0, run_ms, 500):
            self.agent.step(self.now_ms)
            self.station.answer()
            self.now_ms += 500

    def type(self, text):
        """What is shown in answer to a line."""
        self.line.shown = ""
        self.line.typed += text.encode() + b"\r"
        for _ in range(400):
            self.agent.step(self.now_ms)
            self.now_ms += 1
            console = self.agent.console
            if not self.line.typed and console.output.is_empty() \
                    and not console.guard.is_checking():
                break
        self.said += self.line.shown
        return self.line.shown

    def result(self, text):
        """The result of a command with --json, or its error."""
        [line] = [each for each in self.type(text + " --json").splitlines() if each[:1] == "{"]
        reply = json.loads(line)
        return reply["result"] if reply["ok"] else reply["error"]

    def join(self, name, password):
        """What is shown in answer to a network and its password."""
        assert self.type("wifi join " + name).endswith("Enter for none: ")
        return self.type(password)

    def unlock(self):
        self.type("unlock")
        assert "tech" in self.type(PIN)
