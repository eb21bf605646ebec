"""A soak: one device for weeks, day by day, and what must not drift meanwhile."""

import gc
import resource
import sys
import time
import types
from dataclasses import dataclass, field

from tidegate.diag import health
from tidegate_tools.bench import Figure

from simulation.world import DAY_MS, LongWorld

# What lives of the agent in the last third of the days, over what lives in the first.
GROWTH_MAX, GROWTH_AIM = 1.15, 1.05
COUNTERS = [name for name, kind in health.FIELDS if kind != health.LEVEL]
_SKIPPED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType,
            types.CodeType, types.FrameType)


@dataclass
class Day:
    """What a day left behind."""

    turn_count: int
    heap_bytes: int
    heap_count: int
    observations: int


@dataclass
class Soak:
    """The days so far. `breaches` are sentences, each one a promise that was broken."""

    seed: int
    days: list = field(default_factory=list)
    breaches: list = field(default_factory=list)
    wall_s: float = 0.0

    def __post_init__(self):
        self.world = LongWorld(self.seed)
        self._last_health = {}
        self._told_count = 0

    def live(self, day_count, wall_s, say):
        """Day after day until both are reached. Argument: say(text)."""
        begun_s = time.monotonic()
        while len(self.days) < day_count or self.wall_s < wall_s:
            number = len(self.days)
            try:
                self.world.day(number)
            except (AssertionError, Exception) as error:
                self.breaches.append("day %d, %.1f h, fault %s: %s: %s" % (
                    number, self.world.now_ms % DAY_MS / 3_600_000, self.world.fault,
                    type(error).__name__, error))
                self.breaches += self.world.agent.trail.lines[-8:]
                return
            heap_bytes, heap_count = reachable(self.world)
            self.days.append(Day(self.world.turn_count, heap_bytes, heap_count,
                                 self.world.totals["observations"]))
            self._compare_health()
            self.wall_s = time.monotonic() - begun_s
            say("day %3d  %5.0f s  %9s turns  %7s observations  %4d boots  heap %6d B" % (
                number + 1, self.wall_s, format(self.world.turn_count, ","),
                format(self.world.totals["observations"], ","), self.world.boot_count,
                heap_bytes))
        self._compare_crashes()

    def _compare_health(self):
        """Counters never go back, over reboots and cuts; and they say what is there."""
        world = self.world
        for told in world.health_told[self._told_count:]:
            for name in COUNTERS:
                if told[name] < self._last_health.get(name, 0):
                    self.breaches.append("health: %s went from %d back to %d" % (
                        name, self._last_health[name], told[name]))
            self._last_health = told
        self._told_count = len(world.health_told)
        now = health.by_name(world.agent.vitals.health.values())
        recorded = sum(log.next_seq - 1 for log in world.agent.spool.logs)
        if not now["recorded"] == now["confirmed"] == recorded:
            self.breaches.append("health: recorded %d, confirmed %d, numbered %d" % (
                now["recorded"], now["confirmed"], recorded))
        if now["evicted"] or now["memory_short"]:
            self.breaches.append("health: %s" % now)

    def _compare_crashes(self):
        told = [1 + each.get("more", 0) for each in self.world.crashes_told]
        if sum(told) != self.world.crash_count:
            self.breaches.append("crashes: %d told, %d happened" % (
                sum(told), self.world.crash_count))

    def growth(self):
        """Largest heap of the last third of the days over that of the first; 1 for less than 3."""
        third = len(self.days) // 3
        if not third:
            return 1.0
        return (max(day.heap_bytes for day in self.days[-third:])
                / max(day.heap_bytes for day in self.days[:third]))

    def figures(self):
        """What came of it, as bench.Figure."""
        world = self.world
        if self.growth() > GROWTH_MAX:
            self.breaches.append("the agent's heap grew to %.2f of what it was" % self.growth())
        return [
            Figure("simulated", len(self.days), "days"),
            Figure("wall time", self.wall_s, "s"),
            Figure("turns", world.turn_count, "turns"),
            Figure("outages and other faults", sum(world.faults.values()), "faults"),
            Figure("boots", world.boot_count, "boots"),
            Figure("cuts inside a program", world.cut_count, "cuts"),
            Figure("crashes, resets by the watchdog", world.crash_count, "crashes"),
            Figure("steps of the clock", world.step_count, "steps"),
            Figure("commands", world.command_count, "commands"),
            Figure("connections", world.broker.open_count, "connections"),
            Figure("observations", world.totals["observations"], "observations"),
            Figure("appends that power cut, told as gone", world.totals["gaps"], "gaps"),
            Figure("sent again", world.receiver.repeat_count, "observations"),
            Figure("health told", len(world.health_told), "times"),
            Figure("growth of the agent's heap", self.growth(), "ratio", GROWTH_MAX, GROWTH_AIM),
            Figure("largest process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024,
                   "MiB"),
            Figure("breaches", len(self.breaches), "breaches", 0),
        ]


def reachable(world):
    """(bytes, objects) that live of the agent, without the world behind its ports."""
    gc.collect()
    agent = world.agent
    seen = {id(world), id(agent._source), id(world.ports), id(world.shell)}
    seen.update(id(each) for each in vars(world.ports).values())
    pending, size, count = [agent], 0, 0
    while pending:
        each = pending.pop()
        if id(each) in seen or isinstance(each, _SKIPPED):
            continue
        seen.add(id(each))
        if type(each).__module__.split(".")[0] in ("fakes", "fake_network", "mqtt_peer"):
            continue
        size += sys.getsizeof(each)
        count += 1
        pending += gc.get_referents(each)
    return size, count
