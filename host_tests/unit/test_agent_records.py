"""Records that find no room: what the person who looks at the trail is told."""

from agent_world import AgentWorld

from tidegate.observe.catalogue import OPAQUE, RECORDS


def fill(world):
    spool = world.agent.spool
    while spool.append(RECORDS, OPAQUE, 554, bytes(1_000), world.agent.monotonic.now_ms):
        pass


def alarms(world):
    return [line for line in world.agent.trail.lines if "ALARM records full" in line]


def test_records_that_are_refused_raise_an_alarm_that_does_not_flood():
    world = AgentWorld(11)
    world.begin("link down")
    world.run(2_000)
    assert not alarms(world)
    fill(world)
    for _ in range(99):
        assert not world.agent.spool.append(RECORDS, OPAQUE, 554, bytes(1_000), 0)
        world.run(1_000)
    counts = [int(line.split("count=")[1].split()[0]) for line in alarms(world)]
    # One was refused by `fill`, one before the first turn.
    assert counts == [2, 4, 8, 16, 32, 64]
