"""Endpoints: one device leaves late, asks home in between, and returns slowly."""

import random

from tidegate.limits import FAILOVER_AFTER_MS, REHEARSE_MS_MAX, RETURN_AFTER_MS
from tidegate.link.endpoints import FAILOVER, NOTHING, RETURN, Endpoints

WINDOW_MS = 330_000


def make(count=2, share=0):
    return Endpoints(count, lambda bound: min(bound - 1, bound * share // 2))


def moved(share=0):
    endpoints = make(2, share)
    endpoints.lost(WINDOW_MS, 0)
    endpoints.change(FAILOVER_AFTER_MS)
    return endpoints


def test_a_single_endpoint_is_never_left():
    endpoints = make(1)
    endpoints.lost(WINDOW_MS, 0)
    assert endpoints.wait_ms(0) == -1 and not endpoints.failed(0)
    assert not endpoints.moved() and not endpoints.rehearse(600_000, WINDOW_MS, 0)


def test_failover_is_drawn_over_the_window_behind_its_delay():
    for share, extra_ms in ((0, 0), (2, WINDOW_MS - 1)):
        endpoints = make(2, share)
        endpoints.lost(WINDOW_MS, 7)
        assert endpoints.plan == FAILOVER
        assert endpoints.wait_ms(7) == FAILOVER_AFTER_MS + extra_ms


def test_a_fleet_moves_evenly_over_the_window():
    draws = random.Random(6)
    waits = []
    for _ in range(2_000):
        endpoints = Endpoints(2, lambda bound: draws.randrange(bound))
        endpoints.lost(WINDOW_MS, 0)
        waits.append(endpoints.wait_ms(0) - FAILOVER_AFTER_MS)
    tenths = [sum(1 for wait in waits if tenth <= wait * 10 // WINDOW_MS < tenth + 1)
              for tenth in range(10)]
    assert 140 < min(tenths) and max(tenths) < 260


def test_failures_do_not_put_the_moment_off():
    endpoints = make()
    endpoints.lost(WINDOW_MS, 0)
    for now_ms in range(0, 300_000, 60_000):
        assert not endpoints.failed(now_ms)
        endpoints.lost(WINDOW_MS, now_ms)
    assert endpoints.wait_ms(300_000) == FAILOVER_AFTER_MS - 300_000


def test_a_session_at_home_calls_the_failover_off():
    endpoints = make()
    endpoints.lost(WINDOW_MS, 0)
    endpoints.up(1_000)
    assert endpoints.plan == NOTHING and endpoints.index == 0


def test_while_nobody_admits_it_every_second_attempt_asks_home():
    endpoints = moved()
    assert endpoints.index == 1
    seen = []
    for _ in range(4):
        endpoints.failed(0)
        seen.append(endpoints.index)
    assert seen == [0, 1, 0, 1]


def test_with_three_endpoints_every_one_gets_its_turn():
    endpoints = make(3)
    endpoints.lost(WINDOW_MS, 0)
    endpoints.change(0)
    seen = []
    for _ in range(6):
        endpoints.failed(0)
        seen.append(endpoints.index)
    assert seen == [0, 2, 0, 1, 0, 2]


def test_return_is_drawn_over_a_long_span_and_home_takes_it_back():
    for share, extra_ms in ((0, 0), (2, RETURN_AFTER_MS - 1)):
        endpoints = moved(share)
        endpoints.up(FAILOVER_AFTER_MS)
        assert endpoints.plan == RETURN
        wait_ms = endpoints.wait_ms(FAILOVER_AFTER_MS)
        assert wait_ms == RETURN_AFTER_MS + extra_ms
        endpoints.change(FAILOVER_AFTER_MS + wait_ms)
        assert endpoints.index == 0
        endpoints.up(FAILOVER_AFTER_MS + wait_ms + 500)
        assert endpoints.plan == NOTHING
        assert endpoints.returned_ms == FAILOVER_AFTER_MS + wait_ms + 500


def test_a_home_that_refuses_sends_it_back_for_twice_as_long():
    endpoints = moved()
    endpoints.up(0)
    endpoints.change(RETURN_AFTER_MS)
    assert endpoints.failed(RETURN_AFTER_MS) and endpoints.index == 1
    endpoints.up(RETURN_AFTER_MS)
    assert endpoints.wait_ms(RETURN_AFTER_MS) == 2 * RETURN_AFTER_MS


def test_a_rehearsal_moves_delivers_and_returns_with_its_moments():
    endpoints = make(2, 1)
    assert endpoints.rehearse(600_000, WINDOW_MS, 0)
    assert endpoints.wait_ms(0) == WINDOW_MS // 2
    endpoints.change(165_000)
    endpoints.up(166_000)
    assert endpoints.is_rehearsal and endpoints.wait_ms(166_000) == 600_000
    endpoints.change(766_000)
    endpoints.up(767_000)
    assert (endpoints.left_ms, endpoints.arrived_ms, endpoints.returned_ms) == (
        165_000, 166_000, 767_000)
    assert not endpoints.is_rehearsal


def test_a_rehearsal_is_refused_away_from_home_and_out_of_bounds():
    assert not moved().rehearse(600_000, WINDOW_MS, 0)
    assert not make().rehearse(0, WINDOW_MS, 0)
    assert not make().rehearse(REHEARSE_MS_MAX + 1, WINDOW_MS, 0)


def test_a_server_that_sends_it_elsewhere_is_obeyed():
    endpoints = make(3)
    assert endpoints.moved() and endpoints.index == 1
