"""Every way in which a session or an attempt ends, and the cause it gives."""

import random

import pytest
from mqtt_peer import (
    CONNACK,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    connack,
    packet,
    suback,
    text,
)
from session_world import BEGIN_MS, CONFIRM, PHASES, REQUEST, World, held_in

from tidegate.errors import LinkError
from tidegate.limits import TICKS_MASK_MS
from tidegate.link import causes, session


@pytest.mark.parametrize("phase", sorted(PHASES))
@pytest.mark.parametrize("begin_ms", [BEGIN_MS, TICKS_MASK_MS - 3_000])
def test_a_phase_that_takes_too_long_ends_the_attempt_with_its_cause(phase, begin_ms):
    cause, budget_ms = PHASES[phase]
    world = held_in(phase, begin_ms)
    world.step(budget_ms)
    assert world.downs() == []
    world.step(1)
    assert world.downs() == [(phase, cause)]
    assert world.session.phase == session.IDLE
    assert all(stream.close_count == 1 for stream in world.network.streams)


@pytest.mark.parametrize(
    "error, cause",
    [
        (111, causes.CONNECT_REFUSED),
        (61, causes.CONNECT_REFUSED),
        (113, causes.CONNECT_FAILED),
        (110, causes.CONNECT_FAILED),
        (104, causes.CONNECT_FAILED),
    ],
)
@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_connection_that_fails_says_why(error, cause, is_at_once):
    world = World()
    if is_at_once:
        world.network.refusal = error
        world.open().step()
    else:
        world.network.connects = False
        world.open().step()
        world.network.stream.error = error
        world.step(5)
    assert world.downs() == [(session.CONNECT, cause)]


@pytest.mark.parametrize("answer", [2, 3, 5, []])
def test_a_name_that_cannot_be_looked_up_says_so(answer):
    world = World()
    world.network.names = answer
    world.open().step()
    assert world.downs() == [(session.RESOLVE, causes.DNS_FAILED)]


@pytest.mark.parametrize(
    "code, cause",
    [
        (1, causes.CONNACK_REJECTED),
        (2, causes.CONNACK_REJECTED),
        (3, causes.CONNACK_BUSY),
        (4, causes.CONNACK_AUTH),
        (5, causes.CONNACK_AUTH),
        (6, causes.PROTOCOL),
        (255, causes.PROTOCOL),
    ],
)
def test_a_refused_connect_says_why_even_if_the_server_closes_at_once(code, cause):
    world = World()
    world.broker.connack_code = code
    world.open().step()
    world.broker.cut()
    world.step(1)
    assert world.downs() == [(session.CONNACK, cause)]
    assert SUBSCRIBE not in world.broker.kinds()


@pytest.mark.parametrize(
    "failure, cause",
    [
        (LinkError(causes.CERTIFICATE_HOST), causes.CERTIFICATE_HOST),
        (LinkError(causes.CERTIFICATE_EARLY), causes.CERTIFICATE_EARLY),
        (LinkError(causes.CLIENT_REFUSED), causes.CLIENT_REFUSED),
        (OSError(104), causes.RESET),
    ],
)
def test_a_handshake_that_fails_says_why(failure, cause):
    world = held_in(session.SECURE)
    world.network.shakes = failure
    world.step(1)
    assert world.downs() == [(session.SECURE, cause)]
    assert world.network.stream.close_count == 1


def test_patience_holds_for_the_handshake_as_for_the_connack():
    for phase in (session.SECURE, session.CONNACK):
        world = held_in(phase)
        world.session.patience_ms = 600_000
        world.step(600_000)
        assert world.downs() == []
        world.step(1)
        assert world.downs() == [(phase, PHASES[phase][0])]


def test_a_refused_subscription_says_so():
    world = World()
    world.broker.suback_code = 0x80
    world.open()
    for _ in range(3):
        world.step(1)
    assert world.downs() == [(session.SUBSCRIBE, causes.SUBACK_REFUSED)]
    assert world.handler.named("up") == []


@pytest.mark.parametrize("phase", [session.CONNACK, session.SUBSCRIBE, session.UP])
def test_a_close_by_the_peer_says_so_in_each_phase(phase):
    world = World().up() if phase == session.UP else held_in(phase)
    world.broker.cut()
    world.step(1)
    assert world.downs() == [(phase, causes.CLOSED_BY_PEER)]


@pytest.mark.parametrize("phase", [session.CONNACK, session.SUBSCRIBE, session.UP])
@pytest.mark.parametrize("error", [104, 32, 54, 103, 113])
def test_a_reset_says_so_in_each_phase(phase, error):
    world = World().up() if phase == session.UP else held_in(phase)
    world.network.stream.error = error
    world.step(1)
    assert world.downs() == [(phase, causes.RESET)]


@pytest.mark.parametrize("keep_alive_s, silent_s", [(5, 9), (20, 15), (60, 45), (400, 300)])
def test_a_server_that_falls_silent_is_asked_and_left_after_three_quarters_of_the_keep_alive(
    keep_alive_s, silent_s
):
    for quiet_ms in (0, 1, 997, 31_234):
        world = World().open((REQUEST[0], keep_alive_s, *REQUEST[2:]))
        for _ in range(4 + quiet_ms // 1_000):
            world.step(1_000)
        world.step(quiet_ms % 1_000)
        assert world.session.phase == session.UP and world.downs() == []
        world.broker.answers = set()
        silent_ms = world.now_ms
        while not world.downs() and world.now_ms < silent_ms + 600_000:
            world.step(1_000)
        assert world.downs() == [(session.UP, causes.SILENT)]
        assert world.now_ms - silent_ms <= 1_000 * silent_s
        assert world.broker.kinds()[-1] == PINGREQ, "left without being asked"


def test_a_turn_that_comes_a_minute_late_asks_before_it_leaves():
    world = World().up()
    world.step(60_000)
    assert world.downs() == []
    world.step(1)
    assert world.broker.kinds()[-1] == PINGREQ and world.step(30_000).downs() == []


def test_a_publish_without_its_puback_for_60_s_ends_the_session_though_pings_are_answered():
    world = World(answers=(CONNACK, SUBACK, PINGRESP)).up()
    world.publish()
    begin_ms = world.now_ms
    for _ in range(300):
        if not world.downs():
            world.step(1_000)
    assert world.downs() == [(session.UP, causes.UNCONFIRMED)]
    assert 60_000 <= world.now_ms - begin_ms <= 62_000
    assert world.broker.kinds().count(PUBLISH) == 1, "never a resend on a live connection"


def test_a_device_that_talks_still_asks_a_server_that_does_not_before_it_leaves():
    world = World(answers=(CONNACK, SUBACK, PINGRESP))
    world.open((REQUEST[0], 20, *REQUEST[2:]))
    for number in range(70):
        world.step(1_000)
        if number % 5 == 4 and world.session.phase == session.UP:
            world.publish()
    assert world.downs() == [(session.UP, causes.UNCONFIRMED)], "its pings were answered"


@pytest.mark.parametrize(
    "data",
    [
        connack(0),
        suback(1),
        b"\x00\x00",
        b"\xf0\x00",
        b"\x10\x00",
        b"\x82\x02\x00\x01",
        b"\x40\x01\x00",
        b"\x40\x03\x00\x01\x00",
        b"\x30\xff\xff\xff\xff\x7f",
        b"\x32\x80\x80\x40",
        packet(0x34, text(CONFIRM) + b"\x00\x01x"),
        packet(0x36, text(CONFIRM) + b"\x00\x01x"),
        packet(0x30, b"\xff\xff"),
        packet(0x30, b""),
    ],
)
def test_what_a_server_never_sends_ends_the_session(data):
    world = World().up()
    world.arrive(data).step(1)
    assert world.downs() == [(session.UP, causes.PROTOCOL)]
    assert world.handler.named("message") == []


@pytest.mark.parametrize(
    "data", [b"\x20\x00", b"\x20\x01\x00", b"HTTP/1.1 400 Bad Request\r\n" * 4]
)
def test_an_answer_to_connect_that_is_none_ends_the_attempt(data):
    world = held_in(session.CONNACK)
    world.arrive(data).step(1)
    assert world.downs() == [(session.CONNACK, causes.PROTOCOL)]


@pytest.mark.parametrize("seed", range(40))
def test_garbage_never_raises_and_never_brings_a_session_up(seed):
    chance = random.Random(seed)
    phase = chance.choice(sorted(PHASES)[3:] + [session.UP])
    world = World().up() if phase == session.UP else held_in(phase)
    for _ in range(30):
        if world.session.phase == session.IDLE:
            break
        world.arrive(chance.randbytes(chance.randrange(1, 60))).step(chance.randrange(3_000))
    world.step(200_000)
    assert len(world.downs()) == 1, f"seed {seed}: {world.handler.events}"
    assert len(world.handler.named("up")) == (1 if phase == session.UP else 0)


@pytest.mark.parametrize("phase", sorted(PHASES))
def test_close_in_any_phase_ends_the_attempt(phase):
    world = held_in(phase)
    world.session.close(world.now_ms)
    assert world.downs() == [(phase, causes.ENDED)]
    assert DISCONNECT not in world.broker.kinds()
