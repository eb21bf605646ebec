"""A device in its simulated world, and whoever types on its console."""

from agent_world import DEVICE, AgentWorld
from tidegate_tools.console_pin import hashed

from tidegate.config import schema

PIN = "2468"
# Few rounds, and a salt that does not change: quick, and the same in each run.
HASH = hashed(PIN, bytes(16), 1_000)
PROMPT, OPEN_PROMPT = DEVICE + "> ", DEVICE + "# "


class ConsoleWorld(AgentWorld):
    """As its base, with a PIN, and a console that is typed on."""

    def __init__(self, seed=31, block_count=64):
        super().__init__(seed, block_count=block_count)
        self.configuration = schema.check(
            {"device_id": DEVICE, "host": "sea", "console_pin": HASH})
        self.boot()

    def type(self, data, run_ms=100, waits=True):
        """What is shown in answer to bytes or a text, while that long passes and, where `waits`,
        until all is answered."""
        terminal = self.ports.terminal
        terminal.lines.clear()
        terminal.typed += data if isinstance(data, bytes) else data.encode()
        end_ms = self.now_ms + run_ms
        while self.now_ms < end_ms or waits and (
                terminal.typed or not self.agent.console.output.is_empty()):
            self.run(10)
        return self.shown()

    def shown(self):
        """All that was written since the last `type`."""
        return "".join(self.ports.terminal.lines)

    def ask(self, line):
        """The lines of the reply to one command, without events."""
        text = self.type(line + "\r")
        assert line + "\n" in text, text
        body, prompt = text.split(line + "\n", 1)[1].rsplit("\n", 1)
        assert prompt in (PROMPT, OPEN_PROMPT, "PIN: ") or prompt.startswith("to go on"), text
        return [each for each in body.split("\n") if not each.startswith("* ")]

    def unlock(self, pin=PIN):
        """The lines of the reply to a PIN."""
        assert self.type("unlock\r").endswith("PIN: ")
        text = self.type(pin + "\r")
        assert pin not in text
        return [line for line in text.split("\n") if line][:-1]
