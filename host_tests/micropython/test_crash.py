"""A sample of the power cuts of `make crash`, on the real MicroPython."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent


@pytest.mark.micropython
@pytest.mark.parametrize("seed", [11, 12])
def test_power_cuts_break_no_promise_on_micropython(micropython, seed):
    script = TESTS / "crash" / "on_micropython.py"
    said = micropython(script, seed, 31, 12, heap="64M", timeout_s=120).stdout
    counts = [int(line.split()[1]) for line in said.splitlines() if " single, " in line]
    assert len(counts) == 6 and min(counts) > 20, said
