"""An MQTT broker as a child process on loopback, for the demo and for tests."""

import asyncio
import random
import shutil
import socket
import sys
from pathlib import Path

from tidegate_tools.errors import ProcessError, ToolError
from tidegate_tools.processes import POLL_S, Child

HOST = "127.0.0.1"
START_S_MAX = 10.0
PORT_TRIES = 5
# Below the range from which systems draw the local ports of outgoing connections: a port of that
# range could be taken by any client, even one that retries this very port, while the broker is
# down.
PORTS = range(20_000, 30_000)
# Where a Python child finds this package, installed or not.
PACKAGES = str(Path(__file__).resolve().parents[1])
MOSQUITTO_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
MOSQUITTO_SETTINGS = """\
listener {port} {host}
allow_anonymous true
persistence false
set_tcp_nodelay true
max_queued_messages 0
max_inflight_messages 0
log_dest stdout
log_type error
"""


def free_port():
    """A port of loopback that nobody listens on now, outside the ephemeral range."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            # As a broker binds: a port whose old connections linger is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise ToolError("no free port between %d and %d" % (PORTS.start, PORTS.stop))


def find_mosquitto():
    """Path of the mosquitto binary, or None."""
    return shutil.which("mosquitto") or shutil.which(
        "mosquitto", path=":".join(MOSQUITTO_FOLDERS))


def amqtt_command(port, _folder, _more):
    return [sys.executable, "-m", "tidegate_tools.amqtt_broker", str(port)]


def mosquitto_command(port, folder, more):
    binary = find_mosquitto()
    if binary is None:
        raise ToolError("mosquitto is not installed: install it, or use the broker amqtt")
    settings = Path(folder) / "mosquitto.conf"
    settings.write_text(MOSQUITTO_SETTINGS.format(port=port, host=HOST) + more)
    return [binary, "-c", str(settings)]


BROKERS = {"amqtt": amqtt_command, "mosquitto": mosquitto_command}


def check_broker(name):
    """Errors: ToolError where the name is unknown or the broker is not installed."""
    if name not in BROKERS:
        raise ToolError("unknown broker %r: known are %s" % (name, ", ".join(sorted(BROKERS))))
    if name == "mosquitto" and find_mosquitto() is None:
        raise ToolError("mosquitto is not installed: install it, or use the broker amqtt")


class Broker:
    """One broker, by name, with its files in `folder`; `port` is chosen at the first start.

    Argument: more, lines for mosquitto's configuration. Errors: ToolError as `check_broker`.
    """

    def __init__(self, name, folder, more=""):
        check_broker(name)
        self.name = name
        self.port = None
        self._folder = Path(folder)
        self._more = more
        self._child = None

    @property
    def pid(self):
        return self._child.pid if self._child else None

    async def start(self):
        """Starts it and waits until it accepts; again on the same port after `kill`.

        Errors: ProcessError, with the last lines of the broker, where it does not come up.
        """
        if self.port is not None:
            return await self._start(self.port)
        for tries_left in reversed(range(PORT_TRIES)):
            port = free_port()
            try:
                await self._start(port)
            except ProcessError:
                if not tries_left:
                    raise
            else:
                self.port = port
                return None

    async def _start(self, port):
        command = BROKERS[self.name](port, self._folder, self._more)
        self._child = Child("the broker " + self.name, command, self._folder / "broker.log",
                            {"PYTHONPATH": PACKAGES})
        for _ in range(int(START_S_MAX / POLL_S)):
            await asyncio.sleep(POLL_S)
            self.check()
            if _accepts(port):
                return
        self.kill()
        raise ProcessError("the broker %s does not accept connections on port %d; its log is %s"
                           % (self.name, port, self._child.log_path))

    def check(self):
        """Errors: ProcessError where it ended by itself."""
        if self._child is not None and self._child.status() is not None:
            raise ProcessError(self._child.death())

    def kill(self):
        """SIGKILL, as a power cut would; reaped at once."""
        if self._child is not None:
            self._child.kill()


def _accepts(port):
    try:
        socket.create_connection((HOST, port), timeout=0.2).close()
    except OSError:
        return False
    return True
