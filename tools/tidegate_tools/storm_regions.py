"""Two regions: the first is lost, the second has room for a fifth of its own fleet more."""

import heapq
import random
from array import array

import numpy
from tidegate.link import causes
from tidegate.link.backoff import Backoff
from tidegate.link.endpoints import Endpoints

from tidegate_tools.storm_fleet import BEGIN_MS
from tidegate_tools.storm_fronts import UP, Capacity, Refusing

_DEVICE_BITS = 21
_DEVICE_MASK = (1 << _DEVICE_BITS) - 1


class Full(Refusing):
    """A front end that refuses once its room is taken."""

    def __init__(self, room_count, *arguments, **options):
        super().__init__(*arguments, **options)
        self._room_count = room_count
        self.admitted_count_max = 0

    def _serve(self, now_ms, patience_ms):
        if self.admitted_count >= self._room_count:
            return self._outcome, now_ms + self._latency_ms()
        answer = super()._serve(now_ms, patience_ms)
        self.admitted_count_max = max(self.admitted_count_max, self.admitted_count)
        return answer


def run(count, ideal_s, outage_s, hint_s, refusal, horizon_s, seed=1):
    """Play the loss of the first region.

    Arguments: refusal, the outcome with which both refuse; the rest as in `storm_scenario`.
    Result: dict of the figures: peak attempts in 10 s over admissions at B, before and after
    restoration; the same at A after it; t99 after restoration over N/C; share admitted by B.
    """
    draws = random.Random(seed)

    def below(bound):
        return int(draws.random() * bound)

    def latency_ms():
        return 475 + below(250)

    end_ms = BEGIN_MS + int(outage_s * 1000)
    rate = count / ideal_s
    burst_count = max(20, int(rate))
    fronts = (
        Refusing(Capacity([(0, rate)]), (BEGIN_MS, end_ms), refusal, latency_ms, burst_count),
        Full(count // 5, Capacity([(0, rate)]), (0, 0), refusal, latency_ms, burst_count))
    fleet = []
    for _ in range(count):
        backoff = Backoff(below)
        backoff.hint(int(hint_s * 1000), False)
        backoff.up(0)
        fleet.append((backoff, Endpoints(2, below)))
    stop_ms = end_ms + int(horizon_s * 1000)
    attempts, up_ms = _play(fleet, fronts, stop_ms)
    split = end_ms // 1000
    peaks = [_peak(attempts[index][part]) / 10 / rate
             for index, part in ((1, slice(None)), (0, slice(split, None)))]
    times = numpy.sort(numpy.where(up_ms < 0, 1 << 60, up_ms))
    t99_s = max(0, times[-(-count * 99 // 100) - 1] - end_ms) / 1000
    return {"peak B": peaks[0], "peak A": peaks[1], "t99": float(t99_s / ideal_s),
            "share at B": fronts[1].admitted_count_max / count}


def _play(fleet, fronts, stop_ms):
    attempts = [array("I", bytes(4 * (stop_ms // 1000 + 2))) for _ in fronts]
    up_ms = numpy.full(len(fleet), -1, dtype=numpy.int64)
    heap = [BEGIN_MS << _DEVICE_BITS | index for index in range(len(fleet))]
    state = bytearray(b"\x01" * len(fleet))
    while heap:
        key = heapq.heappop(heap)
        now_ms, index = key >> _DEVICE_BITS, key & _DEVICE_MASK
        if now_ms >= stop_ms:
            break
        backoff, endpoints = fleet[index]
        if state[index] and endpoints.index == 0:
            state[index] = 0
            wait_ms = backoff.lost(causes.CLOSED, now_ms)
            endpoints.lost(backoff.period_ms, now_ms)
            wait_ms = _next(endpoints, wait_ms, now_ms)
            heapq.heappush(heap, now_ms + wait_ms << _DEVICE_BITS | index)
            continue
        if endpoints.wait_ms(now_ms) == 0:
            if state[index]:
                backoff.lost(causes.LEFT, now_ms)
                fronts[endpoints.index].admitted_count -= 1
                state[index] = 0
            endpoints.change(now_ms)
        backoff.began(now_ms)
        front = fronts[endpoints.index]
        attempts[endpoints.index][now_ms // 1000] += 1
        outcome, done_ms = front.attempt(now_ms, backoff.patience_ms())
        if outcome == UP:
            backoff.up(done_ms)
            endpoints.up(done_ms)
            state[index] = 1
            if up_ms[index] < 0:
                up_ms[index] = done_ms
            if endpoints.index:
                wait_ms = endpoints.wait_ms(done_ms)
                heapq.heappush(heap, done_ms + wait_ms << _DEVICE_BITS | index)
            continue
        wait_ms = backoff.failed(outcome, done_ms)
        endpoints.failed(done_ms)
        heapq.heappush(heap, done_ms + _next(endpoints, wait_ms, done_ms) << _DEVICE_BITS | index)
    return attempts, up_ms


def _next(endpoints, wait_ms, now_ms):
    planned_ms = endpoints.wait_ms(now_ms)
    return wait_ms if planned_ms < 0 else min(wait_ms, planned_ms)


def _peak(per_second):
    sums = numpy.concatenate(([0], numpy.cumsum(numpy.array(per_second, dtype=numpy.int64))))
    return int((sums[10:] - sums[:-10]).max())
