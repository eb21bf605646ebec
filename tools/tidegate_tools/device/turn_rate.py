"""A turn of twelve observations against a bare loop, on the real MicroPython.

Prints one JSON object: microseconds per turn, by turns in one process: a loop that reads twelve
items of a list and compares each, a turn with equal values, a turn with noise within the bounds.
Arguments: how many turns at once, how often.
"""

import gc
import json
import sys
import time

sys.path.append(__file__.rsplit("/", 1)[0])

from suppression import EQUAL, IDS, Device, noisy  # noqa: E402
from tidegate.limits import TICKS_MASK_MS  # noqa: E402


def bare(values, before, count):
    """What no suppression can do without. Result: how many items differ."""
    differing_count = 0
    for _ in range(count):
        for index in range(12):
            if values[index] != before[index]:
                differing_count += 1
    return differing_count


def turn_all(device, lists, count):
    """So many turns, less than a heartbeat in all."""
    begin, offer, end = device.sampler.begin_turn, device.offer, device.sampler.end_turn
    ids, now_ms = IDS, device.now_ms
    for _ in range(count // len(lists)):
        for values in lists:
            now_ms = now_ms + 1 & TICKS_MASK_MS
            begin(now_ms)
            for index in range(12):
                offer(ids[index], values[index])
            end()
    device.now_ms = now_ms


def duration_us(run, *arguments):
    """Microseconds that a call takes."""
    gc.collect()
    begin_us = time.ticks_us()
    run(*arguments)
    return time.ticks_diff(time.ticks_us(), begin_us)


def main(count, times):
    """Both kinds have a device of their own; what they report is their first values."""
    lists = noisy()
    sides = [(Device(), [EQUAL] * len(lists)), (Device(), lists)]
    for device, values in sides:
        device.turn(EQUAL, 1)
        turn_all(device, values, 16 * len(lists))
    reported = [device.seq for device, _ in sides]
    found = []
    for _ in range(times):
        found.append([duration_us(bare, EQUAL, list(EQUAL), count) / count])
        for device, values in sides:
            found[-1].append(duration_us(turn_all, device, values, count) / count)
    assert reported == [device.seq for device, _ in sides], "no turn that is timed reports"
    print(json.dumps({"turns": found}))


main(*(int(argument) for argument in sys.argv[1:]))
