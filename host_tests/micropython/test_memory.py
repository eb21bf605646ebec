"""The whole agent turn after turn on a heap of 1.3 times what it needs, on the real MicroPython.

What it needs is what lives behind a sweep at its worst moment, compiled modules included: on a
board these are in flash. The shell's own loop, outages, commands, changes of policy, and the
simulated charger; the server keeps nothing.
"""

import json
from pathlib import Path

import pytest

from tidegate.run import CRASH_STATUS

SCRIPT = Path(__file__).parent / "turns_main.py"
ROOMY = "2M"
SHARE = 1.3
AMPLE = 1.4
LOOK_COUNT, SHORT_COUNT, LONG_COUNT, HOG_COUNT = 30_000, 3_000, 1_000_000, 5_520


def turns(micropython, folder, count, heap, *hog, timeout_s=60):
    path = folder / f"flash-{heap}-{count}-{hog}"
    said = micropython(SCRIPT, path, count, *hog, heap=heap, timeout_s=timeout_s).stdout
    return json.loads(said.splitlines()[-1])


def lives(micropython, folder, count, need):
    """Turns on SHARE x need bytes. Result: what the run says."""
    found = turns(micropython, folder, count, str(int(need * SHARE)), timeout_s=1_800)
    print("need %d B, heap %d B: %s" % (need, need * SHARE, found))
    assert (found["turns"], found["failed"], found["memory_short"]) == (count, 0, 0)
    assert found["recorded"] > count // 20 and found["unconfirmed"] < 10
    assert found["refused"] == 0
    return found


@pytest.fixture(scope="module")
def need(micropython, tmp_path_factory):
    """Bytes that live at most in some thousand turns."""
    folder = tmp_path_factory.mktemp("need")
    return turns(micropython, folder, SHORT_COUNT, ROOMY)["alloc_max"]


@pytest.mark.micropython
def test_some_thousand_turns_live_on_little_more_than_the_agent_needs(
        micropython, tmp_path, need):
    lives(micropython, tmp_path, SHORT_COUNT, need)


@pytest.mark.micropython
def test_a_heap_smaller_than_the_need_is_found_out(micropython, tmp_path, need):
    """The canary: on less than lives there no agent gets on."""
    with pytest.raises(pytest.fail.Exception, match="MemoryError|memory"):
        turns(micropython, tmp_path, SHORT_COUNT, str(int(need * 0.97)))


@pytest.mark.micropython
def test_an_agent_whose_memory_is_taken_for_a_while_gets_on_and_loses_nothing(
        micropython, tmp_path, need):
    """Two thousand bytes are left for some seconds in which something is to be sent."""
    found = turns(micropython, tmp_path, HOG_COUNT, str(int(need * AMPLE)), 2_000, 18)
    assert 1 < found["memory_short"] == found["failed"] < 10
    assert found["sessions"] == 2 and found["unconfirmed"] == 0 and found["recorded"] > 400
    assert found["level"] == 0, "batches and window are as large as before"


@pytest.mark.micropython
@pytest.mark.parametrize("left_bytes", [700, 2_000])
def test_an_agent_whose_memory_stays_away_ends_with_a_record_of_it(
        micropython, tmp_path, need, left_bytes):
    found = turns(micropython, tmp_path, HOG_COUNT, str(int(need * AMPLE)), left_bytes, 100)
    assert found["status"] == CRASH_STATUS
    assert found["crash"]["how"] == "turns failed"
    assert found["crash"]["error"].startswith("MemoryError:")


@pytest.mark.long
@pytest.mark.micropython
def test_a_million_turns_live_on_little_more_than_the_agent_needs(micropython, tmp_path):
    need = turns(micropython, tmp_path, LOOK_COUNT, ROOMY)["alloc_max"]
    least, most = int(need * 0.9), int(need * SHARE)
    while most - least > 2_048:
        heap = (least + most) // 2
        try:
            found = turns(micropython, tmp_path, SHORT_COUNT, str(heap))
            is_enough = found.get("failed") == 0
        except pytest.fail.Exception:
            is_enough = False
        least, most = (least, heap) if is_enough else (heap, most)
    print("the smallest heap that lives %d turns: %d B, %.3f of the need" % (
        SHORT_COUNT, most, most / need))
    found = lives(micropython, tmp_path, LONG_COUNT, need)
    assert found["days"] >= 10 and found["outages"] >= 20 and found["commands"] > 200
    assert found["alloc_max"] < 1.05 * need, "what lives does not grow"


NOTHING_ALLOCATED = """
import micropython
from tidegate.diag.crumbs import Crumbs
from tidegate.diag.pressure import Pressure
from tidegate.diag.watch import LINK, SPOOL, Watch

class Ports:
    ticks_mask_ms, speed = (1 << 30) - 1, 1

    def __init__(self):
        self.now_ms, self.record = 0, None

    def ticks_ms(self):
        self.now_ms += 9
        return self.now_ms

    def load(self):
        return b""

    def save(self, record):
        self.record = record

ports = Ports()
crumbs = Crumbs(ports)
crumbs.begin(7)
watch = Watch(ports, crumbs, None)
pressure = Pressure()
micropython.heap_lock()
for number in range(500):
    watch.begin(ports.ticks_ms())
    watch.enter(LINK)
    watch.enter(SPOOL)
    watch.end()
    crumbs.lived(number)
    pressure.ease(number)
micropython.heap_unlock()
print(watch.turn_ms_max, watch.slow_count, watch.longest_ms[LINK], bytes(ports.record[:3]))
"""


@pytest.mark.micropython
def test_watching_a_turn_allocates_nothing(micropython):
    assert micropython(NOTHING_ALLOCATED).stdout == "27 0 9 b'tgc'\n"
