"""A session with a peer that keeps to the rules, or nearly: the way up, and what it carries."""

import pytest
from mqtt_peer import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    SUBACK,
    SUBSCRIBE,
    puback,
    publish,
    suback,
)
from session_world import CONFIRM, PHASES, World, held_in

from tidegate.limits import TICKS_MASK_MS, TX_BYTES_MAX
from tidegate.link import causes, session


def test_the_way_up_is_connect_then_subscribe_then_up():
    world = World().up()
    assert world.network.asked == ["host"]
    assert world.network.opened == [(world.network.NUMBER, 1883)]
    assert world.broker.kinds() == [CONNECT, SUBSCRIBE]
    assert world.broker.subscriptions == [CONFIRM]
    assert world.broker.packets[0][1][7] == 0x2E, "clean session, retained will of QoS 1, no user"
    assert [each[0] for each in world.handler.events] == ["up"]
    assert len(world.network.stream.sends) == 2, "one packet is one send"


def test_with_tls_the_connect_waits_for_the_handshake_and_the_host_is_named():
    world = held_in(session.SECURE)
    assert world.network.secured == ["host"] and world.broker.packets == []
    assert world.session.wants_to_write()
    world.network.shakes = True
    world.broker.answers = {CONNACK, SUBACK}
    world.step(1).step(1).step(1)
    assert world.session.phase == session.UP
    assert world.broker.kinds() == [CONNECT, SUBSCRIBE]
    assert len(world.network.stream.sends) == 2, "one packet is one send"


def test_the_number_of_a_session_is_kept_and_a_number_nobody_is_at_gives_way():
    world = World().up()
    assert world.network.NUMBER in world.keep.records["addresses"].decode()
    world.broker.cut()
    world.step(1)
    world.network.names = ["192.0.2.8"]
    world.network.refusal = 111
    world.open().step(1)
    world.network.refusal = 0
    world.up()
    numbers = [number for number, _ in world.network.opened]
    assert numbers == ["192.0.2.7", "192.0.2.7", "192.0.2.8"]


def test_publishes_of_one_step_are_in_flight_together():
    world = World(answers=(CONNACK, SUBACK)).up()
    ids = [world.publish() for _ in range(8)]
    world.step()
    assert [each[2] for each in world.broker.publishes()] == ids
    assert len(set(ids)) == 8
    assert world.handler.named("puback") == []


@pytest.mark.parametrize("order", [list, reversed, lambda held: held[1::2] + held[::2]])
def test_pubacks_count_in_any_order(order):
    world = World(answers=(CONNACK, SUBACK)).up()
    ids = [world.publish() for _ in range(8)]
    world.step()
    world.broker.release(order)
    world.step(1)
    assert world.handler.named("puback") == [(each,) for each in order(ids)]
    assert world.session.phase == session.UP


def test_a_puback_of_an_unknown_id_or_a_second_one_reports_nothing():
    world = World(answers=(CONNACK, SUBACK)).up()
    packet_id = world.publish()
    world.step()
    world.arrive(puback(packet_id + 1) + puback(packet_id) + puback(packet_id)).step()
    assert world.handler.named("puback") == [(packet_id,)]
    assert world.session.phase == session.UP


def unconfirmed():
    """A world whose last session ended with a publish unconfirmed, up again."""
    world = World(answers=(CONNACK, SUBACK, PINGRESP)).up()
    world.publish()
    for _ in range(61):
        world.step(1_000)
    assert world.downs() == [(session.UP, causes.UNCONFIRMED)]
    return world.up()


def test_after_an_unconfirmed_publish_one_is_in_flight_at_first_and_one_more_with_each_puback():
    world = unconfirmed()
    widths = []
    for _ in range(10):
        ids = []
        while world.session.can_publish(1) and len(ids) < 50:
            ids.append(world.publish())
        widths.append(len(ids))
        world.step()
        world.broker.release()
        world.step(1)
    assert widths[:4] == [1, 2, 4, 50], "from the whole window on the uplink has its own rule"


def test_the_window_of_one_outlives_attempts_that_fail():
    world = unconfirmed()
    world.broker.cut()
    world.step(1)
    world.network.refusal = 111
    world.open().step(1)
    world.network.refusal = 0
    world.up()
    assert world.session.can_publish(1)
    world.publish()
    assert not world.session.can_publish(1)


def test_a_puback_in_the_place_of_a_suback_subscribes_to_nothing():
    world = held_in(session.SUBSCRIBE)
    world.arrive(puback(1)).step(1)
    assert world.session.phase == session.SUBSCRIBE and world.handler.events == []


def test_a_redelivered_message_is_acknowledged_again_and_one_never_asked_for_too():
    world = World().up()
    for topic, dup in ((CONFIRM, False), (CONFIRM, True), (b"other", False)):
        world.arrive(publish(topic, b"echo", 7, dup=dup)).step(1)
    assert [each[0] for each in world.handler.named("message")] == [CONFIRM, CONFIRM, b"other"]
    assert world.broker.packets.count((0x40, b"\x00\x07")) == 3
    assert world.session.phase == session.UP


def test_a_late_puback_of_the_session_before_confirms_nothing_in_this_one():
    world = World(answers=(CONNACK, SUBACK)).up()
    before = world.publish()
    world.step()
    world.broker.cut()
    world.step(1)
    world.up()
    assert world.publish() != before
    world.step()
    world.arrive(puback(before)).step(1)
    assert world.handler.named("puback") == []


def test_packet_ids_wrap_from_65535_to_1_and_never_meet_one_in_flight():
    world = World(answers=(CONNACK, SUBACK)).up()
    first = world.publish()
    world.step()
    assert first == 2, "the subscription took 1"
    seen = []
    for _ in range(65_600):
        packet_id = world.publish()
        seen.append(packet_id)
        world.step()
        world.arrive(puback(packet_id)).step()
        world.network.stream.sends.clear()
        world.broker.packets.clear()
    assert 0 not in seen and max(seen) == 65_535
    assert first not in seen, "its first publish is still in flight"
    at = seen.index(65_535)
    assert seen[at + 1 : at + 3] == [1, 3]
    assert len(world.handler.named("puback")) == 65_600


def test_a_suback_of_another_id_does_not_bring_the_session_up():
    world = held_in(session.SUBSCRIBE)
    world.arrive(suback(999)).step(1)
    assert world.session.phase == session.SUBSCRIBE
    world.arrive(suback(1)).step(1)
    assert world.session.phase == session.UP


def test_a_quiet_session_pings_and_lives_for_ever():
    world = World().up()
    for _ in range(3_600):
        world.step(1_000)
    assert world.session.phase == session.UP
    pings = world.broker.kinds().count(PINGREQ)
    assert 3_600 // 60 <= pings <= 3_600 // 30 + 1, "between one and two each keep-alive"


def test_the_device_never_stays_quiet_for_a_keep_alive_even_if_the_server_talks():
    world = World().up()
    sent_ms = world.now_ms
    count = len(world.network.stream.sends)
    for _ in range(600):
        world.arrive(publish(b"other", b"noise"))
        world.step(1_000)
        if len(world.network.stream.sends) != count:
            count = len(world.network.stream.sends)
            sent_ms = world.now_ms
        assert world.now_ms - sent_ms < 60_000
    assert world.session.phase == session.UP


def test_the_first_ping_of_a_later_session_is_not_delayed_by_those_of_an_earlier_one():
    """The moment of the last ping is a tick, and ticks come round again."""
    world = World().up()
    for _ in range(35):
        world.step(1_000)
    pinged_ms = world.now_ms - 5_000
    world.broker.cut()
    world.step(1)
    world.now_ms = pinged_ms + TICKS_MASK_MS - 20_000
    world.up()
    for _ in range(31):
        world.step(1_000)
    assert PINGREQ in world.broker.kinds()


def test_a_message_reaches_the_handler_and_is_acknowledged():
    world = World().up()
    world.broker.deliver(CONFIRM, b"echo")
    world.step(1)
    assert world.handler.named("message") == [(CONFIRM, b"echo")]
    assert world.broker.packets[-1] == (0x40, b"\x00\x01")


def test_a_message_before_the_suback_is_taken_as_brokers_send_retained_ones_early():
    world = held_in(session.SUBSCRIBE)
    world.arrive(publish(CONFIRM, b"early", 4, retain=True) + suback(1)).step(1)
    assert world.handler.named("message") == [(CONFIRM, b"early")]
    assert world.session.phase == session.UP


def test_many_packets_of_one_read_are_taken_in_bounded_steps():
    world = World().up()
    world.arrive(b"\xd0\x00" * 40 + publish(CONFIRM, b"last", 1))
    for _ in range(3):
        world.step()
    assert world.handler.named("message") == [(CONFIRM, b"last")]


def test_a_flood_to_a_device_whose_answers_nobody_reads_waits_in_the_network():
    world = World().up()
    world.network.stream.room_bytes = 0
    world.arrive(b"".join(publish(CONFIRM, b"%d" % number, 9) for number in range(3_000)))
    for _ in range(400):
        world.step()
    taken = len(world.handler.named("message"))
    assert world.session.phase == session.UP and TX_BYTES_MAX // 5 < taken < TX_BYTES_MAX // 4
    world.network.stream.room_bytes = None
    for _ in range(400):
        world.step()
    assert len(world.handler.named("message")) == 3_000
    assert world.broker.packets.count((0x40, b"\x00\x09")) == 3_000


def test_close_says_goodbye_and_reports_the_end():
    world = World().up()
    world.session.close(world.now_ms)
    assert world.broker.kinds()[-1] == DISCONNECT
    assert world.downs() == [(session.UP, causes.ENDED)]
    world.session.close(world.now_ms)
    assert len(world.downs()) == 1, "a session that has ended does not end again"


def test_a_publish_larger_than_the_room_is_said_before():
    world = World(answers=(CONNACK, SUBACK)).up()
    world.network.stream.room_bytes = 0
    assert world.session.can_publish(2_000)
    world.publish(b"y" * 2_000)
    assert not world.session.can_publish(2_000)
    world.step()
    assert world.session.wants_to_write()
    world.network.stream.room_bytes = None
    world.step()
    assert world.session.can_publish(2_000) and not world.session.wants_to_write()


def test_nothing_can_be_published_unless_the_session_is_up():
    assert not World().session.can_publish(1)
    for phase in PHASES:
        assert not held_in(phase).session.can_publish(1)
