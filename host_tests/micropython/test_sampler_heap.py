"""From a sample to the append nothing is allocated: turns without a report, and reports."""

import pytest

SCRIPT = """
import gc
from tidegate.diag.counters import Counters
from tidegate.observe.catalogue import Catalogue
from tidegate.observe.sampler import Sampler
from tidegate.observe.suppress import Suppressor

IDS = (201, 202, 270, 501, 502, 507, 513, 515, 516, 553, 702, 809)
LEVEL = (250, 255, 400, 230125, 231000, 16000, 3000, 12, 1205, 5000, 3, -61)
NOISE = ((1, 2, 3, 400, -300, 120, 50, 2, 5, 2, 0, 1),
         (-1, 3, -2, -200, 500, -90, -80, -2, -4, 3, 0, -2))
QUIET = [[level + noise for level, noise in zip(LEVEL, row)] for row in NOISE]
STEPS = [(240, 240, 300, 220000, 221000, 9000, 1000, 40, 1100, 5000, 3, -50),
         (290, 290, 500, 235000, 236000, 19000, 5000, 90, 1300, 5900, 4, -80)]
seq = 0

def append(log, kind, observation_id, value, at_ms):
    global seq
    seq += 1
    return seq

catalogue = Catalogue()
suppressor = Suppressor(catalogue, 7)
sampler = Sampler(catalogue, suppressor, append, Counters())
offer = sampler.offer
now_ms = (1 << 29) - 1000000

def play(sets, turn_count, step_ms):
    global now_ms
    for number in range(turn_count):
        now_ms = (now_ms + step_ms) & (1 << 29) - 1
        values = sets[number % len(sets)]
        sampler.begin_turn(now_ms)
        for place in range(12):
            offer(IDS[place], values[place])
        sampler.end_turn()

def measure(sets, turn_count, step_ms):
    play(sets, 300, step_ms)
    gc.collect()
    gc.disable()
    told, before = seq, gc.mem_alloc()
    play(sets, turn_count, step_ms)
    after = gc.mem_alloc()
    gc.enable()
    print(after - before, seq - told)

measure([LEVEL], 10000, 50)
measure(QUIET, 10000, 50)
measure(STEPS, 1000, 130000)
"""


@pytest.mark.micropython
def test_neither_a_turn_without_a_report_nor_a_report_takes_a_byte_of_the_heap(micropython):
    said = micropython(SCRIPT, heap="4M").stdout.splitlines()
    taken, told = zip(*(map(int, line.split()) for line in said))
    assert taken == (0, 0, 0)
    assert max(told[:2]) < 40 and told[2] > 8_000
