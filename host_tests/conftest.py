"""What all tests share: the device's modules on CPython, a real MicroPython, free ports, seeds.

Files of tests lie in folders by kind. The fixtures here are `micropython` and `free_port`; the
markers are `long`, `micropython` and `interop`.
"""

import importlib
import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
LIBRARIES = ROOT / ".build" / "lib"
INTERPRETER = ROOT / ".build" / "bin" / "micropython"

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / ".build" / "hypothesis"))
for folder in (LIBRARIES, FIRMWARE):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

# The names under which umqtt.simple 1.3.4 imports them; MicroPython knows both.
for alias in ("usocket", "ustruct", "ubinascii", "uselect"):
    sys.modules.setdefault(alias, importlib.import_module(alias[1:]))

import skips  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("default", deadline=None, print_blob=True)
settings.register_profile("ci", settings.get_profile("default"), derandomize=False)
settings.register_profile("long", settings.get_profile("default"), max_examples=2000)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")


def pytest_addoption(parser):
    for name, meaning in (("board", "name of the connected board, a folder of boards/"),
                          ("port", "its serial port"),
                          ("factory", "folder that tidegate provision wrote for it")):
        parser.addoption(f"--{name}", help=meaning)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes longer; `make long` runs these")
    config.addinivalue_line("markers", "micropython: runs code on the real MicroPython")
    config.addinivalue_line("markers", "interop: talks to brokers and libraries of others")
    # One seed for all properties of a run, drawn here so that it can be printed and given back.
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))
    skips.register(config)


def pytest_report_header(config):
    return f"the same cases again: --hypothesis-seed={config.option.hypothesis_seed}"


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    if exitstatus == pytest.ExitCode.TESTS_FAILED:
        seed = config.option.hypothesis_seed
        terminalreporter.line(f"seed of this run: --hypothesis-seed={seed}")


@pytest.fixture
def free_port():
    """A TCP port of the loopback interface that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_micropython(program, *arguments, heap="512K", timeout_s=60, environment=None):
    """Runs a script or a source text on the real MicroPython with the device's modules.

    Arguments: program, a path or a text of more than one word; arguments, for the script only;
    heap, as for `-X heapsize`; environment, variables to add. Result: CompletedProcess, its
    stdout as text with stderr in it. Errors: the test fails with that text on another exit status
    than 0, at the time limit, or if set-up has not provided the interpreter.
    """
    if not INTERPRETER.exists():
        pytest.fail("there is no .build/bin/micropython: run `make setup`", pytrace=False)
    is_script = isinstance(program, Path) or (program.endswith(".py") and "\n" not in program)
    command = [str(INTERPRETER), "-X", f"heapsize={heap}"]
    command += [str(program), *map(str, arguments)] if is_script else ["-c", program]
    folders = f"{FIRMWARE}:{LIBRARIES}:{ROOT / 'tools'}"
    variables = dict(os.environ, MICROPYPATH=folders, **(environment or {}))
    try:
        done = subprocess.run(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")
        pytest.fail(f"MicroPython did not end within {timeout_s} s; it printed:\n{said}")
    if done.returncode != 0:
        pytest.fail(f"MicroPython ended with {done.returncode}; it printed:\n{done.stdout}")
    return done


@pytest.fixture(scope="session")
def micropython():
    """The function `run_micropython`."""
    return run_micropython
