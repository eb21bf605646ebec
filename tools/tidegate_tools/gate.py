"""A TCP front for a real broker that plays an overloaded one: `tidegate gate`."""

import asyncio
import json
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from tidegate_tools import peer_play, shell
from tidegate_tools.peer_scripts import SCRIPTS
from tidegate_tools.peers import reset

MODES = ("refuse", "costly", "queue", "stall", "down")
CHUNK_BYTES = 16_384
LINE_COUNT_MAX = 64
WAITING_COUNT_MAX = 20_000
CONNECTION_COUNT_MAX = 20_000
app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@dataclass
class Settings:
    """How the gate behaves; every member may be changed while it runs.

    Members: mode; rate, admissions per second, 0 for no limit; burst, what the bucket holds;
    cost, admissions that a refusal costs in mode `costly`; delay_ms, added to each direction;
    bytes_per_s, of each connection and direction, 0 for no limit; is_stalled, forward nothing.
    """

    mode: str = "refuse"
    rate: float = 0.0
    burst: float = 10.0
    cost: float = 0.1
    delay_ms: int = 0
    bytes_per_s: int = 0
    is_stalled: bool = False


class Bucket:
    """Admissions that may be given now. Argument: clock(), seconds."""

    def __init__(self, settings, clock=time.monotonic):
        self._settings, self._clock = settings, clock
        self._tokens, self._at_s = settings.burst, clock()

    def take(self):
        """Take one. Result: whether there was one; where not, a refusal has been paid for."""
        settings, now_s = self._settings, self._clock()
        if settings.rate <= 0:
            return True
        self._tokens = min(settings.burst, self._tokens + (now_s - self._at_s) * settings.rate)
        self._at_s = now_s
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        if settings.mode == "costly":
            self._tokens = max(-settings.burst, self._tokens - settings.cost)
        return False


class Gate:
    """Takes connections and hands them to the broker as its settings say.

    Modes: `refuse` resets what is over the rate, `costly` too and pays for it, `queue` takes all,
    works through them in order at the rate, and works for those who left as well; `stall` takes
    all and says nothing; `down` resets all. Connections and the queue are bounded; what is over
    the bound is reset and counted.
    """

    def __init__(self, target, settings, host="127.0.0.1", port=0):
        self.settings = settings
        self._target, self._host, self.port = target, host, port
        self._bucket = Bucket(settings)
        self._queue = deque()
        self._open = set()
        self._server = self._worker = None
        self.attempts_per_s = {}
        self.counts = {"attempts": 0, "admitted": 0, "refused": 0, "abandoned": 0, "over": 0,
                       "no_broker": 0}

    @property
    def waiting_count(self):
        """Connections in the queue."""
        return len(self._queue)

    async def start(self):
        """Listen, after `stop` on the same port. `port` says where."""
        self._server = await asyncio.start_server(self._take, self._host, self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        self._worker = asyncio.ensure_future(self._work())

    async def stop(self):
        """Stop listening and cut all connections."""
        self._worker.cancel()
        self._server.close()
        self.cut()

    def cut(self):
        """Reset every connection. Result: how many."""
        writers, self._open = self._open, set()
        for waiting in self._queue:
            waiting[3].cancel()
        self._queue.clear()
        for writer in writers:
            reset(writer)
        return len(writers)

    async def _take(self, reader, writer):
        second = int(time.time())
        self.attempts_per_s[second] = self.attempts_per_s.get(second, 0) + 1
        self.counts["attempts"] += 1
        mode = self.settings.mode
        if len(self._open) >= CONNECTION_COUNT_MAX or len(self._queue) >= WAITING_COUNT_MAX:
            self.counts["over"] += 1
            reset(writer)
        elif mode == "down" or (mode in ("refuse", "costly") and not self._bucket.take()):
            self.counts["refused"] += 1
            reset(writer)
        elif mode in ("refuse", "costly"):
            await self._join(reader, writer)
        else:
            self._open.add(writer)
            early = bytearray()
            self._queue.append((reader, writer, early,
                                asyncio.ensure_future(_listen(reader, early))))

    async def _work(self):
        """The server behind the queue: one admission after the other."""
        while True:
            settings = self.settings
            if not self._queue or settings.mode == "stall":
                await asyncio.sleep(0.01)
                continue
            reader, writer, early, listening = self._queue.popleft()
            if settings.rate > 0:
                await asyncio.sleep(1 / settings.rate)
            has_left = listening.done()
            listening.cancel()
            if has_left or writer.is_closing():
                self.counts["abandoned"] += 1
                self._open.discard(writer)
                writer.close()
                continue
            asyncio.ensure_future(self._join(reader, writer, early))

    async def _join(self, reader, writer, early=b""):
        self.counts["admitted"] += 1
        self._open.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            self.counts["no_broker"] += 1
            self._open.discard(writer)
            reset(writer)
            return
        self._open.add(far_writer)
        far_writer.write(bytes(early))
        pumps = [asyncio.ensure_future(self._pump(reader, far_writer)),
                 asyncio.ensure_future(self._pump(far_reader, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for end in (writer, far_writer):
            self._open.discard(end)
            end.close()

    async def _pump(self, reader, writer):
        """A line: what is delayed does not hold up what comes behind it."""
        line = asyncio.Queue(LINE_COUNT_MAX)
        filling = asyncio.ensure_future(_fill(reader, line))
        free_s = 0.0
        try:
            while True:
                arrived_s, data = await line.get()
                if not data:
                    return
                settings = self.settings
                due_s = max(free_s, arrived_s + settings.delay_ms / 1000)
                if settings.bytes_per_s:
                    due_s += len(data) / settings.bytes_per_s
                free_s = due_s
                if due_s > time.monotonic():
                    await asyncio.sleep(due_s - time.monotonic())
                while self.settings.is_stalled:
                    await asyncio.sleep(0.05)
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            filling.cancel()


async def _fill(reader, line):
    """Put what arrives into a line, with the time of its arrival; nothing at the end."""
    try:
        data = b"begins"
        while data:
            data = await reader.read(CHUNK_BYTES)
            await line.put((time.monotonic(), data))
    except OSError:
        await line.put((time.monotonic(), b""))


async def _listen(reader, early):
    """Keep what a waiting client says. Returns when it left, or says more than one chunk."""
    try:
        while len(early) < CHUNK_BYTES:
            data = await reader.read(CHUNK_BYTES)
            if not data:
                return
            early += data
    except OSError:
        return


@app.callback(
    epilog="Example: tidegate gate --to 127.0.0.1:1883 --port 1884 --mode queue --rate 5")
def gate(
    to: Annotated[str, Option(help="host:port of the broker behind it.")] = "127.0.0.1:1883",
    host: Annotated[str, Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65_535, help="Port to listen on, 0 for any.")] = 1884,
    mode: Annotated[str, Option(help="refuse, costly, queue, stall or down.")] = "refuse",
    rate: Annotated[float, Option(
        min=0, max=100_000, help="Admissions per second, 0 for no limit.")] = 0,
    burst: Annotated[float, Option(min=1, max=100_000, help="What the bucket holds.")] = 10,
    cost: Annotated[float, Option(min=0, max=1, help="What a refusal costs.")] = 0.1,
    delay_ms: Annotated[int, Option(min=0, max=60_000, help="Delay of each direction.")] = 0,
    bytes_per_s: Annotated[int, Option(
        min=0, max=10**9, help="Throttle of each connection and direction.")] = 0,
    cut_s: Annotated[float, Option(
        min=0, max=86_400, help="Reset every connection each so many seconds.")] = 0,
    play: Annotated[str, Option(help="Play a bad peer: %s." % ", ".join(SCRIPTS))] = "",
    for_s: Annotated[float, Option(
        min=0, max=86_400, help="With --play: behave after so many seconds, 0 for never.")] = 0,
    tls_folder: Annotated[Path | None, Option(
        help="With --play: speak TLS as sea.example; ca.der is put there.")] = None,
):
    """Stand before a broker and admit so many sessions per second; a line of JSON each second."""
    name, _, number = to.rpartition(":")
    if play:
        raise typer.Exit(peer_play.run((name, number), port, play, for_s, tls_folder))
    if mode not in MODES or not name or not number.isdigit():
        shell.complain("--mode is one of %s, --to is host:port" % ", ".join(MODES))
        raise typer.Exit(shell.EXIT_USAGE)
    settings = Settings(mode, rate, burst, cost, delay_ms, bytes_per_s)
    status = 0
    try:
        shell.run(_serve(Gate((name, int(number)), settings, host, port), cut_s))
    except OSError as error:
        shell.complain("cannot listen on %s:%d: %s" % (host, port, error))
        status = shell.EXIT_FAILED
    except shell.Interrupted as interrupted:
        status = interrupted.status
    raise typer.Exit(status)


async def _serve(front, cut_s):
    await front.start()
    print(json.dumps({"listening": front.port}), flush=True)
    cut_at_s = time.monotonic() + cut_s
    try:
        while True:
            await asyncio.sleep(1)
            second = int(time.time()) - 1
            print(json.dumps(dict(front.counts, attempts_per_s=front.attempts_per_s.pop(
                second, 0))), flush=True)
            if cut_s and time.monotonic() >= cut_at_s:
                cut_at_s += cut_s
                front.cut()
    finally:
        await front.stop()
