"""The shell: the loop around `Agent.step`, and the one guard that nothing slips through."""

from tidegate.diag import trail
from tidegate.diag.boot import EXCEPTION, TURNS_FAILED
from tidegate.errors import FlashError
from tidegate.limits import (
    END_MS_MAX, SAMPLE_PERIOD_MS, TICKS_MASK_MS, TURN_FAILURE_COUNT_MAX,
)

CRASH_STATUS, RESTART_STATUS = 71, 75


def run(agent, ports):
    """Turn after turn until interrupted, or asked to restart, or crashed. Result: exit status.

    On a board the end of `main.py` is a soft reset, so to restart is to end. A crash is kept
    for the next start to tell.
    """
    try:
        try:
            status = turns(agent, ports)
        except KeyboardInterrupt:
            status = 0
        if status != CRASH_STATUS:
            _end(agent, ports)
    except Exception as error:
        agent.vitals.crashed(EXCEPTION, error)
        status = CRASH_STATUS
    ports.terminal.close()
    return status


def turns(agent, ports):
    """Turn after turn until asked to restart, or crashed. Result: RESTART_STATUS or CRASH_STATUS.
    """
    failed_count = 0
    while not agent.verbs.wants_restart:
        try:
            wait_ms = agent.step(ports.clock.ticks_ms())
        except Exception as error:
            failed_count += 1
            try:
                agent.vitals.failed(error)
            except MemoryError:
                # Not even that much is left to say so; the next turn may find more.
                agent.counters.turns_failed += 1
            if failed_count == TURN_FAILURE_COUNT_MAX:
                agent.vitals.crashed(TURNS_FAILED, error)
                return CRASH_STATUS
            # Whatever waits to be read: it may be what fails.
            ports.network.wait(None, False, SAMPLE_PERIOD_MS)
        else:
            failed_count = 0
            ports.watchdog.feed()
            agent.vitals.idle(wait_ms)
            _wait(agent, ports, wait_ms)
    return RESTART_STATUS


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
        agent.vitals.ended()
    except FlashError:
        agent.trail.note(trail.WARNING, "agent interrupted inside a program")
