"""Health: what it costs, that its counters survive, and that the host reads what is said."""

import json

import pytest
from agent_world import AgentWorld
from fakes import CutFlash, Random
from test_agent import up
from test_tools_cli import run
from test_tools_store import birth
from test_vitals import told

from tidegate.diag import health
from tidegate.diag.counters import OUTCOME_COUNT
from tidegate.hal.nor import RamFlash
from tidegate.limits import HEALTH_PERIOD_MS
from tidegate.link.causes import OUTCOME_NAMES
from tidegate.observe.catalogue import HEALTH_ID
from tidegate_tools import health as host
from tidegate_tools.decode import Batch, Observation
from tidegate_tools.store import Received, Store
from tidegate_tools.values import from_json, to_text

DAY_MS = 86_400_000
MUST_BYTES = 2_048
COUNTS = [index for index, (_, kind) in enumerate(health.FIELDS) if kind != health.LEVEL]


def test_the_host_reads_what_the_device_writes():
    chance = Random(1)
    for _ in range(300):
        values = [chance.below(1 << chance.below(40) + 1) * chance.below(2)
                  for _ in health.FIELDS]
        data = health.encode(values)
        assert health.decode(data) == values
        assert host.parse(data) == health.by_name(values)
    assert host.NAMES == tuple(name for name, _ in health.FIELDS)


def test_outcomes_of_attempts_stand_in_their_order():
    names = [name for name, _ in health.FIELDS if name.startswith("failed_")]
    assert names == ["failed_" + name for name in OUTCOME_NAMES]
    assert len(OUTCOME_NAMES) == OUTCOME_COUNT


@pytest.mark.parametrize("data", [
    b"", b"\x01\x00\x00\x00", b"\x02\x00\x00\x00\x00", b"\x01\x01\x00\x00\x00",
    b"\x01\x01\x00\x00\x00\x80"])
def test_other_bytes_are_no_health(data):
    assert health.decode(data) is None
    with pytest.raises(ValueError):
        host.parse(data)


@pytest.mark.parametrize("data", [b"\x01\x00\x00\x00\x80", b"\x01\x01\x00\x00\x00\x05\x06"])
def test_the_host_refuses_what_it_does_not_know(data):
    with pytest.raises(ValueError):
        host.parse(data)


def values_of(world):
    return health.by_name(world.agent.vitals.health.values())


def test_counters_go_on_over_reboots_and_a_cut_costs_what_came_since_the_last_word():
    world = up(AgentWorld(81))
    world.run(600_000)
    world.agent.vitals.health.is_due = True
    world.run(2_000)
    known = host.parse(from_json(told(world, HEALTH_ID)[-1]))
    assert known["suppressed"] > 5_000 and known["sessions"] == 1
    world.run(60_000)
    for number in range(1, 4):
        world.boot()
        now = values_of(world)
        assert all(now[name] >= known[name] for name, kind in health.FIELDS
                   if kind != health.LEVEL), (known, now)
        up(world)
        world.run(2_000)
        assert values_of(world)["sessions"] == 1 + number
    world.settle()
    world.check()


def test_resent_counts_what_sessions_left_unconfirmed_at_least_what_comes_again():
    world = up(AgentWorld(86))
    world.run(5_000)
    assert values_of(world)["resent"] == 0 == world.receiver.repeat_count
    world.receiver.echoes = False
    world.run(120_000)
    left = world.agent.uplink.unconfirmed_count()
    world.broker.cut()
    world.receiver.echoes = True
    world.run(30_000)
    assert values_of(world)["resent"] == left
    world.settle()
    assert left >= world.receiver.repeat_count > 10


def test_no_cut_at_any_program_makes_a_counter_go_back():
    flash = CutFlash(RamFlash(16))
    world = AgentWorld(82, flash=flash)
    before = [0] * len(health.FIELDS)
    for cut in range(1, 40):
        flash.countdown = 20 + cut
        try:
            world.agent.vitals.health.is_due = True
            world.run(40_000)
        except Exception as error:
            assert type(error).__name__ == "PowerCut", error
        flash.countdown = 0
        told_last = world.agent.vitals.health._before
        world.boot()
        before = [max(pair) for pair in zip(before, told_last)]
        found = world.agent.vitals.health.values()
        assert all(found[index] >= before[index] for index in COUNTS)
    assert max(before) > 100


def test_a_damaged_last_word_is_said_and_counting_begins_anew():
    world = up(AgentWorld(83))
    world.run(10_000)
    row = world.agent.vitals._suppressor.index(HEALTH_ID)
    log = world.agent.spool.logs[0]
    world.agent.vitals._suppressor._seq[row] -= 1
    world.agent.vitals._begin()
    assert any("counters begin anew" in line for line in world.agent.trail.lines)
    assert log.next_seq > 1


def test_a_day_costs_at_most_two_kib_frames_and_payload_together():
    """Counted for the largest health of a day of ten years, as JSON, with what a batch adds."""
    world = up(AgentWorld(84))
    world.run(20_000)
    values = [0] * len(health.FIELDS)
    for index, (name, _) in enumerate(health.FIELDS):
        values[index] = {"suppressed": 12 * 86_400 * 3_650, "recorded": 7_500_000,
                         "confirmed": 7_500_000, "resent": 40_000, "sessions": 9_000,
                         "failed_refused": 3_000, "failed_timeout": 9_000, "failed_busy": 900,
                         "clock_steps": 300, "crashes": 12, "turns_slow": 40_000,
                         "erases": 20_000, "erases_max": 90, "age_s": 9, "drain_s": 2,
                         "heap_free_min": 700, "turn_ms_max": 640}.get(name, 0)
    world.agent.vitals.health.values = lambda: values
    log = world.agent.spool.logs[0]
    before = log.number, log.offset
    world.agent.vitals.health.is_due = True
    world.agent.sampler.begin_turn(world.agent.monotonic.now_ms)
    world.agent.vitals.sampled(world.agent.monotonic.now_ms)
    assert log.number == before[0]
    frame_bytes = log.offset - before[1]
    form = {"b64": json.loads(to_text(health.encode(values)))["b64"]}
    payload_bytes = len(json.dumps([40, 7_200_000, HEALTH_ID, form], separators=(",", ":"))) + 1
    per_day = DAY_MS // HEALTH_PERIOD_MS
    day_bytes = per_day * (frame_bytes + payload_bytes)
    print("health: %d B of flash + %d B of JSON, %d times a day: %d B a day, must %d"
          % (frame_bytes, payload_bytes, per_day, day_bytes, MUST_BYTES))
    assert frame_bytes > 30 and day_bytes <= MUST_BYTES


def test_the_sink_shows_it(tmp_path):
    world = up(AgentWorld(85))
    world.run(3_000)
    value = to_text(from_json(told(world, HEALTH_ID)[-1]))
    store = Store(tmp_path / "sink.db")
    batch = Batch("tg-000001", "9f0c5a7e11d2b346", "telemetry", 3, None, "unknown", False, 0, 0,
                  (), (Observation(1, 3, 1, HEALTH_ID, value),))
    store.commit([Received(1, birth((3, 1))), Received(2, batch)])
    store.close()
    shown = run("sink", "health", store.path)
    assert shown.exit_code == 0 and "sessions" in shown.output
    found = json.loads(run("sink", "health", store.path, "--json").output)["tg-000001"]
    assert (found["boot"], found["sessions"], found["safe"]) == (3, 1, 0)
    assert found["recorded"] > 10
    none = run("sink", "health", store.path, "--device", "tg-2")
    assert none.exit_code == 1 and "no health is stored" in none.stderr
