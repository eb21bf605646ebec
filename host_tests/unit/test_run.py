"""The loop: what feeds the watchdog, and how it ends."""

from agent_world import AgentWorld

from tidegate import run


class LoopPorts:
    """Ports of a loop that ends after some turns."""

    def __init__(self, world, turns):
        self.clock = world.ports.clock
        self.watchdog = world.ports.watchdog
        self.terminal = world.ports.terminal
        self.network = self
        self.turns_left = turns

    def wait(self, stream, writing, wait_ms):
        self.clock.now_ms += max(1, wait_ms)
        self.turns_left -= 1
        if not self.turns_left:
            raise KeyboardInterrupt


def test_the_loop_feeds_the_watchdog_after_good_turns_and_ends_in_order():
    world = AgentWorld(16)
    ports = LoopPorts(world, 50)
    assert run.run(world.agent, ports) == 0
    assert world.ports.watchdog.feed_count == 50
    assert world.ports.terminal.lines[-1].endswith("INFO agent ended\n")


def test_a_turn_that_fails_is_counted_noted_and_not_fed_to_the_watchdog():
    world = AgentWorld(17)
    real_step, calls = world.agent.step, []

    def step(ticks_ms):
        calls.append(ticks_ms)
        if len(calls) % 5 == 0:
            raise RuntimeError("planted")
        return real_step(ticks_ms)

    world.agent.step = step
    ports = LoopPorts(world, 50)
    assert run.run(world.agent, ports) == 0
    assert world.agent.counters.turns_failed == 10, "never five in a row"
    assert world.ports.watchdog.feed_count == 40
    noted = [line for line in world.agent.trail.lines if "ALARM turn failed" in line]
    assert len(noted) == 10
    assert all("at=test_run.py:" in line and "error=RuntimeError" in line for line in noted)
