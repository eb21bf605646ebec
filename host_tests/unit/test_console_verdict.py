"""Each verdict of `status` is provoked, and says what to do next."""

import pytest
from console_world import ConsoleWorld

from tidegate.console import verdict
from tidegate.limits import CONSOLE_SILENT_MS
from tidegate.link import causes, session
from tidegate.observe.catalogue import RECORDS


def judged(made):
    agent = made.agent
    key, case, action = verdict.judge(agent, agent.console.watch, agent.monotonic.now_ms)
    assert case and action and len("  " + case) < 80
    return key


def world(run_ms=120_000):
    made = ConsoleWorld()
    made.run(run_ms)
    return made


def aside():
    made = ConsoleWorld()
    for block in range(64):
        made.flash.erase(block)
        made.flash.program(block * 4_096, b"no spool of ours" * 4)
    made.boot()
    made.run(1_000)
    return made


def safe_mode():
    made = world()
    made.agent.verbs.table["health"] = (
        False, lambda argument, now_ms: ("", {"safe": argument == "errors"}))
    if hasattr(made.agent, "vitals"):
        made.agent.vitals.boot.is_safe = True
    return made


def records_full():
    made = world()
    made.network.up = False
    made.broker.cut()
    made.run(1_600_000)
    made.agent.spool.logs[RECORDS].refused_count += 1
    return made


def source_silent():
    made = world()
    made.agent._source.step = lambda elapsed_ms, emit: None
    made.run(CONSOLE_SILENT_MS + 2_000)
    return made


def no_network():
    made = world()
    made.begin("link down")
    made.run(1_000)
    return made


def starting():
    return world(10)


def connecting():
    made = ConsoleWorld()
    made.broker.answers = set()
    while made.agent.session.phase == session.IDLE:
        made.run(100)
    return made


def held():
    made = world()
    made.begin("cut")
    made.agent.uplink.pacing.limit(0)
    made.begin("link down")
    made.run(600_000)
    made.heal()
    made.run(60_000)
    return made


def unconfirmed():
    made = world()
    made.receiver.echoes = False
    made.run(400_000)
    return made


def draining():
    made = world()
    made.begin("link down")
    made.run(900_000)
    made.heal()
    while made.agent.session.phase != session.UP:
        made.run(100)
    return made


SCENES = {
    "spool-aside": aside, "safe-mode": safe_mode,
    "records-full": records_full, "source-silent": source_silent,
    "no-network": no_network, "starting": starting, "connecting": connecting, "held": held,
    "unconfirmed": unconfirmed, "draining": draining, "well": world,
}  # fmt: skip


@pytest.mark.parametrize("key", sorted(verdict.TABLE))
def test_a_verdict_is_provoked_by_its_scene(key):
    assert judged(SCENES[key]()) == key


@pytest.mark.parametrize("cause", sorted(causes.TABLE))
def test_each_cause_of_a_failed_attempt_is_told_with_its_phase_and_its_remedy(cause):
    made = world(10)
    made.agent.console.watch.down(session.CONNECT, cause, made.agent.monotonic.now_ms)
    assert judged(made) == cause.replace(" ", "-")
    lines = made.ask("status")
    assert lines[-1] == "  NOT SENDING: %s, in phase connect" % cause
    assert any("last: " + cause in line for line in lines)


@pytest.mark.parametrize("fault, cause", [
    ("refused", causes.CONNECT_REFUSED), ("busy", causes.CONNACK_BUSY),
])  # fmt: skip
def test_a_fault_of_the_world_becomes_the_verdict_of_its_cause(fault, cause):
    made = world()
    made.chance.below = lambda bound: bound - 1
    made.begin(fault)
    made.run(200_000)
    assert judged(made) == cause.replace(" ", "-")
    made.heal()
    made.run(1_300_000)
    assert judged(made) in ("well", "draining"), "it is forgotten once a session stands"
