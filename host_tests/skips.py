"""In CI no test is skipped unnoticed: each skip is on a committed list with its reason.

A pytest plugin, registered by `conftest.py`. It is active where the environment says `CI=true`;
then an unlisted skip is named at the end and makes the exit status 1. Works alone and under
pytest-xdist, where the workers hand on what they skipped while collecting.
"""

import fnmatch
import os
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("allowed_skips.txt")


def read_list(text):
    """[(glob, reason)] of a list of allowed skips.

    Errors: ValueError with the number of a line that lacks its glob or its reason.
    """
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        glob, bar, reason = (part.strip() for part in line.rpartition("|"))
        if not (glob and bar and reason):
            raise ValueError(f"line {number} must read: test id or glob | reason")
        entries.append((glob, reason))
    return entries


def unlisted(skipped, entries):
    """Those of `skipped`, a {test id: reason given}, that no entry's glob matches, sorted."""

    def matches(name, glob):
        # A test id with parameters holds brackets, which a glob would take for a set.
        return name == glob or fnmatch.fnmatchcase(name, glob.replace("[", "[[]"))

    return sorted(name for name in skipped if not any(matches(name, glob) for glob, _ in entries))


def reason_of(report):
    """What a skipped report says about itself, in one line."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.strip().splitlines()[0] if text.strip() else "no reason given"


class SkipWatch:
    """Collects the skips of one run and judges them when it ends.

    Arguments: entries, as from `read_list`.
    """

    def __init__(self, entries):
        self.entries = entries
        self.skipped = {}
        self.refused = []

    def pytest_runtest_logreport(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped[report.nodeid] = reason_of(report)

    def pytest_collectreport(self, report):
        if report.skipped:
            self.skipped[report.nodeid] = reason_of(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        self.skipped.update(getattr(node, "workeroutput", {}).get("skipped", {}))

    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["skipped"] = self.skipped
            return
        self.refused = unlisted(self.skipped, self.entries)
        if self.refused and session.exitstatus in (pytest.ExitCode.OK, 5):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if self.refused:
            terminalreporter.section("skipped in CI, but not in host_tests/allowed_skips.txt")
            for name in self.refused:
                terminalreporter.line(f"{name}: {self.skipped[name]}")


def register(config):
    """Adds the watch to a run in CI. Errors: pytest.UsageError if the list cannot be read."""
    if os.environ.get("CI") != "true":
        return
    try:
        entries = read_list(LIST.read_text())
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"{LIST.name}: {error}") from error
    config.pluginmanager.register(SkipWatch(entries), "tidegate-skips")
