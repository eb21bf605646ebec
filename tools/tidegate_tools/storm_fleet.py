"""A fleet that loses its server: discrete events over the device's own back-off."""

import heapq
from array import array

import numpy

from tidegate_tools.storm_fronts import UP

BEGIN_MS = 100_000  # when the outage begins: everybody's session has proven itself by then
_DEVICE_BITS = 21
_DEVICE_MASK = (1 << _DEVICE_BITS) - 1


class Result:
    """What became of a fleet.

    Members: up_ms, the moment each device's last session came up, -1 for never; attempts and
    admissions per second; attempt_counts per device after restoration and in all; online, devices
    online at each second.
    """

    def __init__(self, count, end_ms, restored_ms):
        self.count, self.restored_ms = count, restored_ms
        seconds = end_ms // 1000 + 2
        self.attempts = array("I", bytes(4 * seconds))
        self.change = array("i", bytes(4 * seconds))
        self.up_ms = array("q", b"\xff" * (8 * count))
        self.attempt_count = self.attempt_count_after = 0
        self.end_ms = end_ms

    def share_ms(self, percent):
        """Ms from restoration until `percent` of the fleet are online; infinite for never."""
        up_ms = numpy.array(self.up_ms)
        up_ms = numpy.sort(numpy.where(up_ms < 0, numpy.iinfo(numpy.int64).max, up_ms))
        at_ms = up_ms[max(0, -(-self.count * percent // 100) - 1)]
        if at_ms == numpy.iinfo(numpy.int64).max:
            return float("inf")
        return float(max(0, at_ms - self.restored_ms))

    def peak(self, seconds):
        """Most attempts in any window of so many seconds after restoration."""
        after = numpy.array(self.attempts)[self.restored_ms // 1000:]
        sums = numpy.concatenate(([0], numpy.cumsum(after.astype(numpy.int64))))
        return int((sums[seconds:] - sums[:-seconds]).max())

    def online(self):
        """Devices online at the end of each second."""
        return self.count + numpy.cumsum(numpy.array(self.change))


def run(policies, front, lose_ms, loss, end_ms, cut=None, watch=None):
    """Play it until all are online, or until end_ms.

    Arguments: policies, one per device; front; lose_ms, when each device loses its session;
    loss, how (`causes`); cut(now_ms), when a session that came up at now_ms ends, None for never;
    watch(done, count), called now and then.
    Result: a Result.
    """
    count = len(policies)
    result = Result(count, end_ms, front.restored_ms)
    heap = [lose_ms[index] << _DEVICE_BITS | index for index in range(count)]
    heapq.heapify(heap)
    is_online = bytearray(b"\x01" * count)
    for policy in policies:
        policy.up(0)
    attempts, change, up_ms = result.attempts, result.change, result.up_ms
    restored_ms, attempt = front.restored_ms, front.attempt
    pop, push = heapq.heappop, heapq.heappush
    total = after = online_count = 0
    while heap:
        key = pop(heap)
        now_ms, index = key >> _DEVICE_BITS, key & _DEVICE_MASK
        if now_ms >= end_ms:
            break
        policy = policies[index]
        if is_online[index]:
            is_online[index] = 0
            change[now_ms // 1000] -= 1
            up_ms[index] = -1
            push(heap, now_ms + policy.lost(loss, now_ms) << _DEVICE_BITS | index)
            continue
        policy.began(now_ms)
        attempts[now_ms // 1000] += 1
        total += 1
        if now_ms >= restored_ms:
            after += 1
        outcome, done_ms = attempt(now_ms, policy.patience_ms())
        if outcome != UP:
            push(heap, done_ms + policy.failed(outcome, done_ms) << _DEVICE_BITS | index)
            continue
        policy.up(done_ms)
        is_online[index] = 1
        if done_ms < end_ms:
            up_ms[index] = done_ms
            change[done_ms // 1000] += 1
        if cut:
            push(heap, cut(done_ms) << _DEVICE_BITS | index)
        online_count += 1
        if watch and not online_count & 1023:
            watch(online_count, count)
    result.attempt_count, result.attempt_count_after = total / count, after / count
    return result
