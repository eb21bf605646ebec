"""The shell: the loop around `Agent.step`, and the one guard that nothing slips through."""

import sys

from tidegate.diag import trail
from tidegate.errors import FlashError
from tidegate.limits import END_MS_MAX, SAMPLE_PERIOD_MS, TICKS_MASK_MS

RESTART_STATUS = 75


def run(agent, ports):
    """Turn after turn until interrupted, or asked to restart. Result: the exit status.

    On a board the end of `main.py` is a soft reset, so to restart is to end.
    """
    try:
        while not agent.verbs.wants_restart:
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
            _wait(agent, ports, wait_ms)
        status = RESTART_STATUS
    except KeyboardInterrupt:
        status = 0
    _end(agent, ports)
    ports.terminal.close()
    return status


def _wait(agent, ports, wait_ms):
    session = agent.session
    ports.network.wait(session.stream(), session.wants_to_write(), wait_ms)


def _end(agent, ports):
    """Give what is on its way END_MS_MAX to be confirmed, then end in order.

    An interrupt that came inside a program leaves the spool as a power cut would: the flash then
    refuses the last note, and the next start finds its way.
    """
    begun_ms = agent.monotonic.now_ms
    try:
        while (agent.monotonic.now_ms - begun_ms) & TICKS_MASK_MS < END_MS_MAX:
            wait_ms = agent.drain(ports.clock.ticks_ms())
            if wait_ms < 0:
                break
            _wait(agent, ports, wait_ms)
        agent.close()
    except FlashError:
        agent.trail.note(trail.WARNING, "agent interrupted inside a program")
