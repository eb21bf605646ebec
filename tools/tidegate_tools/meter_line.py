"""`tidegate meter`: the simulated meter on a pseudo-terminal, for an agent to listen to."""

import asyncio
import base64
import fcntl
import json
import os
import random
import sys
import termios
import time
import tty
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from tidegate_tools import shell
from tidegate_tools.errors import ToolError
from tidegate_tools.meter import Meter, Noise
from tidegate_tools.paths import use_device_modules
from tidegate_tools.sink_commands import run_or_complain

# What is older than this when the host was held up is not said any more.
LATE_COUNT_MAX = 30


class Line:
    """A pseudo-terminal whose other end the agent opens. Argument: link, a path for it, or None.

    A session leader keeps the terminal as its own: else it would become the controlling terminal
    of the agent that opens it, and die with it. Errors: ToolError.
    """

    def __init__(self, link=None):
        self._far, self._near = os.openpty()
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        if os.getsid(0) == os.getpid():
            with suppress(OSError):
                fcntl.ioctl(self._near, termios.TIOCSCTTY, 0)
        self.path = os.ttyname(self._near)
        self._link = link
        if link is not None:
            try:
                os.symlink(self.path, link)
            except OSError as error:
                raise ToolError("%s cannot be made a link to the line: %s; name another path"
                                " with --link" % (link, error.strerror)) from None
        self.dropped_bytes = 0

    def send(self, data):
        """What nobody listens to is lost, as on a wire."""
        try:
            sent_bytes = os.write(self._far, data)
        except BlockingIOError:
            sent_bytes = 0
        self.dropped_bytes += len(data) - sent_bytes

    def close(self):
        """Give it back."""
        if self._link is not None:
            os.unlink(self._link)
        os.close(self._far)
        os.close(self._near)


def meter(
    link: Annotated[Path | None, Option(
        help="Make a link to the line here; it is removed at the end.")] = None,
    seed: Annotated[int, Option(min=0, help="Seed of the simulated charger.")] = 1,
    plug_s: Annotated[int, Option(help="Second of the scenario at which a car comes.")] = 60,
    unplug_s: Annotated[int, Option(help="Second at which it leaves.")] = 700,
    speed: Annotated[int, Option(
        min=1, max=120, help="Seconds of the scenario per second.")] = 1,
    from_s: Annotated[int, Option(
        min=0, help="Second of the scenario at host time --wall-ms.")] = 0,
    wall_ms: Annotated[int | None, Option(
        help="Unix time in ms at which the scenario begins. Default: now.")] = None,
    noise: Annotated[float, Option(
        min=0, max=1, help="Share of the bytes that the line damages.")] = 0.0,
    log: Annotated[Path | None, Option(
        help="File for what is said: a line of JSON for each second.")] = None,
    until_input_ends: Annotated[bool, Option(
        "--until-input-ends", help="End with standard input, as a child process should.")] = False,
):
    """Play a metering microcontroller on a serial line; SPEC section 9 is what it speaks.

    The first line of output is where an agent finds it: give that path to its source
    `serial_meter`.
    """
    use_device_modules()
    from tidegate.errors import SourceError
    from tidegate.sources.simulated import SimulatedSource

    try:
        source = SimulatedSource(seed, plug_s, unplug_s)
    except SourceError as error:
        shell.complain(error)
        raise typer.Exit(shell.EXIT_USAGE) from None
    wall_ms = time.time_ns() // 1_000_000 if wall_ms is None else wall_ms
    run_or_complain(_play(Meter(source), Noise(noise, random.Random(seed)),
                          Schedule(wall_ms, from_s, speed), link, log, until_input_ends))


class Schedule:
    """When a second of the scenario is. Arguments: host time wall_ms is second from_s; speed."""

    def __init__(self, wall_ms, from_s, speed):
        self._wall_ms, self._from_s, self._speed = wall_ms, from_s, speed

    def now_s(self):
        """The scenario's second."""
        passed_ms = (time.time_ns() // 1_000_000 - self._wall_ms) * self._speed
        return max(0, self._from_s + passed_ms // 1_000)

    def wait_s(self, second):
        """Seconds until a second of the scenario begins."""
        at_ms = self._wall_ms + (second - self._from_s) * 1_000 / self._speed
        return max(0.0, at_ms / 1_000 - time.time())


async def _play(played, noise, schedule, link, log_path, until_input_ends):
    ended = asyncio.Event()
    line = Line(link)
    log = None
    try:
        log = _opened(log_path) if log_path is not None else None
        if until_input_ends:
            _watch_input(ended)
        print(json.dumps({"line": line.path}), flush=True)
        second = schedule.now_s()
        while not ended.is_set():
            for frame in played.second(second):
                line.send(noise.on(frame))
            if log is not None:
                log.write(json.dumps({"second": second, "said": [
                    [each, base64.b64encode(value).decode() if isinstance(value, bytes) else value]
                    for each, value in played.said]}) + "\n")
                log.flush()
            second = max(second + 1, schedule.now_s() - LATE_COUNT_MAX)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ended.wait(), schedule.wait_s(second))
    finally:
        if log is not None:
            log.close()
        line.close()


def _opened(path):
    try:
        return path.open("w")
    except OSError as error:
        raise ToolError("the log %s cannot be written: %s; name another with --log"
                        % (path, error.strerror)) from None


def _watch_input(ended):
    loop = asyncio.get_running_loop()

    def take():
        if not sys.stdin.buffer.raw.read(4_096):
            loop.remove_reader(sys.stdin.fileno())
            ended.set()

    loop.add_reader(sys.stdin.fileno(), take)
