"""The agent on the real MicroPython before each scripted bad peer: it names the cause, never
blocks, comes back when the peer behaves, and loses nothing."""

import pytest
from peer_world import PeerWorld, lost, play

from tidegate.limits import STEP_BUDGET_MS
from tidegate_tools.peer_scripts import SCRIPTS

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
TURN_US_MAX = 1_000 * STEP_BUDGET_MS
LATE_US_MAX = 100_000
ROUND_COUNT = 20
SETTLED_ROUND = 8
HEAP_GROWTH_BYTES_MAX = 2_048
# How fast the agent's time runs: its timeouts are scaled down by that. A server that is silent
# behind its accept is waited for ten minutes.
SPEED, SPEED_OF_PATIENCE = 20, 200
PATIENT = ("silent", "connack-withheld", "tls-silent", "slow-up")
PATIENCE_S = 60
# Among other tests the cores are shared, and what blocks does so for seconds; the long test,
# by itself, holds the bounds.
SHARED = 5


def check(report, name, slack=1):
    assert report["failed"] == 0, f"{name}: a turn failed"
    assert report["turn_us"] <= slack * TURN_US_MAX, f"{name}: {report}"
    assert report["late_us"] <= slack * LATE_US_MAX, f"{name}: {report}"


def visit(folder, names, is_tls=False, speed=SPEED, round_count=1):
    """Each script in turn, `round_count` times. Result: {name: [report of each round]}."""

    rest_s = 80 / speed if speed == SPEED_OF_PATIENCE else 0

    async def scene(world):
        await world.hear("session up", PATIENCE_S, pokes=True)
        await world.report()
        reports = {}
        for name in names:
            for _ in range(round_count):
                report = await world.round(name, SCRIPTS[name].cause, PATIENCE_S, rest_s)
                reports.setdefault(name, []).append(report)
        ledger = await world.settle()
        assert not lost(ledger), ledger.verdict()
        return reports

    return play(PeerWorld(folder, speed, is_tls), scene)


def fast(is_tls):
    return [name for name, script in SCRIPTS.items()
            if script.is_tls == is_tls and name not in PATIENT]


SAMPLE = ("dns-silent", "refused", "connack-5", "puback-late", "garbage", "length-absurd",
          "oversized", "reset-inside", "flood")


def test_a_sample_of_bad_peers(tmp_path):
    for name, (report,) in visit(tmp_path, SAMPLE).items():
        check(report, name, SHARED)


def test_bad_peers_of_tls(tmp_path):
    for name, (report,) in visit(tmp_path, fast(True), is_tls=True).items():
        check(report, name, SHARED)


def test_a_rebooted_agent_whose_name_servers_are_gone_delivers_to_the_address_of_before(tmp_path):
    async def scene(world):
        await world.hear("session up", PATIENCE_S, pokes=True)
        world.agent.kill()
        world.names.stop()
        world.mark()
        world.agent.start()
        await world.hear("address of before used why=name-lookup-timed-out", PATIENCE_S, True)
        await world.hear("session up", PATIENCE_S, pokes=True)

    play(PeerWorld(tmp_path, SPEED), scene)


@pytest.mark.long
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("is_patient", [False, True], ids=["fast", "patient"])
def test_every_bad_peer_for_20_rounds(tmp_path, is_tls, is_patient):
    names = fast(is_tls)
    if is_patient:
        names = [name for name in PATIENT if SCRIPTS[name].is_tls == is_tls]
    speed = SPEED_OF_PATIENCE if is_patient else SPEED
    reports = visit(tmp_path, names, is_tls, speed, ROUND_COUNT)
    for name, rounds in reports.items():
        for report in rounds:
            check(report, name)
    # The trail and what commands leave have filled by then; what grows on grows with each round.
    for name, rounds in reports.items():
        heaps = [report["heap"] for report in rounds[SETTLED_ROUND:]]
        half = len(heaps) // 2
        assert max(heaps[half:]) - max(heaps[:half]) <= HEAP_GROWTH_BYTES_MAX, (name, heaps)
