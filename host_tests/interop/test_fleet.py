"""Surge and rehearsal with a handful of real agents: they balance, and a planted fault is seen."""

import json
import os
import subprocess
import sys

import pytest
from test_demo import plant

from tidegate_tools.broker import PACKAGES

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
TIME_LIMIT_S = 200
SURGE = ("surge", "--count", "4", "--stored", "300", "--speed", "30", "--rate", "30000")
REHEARSAL = ("rehearse", "--count", "8", "--rate", "0.29", "--burst", "4", "--window-s", "30",
             "--outage-s", "60", "--speed", "30")
LIVE = "            return free_count > 0 and live_count < WINDOW_COUNT_MAX - 1\n"
PACED = "        elapsed_ms = min((now_ms - self._filled_ms) & TICKS_MASK_MS, 1_000)\n"
FAULTS = (
    ("tidegate/uplink/uplink.py", LIVE, LIVE),
    ("tidegate/uplink/uplink.py", LIVE,
     LIVE.replace("free_count >", "self.lag.count(TELEMETRY) < 64 and free_count >")),
    ("tidegate/uplink/pacing.py", PACED, "        return 0\n" + PACED),
)


def run(folder, *arguments):
    """Result: (exit status, JSON object, complaint)."""
    done = subprocess.run(
        [sys.executable, "-m", "tidegate_tools.cli", *map(str, arguments), "--json"],
        capture_output=True, text=True, timeout=TIME_LIMIT_S,
        env={**os.environ, "PYTHONPATH": PACKAGES, "TMPDIR": str(folder)})
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def test_a_short_surge_balances_and_draws_its_plot(tmp_path):
    plot = tmp_path / "surge.png"
    status, result, complaint = run(tmp_path, *SURGE, "--plot", plot)
    assert status == 0, complaint
    ledger = result["ledger"]
    assert ledger["balances"] and ledger["stored"] == ledger["expected"] > 4 * 300
    assert result["gate"]["admitted"] == 4 and plot.read_bytes()[:4] == b"\x89PNG"
    peak = max(sample["lag"] for sample in result["samples"])
    assert peak > 600 > result["samples"][-1]["lag"]
    assert list(tmp_path.iterdir()) == [plot], "a surge that balances leaves no files"


@pytest.mark.long
@pytest.mark.parametrize("path, healthy, faulty", FAULTS, ids=("as it is", "live last", "unpaced"))
def test_live_values_stay_fresh_and_a_planted_fault_is_seen(tmp_path, path, healthy, faulty):
    firmware = plant(tmp_path, path, healthy, faulty)
    status, result, complaint = run(
        tmp_path, "surge", "--count", 8, "--stored", 5_000, "--speed", 2, "--rate", 40_000,
        "--limit-s", 90, "--firmware", firmware)
    is_healthy = healthy == faulty
    assert status == (0 if is_healthy else 1), complaint
    largest = [figure for figure in result["figures"] if figure["name"] == "the same, largest"][0]
    assert (largest["value"] <= largest["must"]) == is_healthy


@pytest.mark.parametrize("cut", [
    "refused", pytest.param("busy", marks=pytest.mark.long)])
def test_a_short_rehearsal_brings_all_back_and_loses_nothing(tmp_path, cut):
    status, result, complaint = run(tmp_path, *REHEARSAL, "--cut", cut)
    assert status == 0, (complaint, result.get("ledger"), result.get("figures"))
    ledger, gate = result["ledger"], result["gate"]
    assert ledger["balances"] and ledger["stored"] > 8 * 20
    assert gate["admitted"] >= 16, "each device twice"
    figures = {figure["name"]: figure["value"] for figure in result["figures"]}
    assert figures["attempts during the outage"] >= 1
    assert 0 < figures["t50"] <= figures["t99"] == figures["t100"]
