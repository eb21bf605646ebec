"""What is sent when, on which topic, and in which order."""

from uplink_world import UplinkWorld, facts, seqs, settle

from tidegate.limits import BACKLOG_WAIT_MS, BATCH_COUNT_MAX, WINDOW_COUNT_MAX
from tidegate.observe.catalogue import RECORDS


def test_nothing_is_sent_before_the_session_is_up_and_after_it_went_down():
    world = UplinkWorld()
    world.fill(5)
    assert world.step(10_000) == []
    world.up()
    world.down()
    assert world.step(10_000) == []


def test_the_birth_names_what_is_held_and_where_live_begins():
    world = UplinkWorld()
    world.fill(10)
    world.fill(3, RECORDS)
    world.echo(4)
    world.up()
    assert world.births == {
        "telemetry": {"first": 5, "split": 11},
        "records": {"first": 1, "split": 4},
    }


def test_live_is_sent_at_once_and_the_backlog_waits_two_seconds():
    world = UplinkWorld()
    world.fill(3)
    world.up()
    assert world.step() == []
    world.append(77)
    live = world.step(BACKLOG_WAIT_MS - 2)
    assert [(topic, batch["historical"]) for _, topic, batch in live] == [("live", False)]
    assert seqs(live) == [4]
    backlog = world.step(2)
    assert [(topic, batch["historical"]) for _, topic, batch in backlog] == [("history", True)]
    assert seqs(backlog) == [1, 2, 3]


def test_each_log_has_its_topics_and_records_go_first():
    world = UplinkWorld()
    world.fill(2)
    world.fill(2, RECORDS)
    world.up()
    world.wait(BACKLOG_WAIT_MS)
    world.append(b"live record", RECORDS)
    world.append(5)
    sent = [(topic, batch["log"], batch["historical"]) for _, topic, batch in world.step(1)]
    assert sent == [
        ("records", "records", False),
        ("live", "telemetry", False),
        ("records", "records", True),
        ("history", "telemetry", True),
    ]


def test_every_observation_is_sent_exactly_once_while_nothing_is_lost():
    world = UplinkWorld()
    world.fill(200)
    world.fill(20, RECORDS)
    world.up()
    for number in range(50):
        world.append(number)
        for packet_id, _, _ in world.step(100):
            world.puback(packet_id)
    settle(world)
    sent = {"telemetry": [], "records": []}
    for _, _, batch in world.sent():
        sent[batch["log"]] += facts(batch)
    for log, held in world.model.items():
        assert sorted(sent[log]) == sorted(held.items())


def test_the_window_holds_eight_and_the_backlog_leaves_one_place_for_live():
    world = UplinkWorld()
    world.fill(20 * BATCH_COUNT_MAX, pass_ms=1)
    world.up()
    backlog = world.step(BACKLOG_WAIT_MS)
    assert len(backlog) == WINDOW_COUNT_MAX - 1
    world.append(1)
    assert [topic for _, topic, _ in world.step(1)] == ["live"]
    world.append(2)
    assert world.step(1) == [], "the window is full"
    world.puback(backlog[0][0])
    assert [topic for _, topic, _ in world.step(1)] == ["live"]
    assert world.step(1) == []
    for packet_id, _, _ in backlog[1:3]:
        world.puback(packet_id)
    assert [topic for _, topic, _ in world.step(1)] == ["history"]


def test_live_alone_never_takes_the_place_of_the_backlog():
    world = UplinkWorld()
    world.fill(3 * BATCH_COUNT_MAX, pass_ms=1)
    world.up()
    topics = []
    for number in range(20):
        world.append(number)
        topics += [topic for _, topic, _ in world.step(BACKLOG_WAIT_MS // 10)]
    assert topics.count("live") == WINDOW_COUNT_MAX - 1 and topics.count("history") == 1
    assert topics[-1] == "history"


def test_a_fresh_observation_waits_for_no_backlog_message_that_is_not_yet_sent():
    world = UplinkWorld()
    world.fill(20 * BATCH_COUNT_MAX, pass_ms=1)
    world.up()
    world.step(BACKLOG_WAIT_MS)
    for number in range(20):
        world.append(number)
        world.puback(world.session.packet_id - number % 3)
        sent = world.step(5)
        assert sent[0][1] == "live"
        world.puback(sent[0][0])


def test_no_room_in_the_link_sends_nothing_and_loses_nothing():
    world = UplinkWorld()
    world.fill(5)
    world.up()
    world.session.is_open = False
    assert world.step(BACKLOG_WAIT_MS) == []
    world.session.is_open = True
    assert seqs(world.step(1)) == [1, 2, 3, 4, 5]


def test_after_a_lost_session_the_same_keys_carry_the_same_content():
    world = UplinkWorld()
    world.fill(30)
    world.append(b"opaque")
    world.up()
    world.append(5)
    before = world.step(BACKLOG_WAIT_MS)
    world.down()
    world.wait(50_000)
    world.up()
    again = world.step(BACKLOG_WAIT_MS)
    assert dict(facts(before[0][2]) + facts(before[1][2])) == dict(facts(again[0][2]))
    assert again[0][1] == "history", "what was live in the session before is history in this one"


def test_what_live_got_confirmed_is_not_sent_again_after_a_lost_session():
    world = UplinkWorld(is_echo=False)
    world.fill(10)
    world.up()
    world.append(77)
    world.append(78)
    live = world.step(1)
    world.puback(live[0][0])
    world.fill(3)
    world.down()
    world.up()
    world.append(99)
    sent = world.step(BACKLOG_WAIT_MS)
    assert [(each[1], seqs([each])) for each in sent] == [
        ("live", [16]),
        ("history", list(range(1, 11))),
        ("history", [13, 14, 15]),
    ]


def test_the_backlog_ends_at_the_split_also_where_live_has_confirmed_ranges_behind_it():
    world = UplinkWorld(is_echo=False)
    world.fill(3 * BATCH_COUNT_MAX)
    world.up()
    world.append(1)
    unconfirmed = world.step(1)
    world.append(2)
    confirmed = world.step(1)
    world.puback(confirmed[0][0])
    settle(world)
    sent = seqs(world.sent())
    assert len(sent) == len(set(sent)) == 3 * BATCH_COUNT_MAX + 2
    assert seqs(unconfirmed) == [3 * BATCH_COUNT_MAX + 1]


def test_lag_tells_age_and_count_of_each_log():
    world = UplinkWorld()
    world.append(1)
    world.wait(200_000)
    world.append(2)
    world.append(b"signed", RECORDS)
    world.wait(10_000)
    world.up()
    lags = {batch["log"]: batch["lag"] for _, _, batch in world.step(BACKLOG_WAIT_MS)}
    assert lags["telemetry"]["count"] == 2 and 211 <= lags["telemetry"]["age_s"] <= 213
    assert lags["records"]["count"] == 1 and 11 <= lags["records"]["age_s"] <= 13
