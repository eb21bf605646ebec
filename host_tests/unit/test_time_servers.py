"""Time servers that lie, are late, kiss or say nothing: what is believed, how often is asked."""

import pytest
import time_checks
from time_checks import Asking

from tidegate.limits import SNTP_PERIOD_MS

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"
HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS


@pytest.mark.parametrize("check", time_checks.CHECKS, ids=lambda check: check.__name__)
def test_what_both_interpreters_do(check):
    check()


def test_two_servers_that_agree_are_believed_and_one_that_lies_is_outvoted():
    world = Asking(A, B, C)
    world.network.servers[B].error_ms = YEAR_MS
    world.run(120_000)
    assert len(world.found) == 1 and abs(world.found[0][1]) <= 20
    world = Asking(A, B)
    assert abs(world.run(20_000)[0][1]) <= 20


def test_two_servers_that_disagree_are_not_believed_and_are_asked_ever_more_seldom():
    world = Asking(A, B)
    world.network.servers[B].error_ms = 5_000
    assert world.run(12 * HOUR_MS) == []
    assert world.asking.trouble == "another time"
    assert world.asking.asked_count < 60
    for server in world.network.servers.values():
        moments = [each[0] for each in server.questions]
        assert min(after - before for before, after in zip(moments, moments[1:])) >= 15_000


@pytest.mark.parametrize("error_ms", [2_000, -2_000, 10 * YEAR_MS])
def test_a_server_that_leaps_alone_moves_nothing_and_one_that_stays_there_does(error_ms):
    world = Asking(A)
    world.run(60_000)
    server = world.network.servers[A]
    server.error_ms = error_ms
    before = len(server.questions)
    while len(server.questions) == before:
        world.run(1_000)
    server.error_ms = 0
    world.run(2 * HOUR_MS)
    assert all(abs(error) <= 20 for _, error in world.found), "one answer is none"
    server.error_ms = error_ms
    world.run(2 * SNTP_PERIOD_MS)
    assert abs(world.found[-1][1] - error_ms) <= 20


@pytest.mark.parametrize(
    "utc_ms, is_taken",
    [
        (1_735_689_599_000, False),
        (1_735_689_600_500, True),
        (2_147_483_648_000, True),
        (4_102_444_799_000, True),
        (4_102_444_800_000, False),
        (946_684_800_000, False),
        (0, False),
    ],
)
def test_a_year_that_cannot_be_is_refused(utc_ms, is_taken):
    world = Asking(A)
    world.network.servers[A].error_ms = utc_ms - world.true_ms()
    world.run(5_000)
    assert bool(world.found) == is_taken
    assert world.asking.trouble == ("" if is_taken else "no such year")


def test_an_answer_that_took_more_than_a_second_is_dropped():
    world = Asking(A)
    world.network.servers[A].delay_ms = 1_050
    assert world.run(60_000) == []
    assert world.asking.trouble == "no answer in time" and world.network.open_count <= 1
    world.network.servers[A].delay_ms = 960
    assert abs(world.run(600_000)[0][1]) <= 20


def test_an_answer_that_was_read_late_is_dropped_like_one_that_came_late():
    world = Asking(A)
    while not world.network.servers[A].questions:
        world.run(1)
    world.passed_ms += 1_500
    assert world.run(100) == [] and world.asking.trouble == "no answer in time"


@pytest.mark.parametrize("kiss", [b"DENY", b"RSTR"])
def test_who_denies_is_not_asked_again(kiss):
    world = Asking(A, B)
    world.network.servers[A].options = {"stratum": 0, "name": kiss}
    world.run(24 * HOUR_MS)
    assert len(world.network.servers[A].questions) == 1
    assert 6 <= len(world.found) <= 8, "the other one is asked alone"
    world = Asking(A)
    world.network.servers[A].options = {"stratum": 0, "name": kiss}
    world.run(24 * HOUR_MS)
    assert world.asking.asked_count == 1 and world.network.open_count == 0


def test_who_is_asked_too_often_is_asked_half_as_often():
    world = Asking(A)
    world.run(10_000)
    world.network.servers[A].options = {"stratum": 0, "name": b"RATE"}
    before = world.asking.asked_count
    while world.asking.asked_count == before or world.asking.trouble == "":
        world.run(60_000)
    world.network.servers[A].options = {}
    world.run(HOUR_MS)
    begin_ms, count = world.passed_ms, len(world.found)
    world.run(48 * HOUR_MS)
    assert 4 <= len(world.found) - count <= 6, (begin_ms, world.found)


@pytest.mark.parametrize(
    "spoil",
    [
        {"is_silent": True},
        {"is_closed": True},
        {"options": {"nonce": bytes(8)}},
        {"options": {"first": 0xE4}},
        {"options": {"root": (0, 2 << 16)}},
        {"delay_ms": 5_000},
        {"sender": ("192.0.2.66", 123)},
        {"sender": (A, 124)},
    ],
    ids=str,
)
def test_a_server_of_no_use_gives_way_to_the_next_and_costs_few_questions(spoil):
    world = Asking(A, B)
    for name, value in spoil.items():
        setattr(world.network.servers[A], name, value)
    world.run(120_000)
    assert abs(world.found[0][1]) <= 20
    for name, value in spoil.items():
        setattr(world.network.servers[B], name, value)
    world.expected_error_ms, before = None, world.asking.asked_count
    world.found.clear()
    assert world.run(24 * HOUR_MS) == [] and world.network.open_count == 0
    assert world.asking.asked_count - before <= 70


def test_names_are_looked_up_and_what_cannot_be_is_a_failure_like_any():
    world = Asking("time.example", A)
    world.network.names = [A]
    world.run(20_000)
    assert world.network.asked[0] == "time.example" and len(world.found) == 1
    for names in (3, None, []):
        world = Asking("time.example")
        world.network.names = names
        assert world.run(60_000) == [] and world.asking.asked_count == 0
        assert world.asking.trouble in ("name not found", "name lookup timed out")


def test_a_name_that_cannot_be_asked_for_is_a_failure_and_no_crash():
    world = Asking("a..b")
    world.network.names = 3
    assert world.run(60_000) == [] and world.asking.trouble == "name not found"


def test_nothing_is_asked_without_a_link_and_all_is_well_after_weeks_without_one():
    world = Asking(A)
    world.network.up = False
    world.run(20 * 24 * HOUR_MS)
    assert world.asking.asked_count == 0
    world.network.up = True
    assert len(world.run(10_000)) == 1


def test_a_name_with_several_numbers_is_good_if_one_of_them_is():
    world = Asking("time.example", A, B)
    world.asking._servers[1:] = []
    world.network.names = [A, B]
    world.network.servers[A].is_silent = True
    assert len(world.run(60_000)) == 1 and len(world.network.servers[B].questions) == 1


def test_a_crowd_that_wakes_together_asks_apart():
    firsts = []
    for seed in range(100):
        world = Asking(A, seed=seed)
        while not world.network.servers[A].questions:
            world.run(10)
        firsts.append(world.passed_ms // 500)
    assert all(firsts.count(half_second) < 25 for half_second in firsts) and max(firsts) <= 10
