"""What the operator is told of an outage: from, to, how it began, what the attempts failed of."""

import json

from agent_world import UTC_MS, AgentWorld

from tidegate.diag.outage import Outage
from tidegate.limits import OUTAGE_MS_MIN, TEXT_BYTES_MAX
from tidegate.link.causes import CONNACK_BUSY, CONNECT_REFUSED, SILENT, TABLE
from tidegate.observe.catalogue import OUTAGE_ID

NOW_MS = 1_800_000_000_000


def test_an_outage_is_told_with_its_span_and_the_causes_of_its_attempts():
    outage = Outage(0)
    outage.lost(SILENT, 1_000)
    for cause in (CONNECT_REFUSED, CONNACK_BUSY, CONNECT_REFUSED):
        outage.failed(cause)
    assert json.loads(outage.report(91_000, NOW_MS, 1)) == {
        "from": NOW_MS - 90_000, "to": NOW_MS, "lost": SILENT, "attempts": 4,
        "causes": {CONNECT_REFUSED: 2, CONNACK_BUSY: 1}, "server": 1}


def test_the_next_one_begins_anew_and_tells_no_time_while_it_is_unknown():
    outage = Outage(0)
    outage.failed(CONNECT_REFUSED)
    outage.lost(SILENT, 5)
    assert json.loads(outage.report(5 + OUTAGE_MS_MIN, None, 0)) == {
        "ms": OUTAGE_MS_MIN, "lost": SILENT, "attempts": 1,
        "causes": {}, "server": 0}


def test_a_short_one_and_a_start_that_went_well_are_not_told():
    outage = Outage(0)
    assert outage.report(10 * OUTAGE_MS_MIN, NOW_MS, 0) == ""
    outage.lost(SILENT, 0)
    outage.failed(CONNACK_BUSY)
    assert outage.report(OUTAGE_MS_MIN - 1, NOW_MS, 0) == ""


def test_a_start_that_found_no_server_is_told():
    outage = Outage(0)
    outage.failed(CONNECT_REFUSED)
    assert json.loads(outage.report(OUTAGE_MS_MIN, NOW_MS, 0))["lost"] == "power up"


def test_the_longest_text_fits_the_observation():
    outage = Outage(0)
    outage.lost(max(TABLE, key=len), 0)
    causes = sorted(TABLE, key=len, reverse=True)
    for number, cause in enumerate(causes, 1):
        for _ in range(1_000 + number):
            outage.failed(cause)
    text = outage.report(1 << 42, NOW_MS, 9)
    told = json.loads(text)["causes"]
    assert len(text) <= TEXT_BYTES_MAX
    assert told["other"] + sum(told[cause] for cause in told if cause != "other") == sum(
        1_000 + number for number in range(1, len(causes) + 1))
    assert causes[-1] in told, "the most frequent one has its name"


def test_the_operator_hears_of_an_outage_after_it_and_of_none_before():
    world = AgentWorld(20261125)
    world.run(120_000)
    began_ms = world.now_ms
    world.begin("refused")
    world.run(100_000)
    told = [fact for fact in facts_of(world) if fact[2] == OUTAGE_ID]
    assert told == []
    world.settle()
    world.check()
    told = [json.loads(fact[3]) for fact in facts_of(world) if fact[2] == OUTAGE_ID]
    first = told[0]
    assert first["lost"] == "closed by the server" and first["server"] == 0
    assert first["causes"] == {CONNECT_REFUSED: first["attempts"] - 1}
    assert 0 <= first["from"] - UTC_MS - began_ms < 1_000
    assert first["to"] - first["from"] > 100_000


def facts_of(world):
    """What the receiver has stored of the records."""
    store = world.agent.uplink.store_id
    return list(world.receiver.stored.get((store, "records"), {}).values())
