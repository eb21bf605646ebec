"""The shell: the loop around `Agent.step`, and the one guard that nothing slips through."""

import sys

from tidegate.diag import trail
from tidegate.limits import SAMPLE_PERIOD_MS


def run(agent, ports):
    """Turn after turn until interrupted. Result: the process's exit status."""
    try:
        while True:
            try:
                wait_ms = agent.step(ports.clock.ticks_ms())
            except Exception as error:
                agent.counters.turns_failed += 1
                agent.trail.note(trail.ALARM, "turn failed", error=type(error).__name__)
                if hasattr(sys, "print_exception"):
                    sys.print_exception(error)
                wait_ms = SAMPLE_PERIOD_MS
            else:
                ports.watchdog.feed()
            session = agent.session
            ports.network.wait(session.wire.stream, session.wants_to_write(), wait_ms)
    except KeyboardInterrupt:
        agent.close()
    return 0
