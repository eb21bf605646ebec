"""The core on the real MicroPython: the portable checks, and the whole agent in its world."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parent


@pytest.fixture
def here_too(micropython):
    """Runs a script with the tests' own modules beside the device's."""

    def run(script, *arguments):
        command = f"import sys\nsys.path.append({str(TESTS)!r})\nsys.argv = {list(arguments)!r}\n"
        command += f"exec(open({str(script)!r}).read())\n"
        return micropython(command, heap="16M", timeout_s=120).stdout

    return run


@pytest.mark.micropython
def test_every_portable_check_passes_on_micropython(here_too):
    said = here_too(HERE / "portable_checks.py")
    assert said.endswith("all portable checks passed\n"), said


@pytest.mark.micropython
def test_the_whole_agent_loses_nothing_on_micropython(here_too):
    said = here_too(TESTS / "agent_world.py", "agent_world.py", "1", "1200")
    assert "recorded" in said and "repeats" in said, said
    assert int(said.split()[0]) > 300


def test_the_portable_checks_pass_here_as_well():
    import sys

    sys.path.append(str(HERE))
    import portable_checks

    for check in portable_checks.CHECKS:
        check()
