"""Defects planted into a copy of the tree, for which the run of power cuts must turn red.

Each is a patch in `host_tests/canaries/`, named after what it does.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CANARIES = ROOT / "host_tests" / "canaries"
# (medium, kinds of faults of which one must be found).
EXPECTED = {
    "block_erased_before_the_gap_is_noted": ("unit16once", ["lost", "gap"]),
    "burn_left_out": ("unit1", ["Misuse", "lost"]),
    "checkpoint_counted_before_its_last_note": ("unit16once", ["latest"]),
    "confirmed_noted_before_it_is_true": ("unit1", ["confirmed"]),
    "crc_not_checked": ("unit1", ["changed", "invented"]),
    "next_block_trusted_after_a_start": ("unit1once", ["boot repeated", "lost"]),
    "seq_of_an_unreadable_slot_used_again": ("unit1", ["seq reused"]),
    "tail_not_pinned": ("unit1", ["lost"]),
}
# One in so many operations is cut, in one workload after the other until a fault is seen.
CUTS = ("--stride", "7", "--pair-stride", "16", "--jobs", "1", "--stop-at-first")
# The first workload, for defects that take two cuts in certain places and show in few of them.
FIRST_SEED = {"next_block_trusted_after_a_start": 12}


@pytest.fixture
def tree(tmp_path):
    """A copy of what a run of power cuts needs."""
    for name in ("firmware", "host_tests"):
        shutil.copytree(ROOT / name, tmp_path / name,
                        ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run_cuts(tree, medium, count, seed=1):
    """(exit status, what was printed) of the ordinary command in a copy."""
    done = subprocess.run(
        [sys.executable, "host_tests/crash/run.py", "--medium", medium, "--count", str(count),
         "--seed", str(seed), *CUTS],
        cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    return done.returncode, done.stdout


def test_every_canary_is_expected():
    assert sorted(EXPECTED) == sorted(patch.stem for patch in CANARIES.glob("*.patch"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_power_cuts_find_a_planted_defect(tree, name):
    medium, kinds = EXPECTED[name]
    applied = subprocess.run(["git", "apply", "-p1", str(CANARIES / f"{name}.patch")], cwd=tree,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             env=dict(os.environ, GIT_CEILING_DIRECTORIES=str(tree.parent)))
    assert applied.returncode == 0, (
        f"{name}.patch does not apply any more; plant the defect anew:\n{applied.stdout}")
    status, said = run_cuts(tree, medium, 4_000, FIRST_SEED.get(name, 1))
    assert status == 1, f"the defect was not found:\n{said}"
    found = re.findall(r"^\d+ x ([\w ]+);", said, re.MULTILINE)
    assert set(found) & set(kinds), f"not found as what it is:\n{said}"


@pytest.mark.parametrize("medium", sorted({medium for medium, _ in EXPECTED.values()}))
def test_the_same_power_cuts_find_nothing_where_nothing_is_planted(tree, medium):
    status, said = run_cuts(tree, medium, 1)
    assert status == 0 and " 0 faults" in said, said
