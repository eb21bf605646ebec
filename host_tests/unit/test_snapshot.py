"""The live picture at the start of a session: what it holds, and what it leaves out."""

import json

import pytest
from agent_world import AgentWorld
from test_agent import up
from uplink_world import EXAMPLE_ID, UplinkWorld

from tidegate.limits import SNAPSHOT_SEEK_COUNT_MAX
from tidegate.observe.catalogue import LOG_NAMES, NUMBER, OPAQUE, RECORDS, TELEMETRY, TEXT


class Latest:
    """Rows of (log, kind, seq)."""

    def __init__(self):
        self.rows = []

    @property
    def count(self):
        return len(self.rows)

    def log(self, index):
        return self.rows[index][0]

    def kind(self, index):
        return self.rows[index][1]

    def seq(self, index):
        return self.rows[index][2]


def held(*appended, near_count=3):
    """A world with that appended, (value, log) each under a row of its own, and fillers each."""
    world, latest = UplinkWorld(is_echo=False, block_count=32), Latest()
    world.uplink.snapshot._latest = latest
    for value, log in appended:
        world.wait(1_000)
        kind = NUMBER if isinstance(value, int) else TEXT if isinstance(value, str) else OPAQUE
        latest.rows.append((log, kind, world.append(value, log)))
        world.fill(near_count)
    return world, latest


def snapshots(world):
    """What was sent so far: [(topic, {seq: value})]."""
    return [(topic, {batch["seq"] + row[0]: row[3] for row in batch["obs"]})
            for _, topic, batch in world.sent() if batch.get("snapshot")]


def test_a_value_that_was_held_back_begins_another_payload():
    world, latest = held((11, TELEMETRY), (22, TELEMETRY), near_count=0)
    older_ms = world.clock.now_ms - 500
    seq = world.spool.append(TELEMETRY, NUMBER, EXAMPLE_ID[NUMBER], 33, older_ms)
    latest.rows.append((TELEMETRY, NUMBER, seq))
    world.up()
    for _ in range(3):
        world.step()
    assert snapshots(world) == [("live", {1: 11, 2: 22}), ("live", {3: 33})]
    assert all(row[1] >= 0 for _, _, batch in world.sent() for row in batch.get("obs", ()))


def test_the_latest_values_come_first_and_only_those_that_are_not_confirmed():
    world, _ = held((11, TELEMETRY), (22, TELEMETRY), ("on", TELEMETRY), (33, RECORDS))
    world.echo(4)
    world.up()
    world.append(99)
    sent = world.step()
    assert sent[0][2]["snapshot"] is True and sent[0][2]["historical"] is False
    world.step()
    assert snapshots(world) == [("live", {5: 22, 9: "on"}), ("records", {1: 33})]
    assert [topic for _, topic, _ in sent][:2] == ["live", "live"], "live does not wait for it"


def test_after_a_move_it_holds_what_is_confirmed_too_but_nothing_opaque():
    world, _ = held((11, TELEMETRY), (22, TELEMETRY), (b"signed", RECORDS), (44, RECORDS))
    world.echo(8)
    world.echo(2, log="records")
    world.uplink.session_up(world.wait(1), True)
    world.step()
    world.step()
    assert snapshots(world) == [("live", {1: 11, 5: 22}), ("records", {2: 44})]


def test_it_confirms_nothing_and_everything_still_comes_once():
    world, _ = held((11, TELEMETRY), (22, TELEMETRY))
    world.up()
    for packet_id, _, _ in world.step():
        world.puback(packet_id)
    assert world.unconfirmed() == 8


def test_it_is_taken_in_bounded_steps_through_the_window():
    far = [[(number, TELEMETRY)] + [(b"", RECORDS)] * 7 for number in range(20)]
    world, _ = held(*sum(far, []), near_count=5)
    world.up()
    counts = [[len(batch["obs"]) for _, _, batch in world.step()] for _ in range(6)]
    assert counts == [[SNAPSHOT_SEEK_COUNT_MAX]] * 2 + [[4], [], [], []]


def test_what_stands_close_together_goes_in_one_payload():
    world, _ = held(*((number, TELEMETRY) for number in range(30)))
    world.up()
    assert [len(batch["obs"]) for _, _, batch in world.step() + world.step()] == [30]


def test_a_snapshot_never_spans_two_boots_and_passes_over_what_is_gone():
    world, latest = held((11, TELEMETRY), (22, TELEMETRY))
    world.mount()
    world.uplink.snapshot._latest = latest
    latest.rows.append((TELEMETRY, NUMBER, world.append(33)))
    latest.rows.append((TELEMETRY, NUMBER, 500))
    world.up()
    for _ in range(4):
        world.step()
    assert [list(found.values()) for _, found in snapshots(world)] == [[11, 22], [33]]


@pytest.mark.parametrize("verb_is_used", [False, True])
def test_the_live_picture_is_whole_before_the_backlog_has_drained(verb_is_used):
    world = AgentWorld(41)
    world.network.up = False
    world.run(1_500_000)
    world.network.up = True
    world.receiver.is_deaf = verb_is_used
    up(world)
    if verb_is_used:
        world.run(1_000)
        world.receiver.is_deaf = False
        form = {"v": 1, "id": "s", "verb": "snapshot", "counter": 1}
        world.broker.deliver(b"tidegate/1/tg-000001/cmd", json.dumps(form).encode())
    world.run(1_500)
    picture = {row[2]: (batch["seq"] + row[0], row[3])
               for batch in world.receiver.snapshots for row in batch["obs"]}
    for name in LOG_NAMES:
        newest = {fact[2]: (seq, fact[3]) for seq, fact in enumerate(world.expected[name], 1)}
        live = world.receiver.stored.get((world.agent.uplink.store_id, name), {})
        for observation_id, (seq, value) in newest.items():
            if not isinstance(value, dict) and seq not in live:
                assert picture[observation_id] == (seq, value)
    world.settle()
