"""A skip that the committed list does not name makes a run in CI fail, and is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import skips

CONFTEST = """
from pathlib import Path
import skips
skips.LIST = Path(__file__).with_name("allowed_skips.txt")
def pytest_configure(config):
    skips.register(config)
"""
TESTS = """
import pytest
def test_passes():
    pass
@pytest.mark.parametrize("peer", ["a[b]"])
def test_skips(peer):
    pytest.skip("no peer here")
@pytest.mark.xfail(strict=True)
def test_fails_as_expected():
    assert False
"""
SKIPPED_MODULE = 'import pytest\npytest.skip("none", allow_module_level=True)\n'


def run_planted(folder, allowed, workers="0", ci="true"):
    """CompletedProcess of a pytest run of its own over TESTS and SKIPPED_MODULE."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_planted.py").write_text(TESTS)
    (folder / "test_module.py").write_text(SKIPPED_MODULE)
    (folder / "allowed_skips.txt").write_text(allowed)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", workers, "."]
    environment = dict(os.environ, CI=ci, PYTHONPATH=str(Path(skips.__file__).parent))
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_ADDOPTS"):
        environment.pop(name, None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_unlisted_skip_fails_the_run_and_is_named(tmp_path, workers):
    done = run_planted(tmp_path, "test_module.py | not here\n", workers)
    assert done.returncode == 1
    assert "test_planted.py::test_skips[a[b]]: Skipped: no peer here" in done.stdout
    assert "test_module.py:" not in done.stdout
    assert "1 passed, 2 skipped, 1 xfailed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_unlisted_module_fails_the_run_and_is_named(tmp_path, workers):
    done = run_planted(tmp_path, "test_planted.py::* | no peer\n", workers)
    assert done.returncode == 1
    assert "test_module.py: Skipped: none" in done.stdout


def test_listed_skips_pass(tmp_path):
    listed = "# why\ntest_planted.py::test_skips[a[b]] | no peer\ntest_module.py | not here\n"
    done = run_planted(tmp_path, listed)
    assert done.returncode == 0, done.stdout


def test_outside_ci_every_skip_passes(tmp_path):
    done = run_planted(tmp_path, "", ci="")
    assert done.returncode == 0, done.stdout


def test_a_list_that_lacks_a_reason_is_refused_by_its_line(tmp_path):
    done = run_planted(tmp_path, "\ntest_module.py\n")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "line 2 must read" in done.stderr


def test_the_committed_list_can_be_read():
    for glob, reason in skips.read_list(skips.LIST.read_text()):
        assert glob.startswith("host_tests/") and len(reason) > 10
