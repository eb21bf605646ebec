"""Turns of the whole agent against a server of constant memory, under a simulated clock.

`turns_main.py FLASH_PATH TURNS [LEFT_BYTES HOG_TURNS]` on the real MicroPython: the shell's own
loop, with outages, commands and changes of policy; what it prints at the end is one JSON object.
Everything that grows would be the agent's: the server keeps nothing. With LEFT_BYTES something
takes all of the heap but so much from the middle of the run on, for so many turns.
"""

import gc
import json
import sys

gc.threshold(8_192)
sys.path.append(__file__.rsplit("/", 2)[0])

import umqtt.simple  # noqa: E402
from tidegate import run  # noqa: E402
from tidegate.agent import Agent  # noqa: E402
from tidegate.config import schema  # noqa: E402
from tidegate.hal.nor import FileFlash  # noqa: E402
from tidegate.hal.heap import GarbageCollector  # noqa: E402
from tidegate.sources.simulated import SimulatedSource  # noqa: E402

from lean_server import LeanServer  # noqa: E402

UTC_MS = 1_768_509_600_000
BLOCK_COUNT = 64
OUTAGE_EVERY_MS, OUTAGE_MS = 21_600_000, 1_200_000
COMMAND_EVERY_MS = 3_600_000
HOG_PIECE_BYTES = 256
COMMANDS = ('"status"', '"health"', '"trail"', '"observation","arg":"501"',
            '"policy","arg":"501 bound %d","counter":%d')


class World:
    """Clock, network, keep and all other ports in one object, and what happens in it."""

    name = "turns"
    reset_cause = 1
    ticks_mask_ms = (1 << 30) - 1
    speed = 1
    newline = b"\n"

    def __init__(self, flash_path, turn_count, left_bytes, hog_turn_count):
        self.flash = FileFlash(flash_path, BLOCK_COUNT)
        self.clock = self.entropy = self.keep = self.scratch = self.memory = self
        self.terminal = self.watchdog = self
        self.network = LeanServer(self)
        self.now_ms = 0
        self.turn_count = self._left_count = turn_count
        self._outage_ms = OUTAGE_EVERY_MS
        self._command_ms = COMMAND_EVERY_MS
        self.command_count = self.outage_count = self.drawn = 0
        self.alloc_max = 0
        self._heap = GarbageCollector()
        self._kept = {}
        self._left_bytes, self._hog_turn_count, self._hog = left_bytes, hog_turn_count, None

    def ticks_ms(self):
        """Simulated."""
        return self.now_ms & self.ticks_mask_ms

    def utc_ms(self):
        """Known."""
        return UTC_MS + self.now_ms, 2

    def random_bytes(self, count):
        """Seeded."""
        self.drawn += 1
        return bytes([(self.drawn * 167 + place * 29) & 0xFF for place in range(count)])

    def load(self, name=""):
        """Keep and scratch."""
        return self._kept.get(name, b"")

    def save(self, name, record=None):
        """Keep and scratch."""
        if record is not None:
            self._kept[name] = record
        return True

    def collect(self):
        """The sweep, and how much lives behind it."""
        free_bytes = self._heap.collect()
        self.alloc_max = max(self.alloc_max, gc.mem_alloc())
        return free_bytes

    def feed(self):
        """A whole good turn was done."""

    def write(self, data):
        """The trail is not read."""
        return len(data)

    def read_into(self, buffer):
        """Nobody types."""
        return 0

    def close(self):
        """Of the terminal."""

    def wait(self, wait_ms, is_ready):
        """Time passes, and things happen."""
        self._left_count -= 1
        if self._left_count <= 0:
            raise KeyboardInterrupt
        if self._left_bytes:
            self._take_or_give()
        self.now_ms += 1 if is_ready else max(1, wait_ms)
        if self.now_ms >= self._outage_ms:
            is_over = not self.network.up
            self.network.up = is_over
            self.outage_count += not is_over
            self._outage_ms += OUTAGE_EVERY_MS - OUTAGE_MS if is_over else OUTAGE_MS
        elif self.now_ms >= self._command_ms and self.network.stands():
            self._command_ms = self.now_ms + COMMAND_EVERY_MS
            self._command()

    def _take_or_give(self):
        done_count = self.turn_count - self._left_count - self.turn_count // 2
        if done_count == 0:
            gc.collect()
            self._hog = []
            while gc.mem_free() > self._left_bytes:
                self._hog.append(bytearray(HOG_PIECE_BYTES))
        elif done_count == self._hog_turn_count:
            self._hog = None

    def _command(self):
        self.command_count += 1
        number = self.command_count
        verb = COMMANDS[number % len(COMMANDS)]
        if "%" in verb:
            verb = verb % (2_000 + number % 7 * 100, UTC_MS + number)
        self.network.deliver(b"tidegate/1/tg-000001/cmd",
                             b'{"v":1,"id":"c%d","verb":%s}' % (number, verb.encode()))


def vitals_of(agent):
    """What is kept of its crash."""
    return agent.vitals.boot.crash


def main(flash_path, turn_count, left_bytes=0, hog_turn_count=0):
    """One life."""
    world = World(flash_path, turn_count, left_bytes, hog_turn_count)
    configuration = schema.check({"device_id": "tg-000001", "host": "192.0.2.7"})
    agent = Agent(world, SimulatedSource(7, 60, 1_500, 1_800), configuration, umqtt.simple,
                  UTC_MS)
    gc.threshold(-1)
    start = world.collect()
    world.alloc_max = 0
    status = run.run(agent, world)
    if status:
        print(json.dumps({"status": status, "crash": vitals_of(agent)}))
        return
    counters, vitals = agent.counters, agent.vitals
    end = world.collect()
    print(json.dumps({
        "turns": turn_count, "days": world.now_ms // 86_400_000, "alloc_max": world.alloc_max,
        "free_start": start, "free_end": end, "failed": counters.turns_failed,
        "memory_short": vitals.pressure.count, "sessions": counters.sessions,
        "recorded": counters.recorded, "unconfirmed": agent.uplink.unconfirmed_count(),
        "level": vitals.pressure.level,
        "outages": world.outage_count, "commands": agent.remote.commands.executed_count,
        "refused": agent.remote.commands.refused_count}))


main(sys.argv[1], *(int(each) for each in sys.argv[2:]))
