"""A device to try the console on: an agent on a pseudo-terminal, with a broker and a sink."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time

from tidegate_tools import console_pin
from tidegate_tools.agent_process import AgentProcess, Clock, configuration
from tidegate_tools.broker import HOST, PACKAGES, Broker
from tidegate_tools.console_port import PtyPort
from tidegate_tools.demo_setup import find_interpreter, make_folder
from tidegate_tools.paths import find_checkout
from tidegate_tools.processes import Child

PIN = "1234"
_END_S = 5.0
_SEED, _PLUG_S, _UNPLUG_S = 1, 20, 3_600


class ConsoleDemo:
    """Everything runs once it is made; `close` ends it. `port` is the device's console.

    Arguments: broker, its kind, None for a device that reaches none; interpreter, a path or None.
    Errors: ToolError.
    """

    def __init__(self, broker="amqtt", interpreter=None):
        checkout = find_checkout()
        self._folder = make_folder(None)
        self._broker = self._sink = self._process = None
        try:
            port = 1
            if broker is not None:
                port = self._serve(broker)
            clock = Clock(1, time.time_ns() // 1_000_000, time.time_ns() // 1_000_000)
            source = {"kind": "simulated", "seed": _SEED, "plug_s": _PLUG_S,
                      "unplug_s": _UNPLUG_S}
            settings = configuration(self._folder, clock, clock.utc_ms, source, (HOST, port))
            settings["agent"]["console_pin"] = console_pin.hashed(PIN)
            agent = AgentProcess(find_interpreter(interpreter, checkout), checkout.firmware,
                                 checkout, self._folder, settings)
            self._start(agent)
        except BaseException:
            self.close()
            raise

    def _serve(self, kind):
        self._broker = Broker(kind, self._folder)
        asyncio.run(self._broker.start())
        self._sink = Child("the sink", [
            sys.executable, "-m", "tidegate_tools.cli", "sink", "run", "--host", HOST, "--port",
            str(self._broker.port), "--db", str(self._folder / "sink.db")],
            self._folder / "sink.log", {"PYTHONPATH": PACKAGES})
        return self._broker.port

    def _start(self, agent):
        ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            agent.command, env={**os.environ, **agent.environment}, stdin=theirs, stdout=theirs,
            stderr=subprocess.STDOUT, start_new_session=True)
        os.close(theirs)
        self.port = PtyPort(ours)

    @property
    def sink_path(self):
        """The sink's database."""
        return self._folder / "sink.db"

    def close(self):
        """End all processes, remove all files."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self.port.close()
        if self._sink is not None:
            self._sink.kill()
        if self._broker is not None:
            self._broker.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
