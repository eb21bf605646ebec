"""The core on the real MicroPython: the portable checks, and the whole agent in its world."""

from pathlib import Path

import portable_checks
import pytest

TESTS = Path(__file__).parent.parent


@pytest.mark.micropython
def test_every_portable_check_passes_on_micropython(micropython):
    said = micropython(TESTS / "portable_checks.py", heap="16M", timeout_s=120).stdout
    assert said.endswith("all portable checks passed\n"), said


@pytest.mark.micropython
def test_the_whole_agent_loses_nothing_on_micropython(micropython):
    said = micropython(TESTS / "agent_world.py", 1, 1_200, heap="16M", timeout_s=120).stdout
    assert "recorded" in said and "repeats" in said, said
    assert int(said.split()[0]) > 100


@pytest.mark.parametrize("check", portable_checks.CHECKS, ids=lambda check: check.__name__)
def test_a_portable_check_passes_on_this_interpreter(check):
    check()
