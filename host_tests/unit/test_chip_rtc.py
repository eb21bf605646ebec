"""The clock's memory of a board, on a fake of `machine.RTC`, as a port like the others.

Written after `ports/esp32/machine_rtc.c`.
"""

import sys
import types

import pytest
from fakes import FakeScratch

from tidegate.diag import watch
from tidegate.diag.crumbs import Crumbs
from tidegate.hal.posix import PosixScratch

RTC_BYTES = 2_048


class Rtc:
    """One memory, however many objects."""

    data = b""

    def memory(self, data=None):
        if data is None:
            return Rtc.data
        if len(data) > RTC_BYTES:
            raise ValueError("buffer too long")
        Rtc.data = bytes(data)
        return None


@pytest.fixture(params=["chip", "process", "fake"])
def reset(request, monkeypatch, tmp_path):
    """A function that gives the port of the next boot, after a reset by the watchdog."""
    held = []

    def make():
        if request.param == "chip":
            Rtc.data = Rtc.data if held else b""
            monkeypatch.setitem(sys.modules, "machine", types.SimpleNamespace(RTC=Rtc))
            monkeypatch.delitem(sys.modules, "tidegate.hal.rtc", raising=False)
            import tidegate.hal.rtc as port

            made = port.RtcScratch()
        elif request.param == "process":
            if held:
                held[-1].bitten()
            made = PosixScratch(str(tmp_path / "scratch"))
        else:
            made = FakeScratch()
            made.record = held[-1].load() if held else b""
        held.append(made)
        return made

    return make


def test_what_was_running_is_found_after_a_reset(reset):
    crumbs = Crumbs(reset())
    assert (crumbs.boot, crumbs.part) == (-1, -1)
    for boot in range(1, 4):
        crumbs.begin(boot)
        crumbs.lived(boot * 70_000)
        crumbs.enter(watch.SPOOL)
        crumbs = Crumbs(reset())
        assert (crumbs.boot, crumbs.part, crumbs.up_s) == (boot, watch.SPOOL, boot * 70_000)
