"""An agent on the real MicroPython behind a scripted bad peer, a real broker and a real sink."""

import asyncio
import json
import time
from pathlib import Path

from conftest import INTERPRETER

from tidegate_tools import account, shell
from tidegate_tools.agent_process import DEVICE, AgentProcess, Clock, configuration
from tidegate_tools.broker import HOST, Broker
from tidegate_tools.certificates import Authority
from tidegate_tools.paths import find_checkout
from tidegate_tools.peers import NameServer, Peer
from tidegate_tools.quantities import load_catalogue
from tidegate_tools.queries import Archive
from tidegate_tools.sink import Link, Sink
from tidegate_tools.store import Store

NAME = "sea.example"
UTC_MS = 1_768_509_600_000
PROBE = Path(__file__).parent / "micropython" / "probe_main.py"
POLL_S = 0.02
POKE_S = 0.4
DRAIN_S, ECHO_S = 1.5, 0.3
START_COUNT_MAX = 15
# What an orderly end may leave to the next start is not lost; all else is.
LOST = ("missing", "changed", "unexpected", "misplaced", "holes", "conflicts")


class PeerWorld:
    """Everything in `folder`; the agent's time runs `speed` times as fast as the wall's."""

    def __init__(self, folder, speed, is_tls=False, broker="amqtt"):
        self.folder, self.speed = Path(folder), speed
        self.broker = Broker(broker, folder)
        self.authority = Authority(folder, NAME) if is_tls else None
        self.store = Store(self.folder / "sink.db")
        self.agent = self.peer = self.names = self._task = None
        self._at = 0

    async def start(self):
        await self.broker.start()
        sink = Sink(self.store, Link(HOST, self.broker.port, retry_s_max=0.1))
        self._task = asyncio.ensure_future(sink.run())
        await asyncio.wait_for(sink.connected.wait(), 10)
        self.peer = Peer((HOST, self.broker.port), 0, self.authority, 1 / self.speed)
        await self.peer.behave()
        self.names = NameServer(self.peer)
        await self.names.start()
        self._start_agent()

    def _settings(self):
        clock = Clock(self.speed, time.time_ns() // 1_000_000, UTC_MS)
        source = {"kind": "simulated", "seed": 1, "plug_s": 60, "unplug_s": 70_000}
        settings = configuration(self.folder, clock, UTC_MS, source, (NAME, self.peer.port))
        settings["board"]["name_servers"] = [[HOST, self.names.port]]
        settings["agent"]["keep_alive_s"] = 60
        if self.authority is not None:
            settings["agent"].update(tls="on", tls_ca=self.authority.ca_path)
        return settings

    def _start_agent(self):
        checkout = find_checkout()
        settings = self._settings()
        self.agent = AgentProcess(INTERPRETER, checkout.firmware, checkout, self.folder, settings,
                                  PROBE)
        self.agent.start()

    async def stop(self):
        if self.agent is not None:
            self.agent.kill()
        if self._task is not None:
            await shell.end(self._task)
        if self.peer is not None:
            await self.peer.stop()
        if self.names is not None:
            self.names.stop()
        self.broker.kill()
        self.store.close()

    def mark(self):
        """What the agent says from here on is looked at."""
        self._at = self.agent.log_path.stat().st_size

    def said(self):
        return self.agent.log_path.read_bytes()[self._at :].decode(errors="replace")

    async def hear(self, words, patience_s, pokes=False):
        """Wait until the agent has said one of these, joined by " or "; with `pokes` a driver
        ends each of its waits."""
        choices = words.split(" or ")
        end_s = time.monotonic() + patience_s
        poke_s = time.monotonic()
        while not any(each in self.said() for each in choices):
            self.agent.check()
            now_s = time.monotonic()
            assert now_s < end_s, f"never said {words!r}, but:\n{self.said()[-1_500:]}"
            if pokes and now_s >= poke_s:
                poke_s = now_s + POKE_S
                self.agent.say(b"d")
            await asyncio.sleep(POLL_S)

    async def report(self):
        """What the probe has measured since the last report."""
        self.mark()
        self.agent.say(b"r")
        await self.hear('"heap"', 5)
        await self.hear("}", 5)
        line = next(line for line in self.said().splitlines() if '"heap"' in line)
        return json.loads(line)

    async def round(self, name, cause, patience_s, rest_s=0):
        """The peer is bad until the cause is named, then good until a session stands, and for
        `rest_s`: after a minute of it the agent forgets and is no more patient than at first."""
        self.mark()
        await self.peer.play(name)
        if cause:
            words = " or ".join("=" + each.replace(" ", "-") for each in cause.split(" or "))
            await self.hear(words, patience_s, pokes=True)
        else:
            await self.hear("session up", patience_s, pokes=True)
            await asyncio.sleep(1)
            assert "session lost" not in self.said().split("session up")[1], self.said()
        self.mark()
        await self.peer.behave()
        await self.hear("session up", patience_s, pokes=True)
        await asyncio.sleep(rest_s)
        return await self.report()

    async def settle(self):
        """Drain, then end in order. Result: the ledger.

        Rounds of hours leave a backlog that no orderly end has the time for: then the agent is
        started again to deliver it.
        """
        catalogue = load_catalogue(DEVICE)
        for _ in range(START_COUNT_MAX):
            await asyncio.sleep(DRAIN_S)
            await self.agent.end()
            await asyncio.sleep(ECHO_S)
            if await asyncio.to_thread(account.is_final, self.store.path,
                                       self.agent.journal_path, catalogue):
                break
            self.mark()
            self.agent.start()
            await self.hear("session up", 20, pokes=True)
        else:
            raise AssertionError("deliveries are still to come")
        archive = Archive(self.store.path)
        whole, _ = account.settle(archive, self.agent, catalogue)
        archive.close()
        return whole


def lost(ledger):
    """What is wrong with the sink's books, as {name: count}."""
    found = {name: ledger.total(name) for name in LOST}
    return {name: count for name, count in found.items() if count}


def play(world, scene):
    """Run an async scene(world); whatever happens, no process is left."""

    async def whole():
        try:
            await world.start()
            return await scene(world)
        finally:
            await world.stop()

    return asyncio.run(whole())
