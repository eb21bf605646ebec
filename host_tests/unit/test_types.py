"""What only hal may touch of the chips, checked by type against each port's stubs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HAL = ROOT / "firmware" / "tidegate" / "hal"
STUBS = ROOT / ".build" / "stubs"
COMMON = ("chip", "chip_clock", "files", "sockets", "tls", "uart", "wifi")
PORTS = {"esp32": (*COMMON, "clock_chip", "esp32", "rtc"), "rp2": (*COMMON, "rp2")}
# The stubs do not know these members of `tls.SSLContext`, which both ports have.
UNKNOWN_TO_STUBS = ('"SSLContext" has no attribute "verify_mode"',
                    '"SSLContext" has no attribute "verify_callback"')


def offences(port, paths):
    """Lines of mypy about modules of a chip. The stubs' own flaws are not ours."""
    environment = dict(os.environ, MYPYPATH=os.pathsep.join(
        map(str, (STUBS / port, STUBS / "stdlib", ROOT / "firmware"))))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--no-site-packages",
         "--explicit-package-bases", "--follow-imports=silent", "--check-untyped-defs",
         "--python-version=3.10", f"--cache-dir={ROOT / '.build' / ('mypy-' + port)}",
         *map(str, paths)],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert "Found" in done.stdout or "Success" in done.stdout
    return [line for line in done.stdout.splitlines()
            if ".build/stubs" not in line and ": error:" in line
            and not any(text in line for text in UNKNOWN_TO_STUBS)]


@pytest.mark.parametrize("port", PORTS)
def test_hal_uses_the_chips_as_their_stubs_say(port):
    assert offences(port, [HAL / f"{name}.py" for name in PORTS[port]]) == []


def test_a_member_that_a_chip_does_not_have_is_found(tmp_path):
    port = tmp_path / "planted.py"
    shutil.copy(HAL / "rp2.py", port)
    text = port.read_text()
    assert "rp2.country(country)" in text and "station.PM_NONE" in text
    port.write_text(text.replace("rp2.country(country)", "rp2.region(country)")
                    .replace("station.PM_NONE", "station.PM_NONSENSE"))
    found = offences("rp2", [port])
    assert len(found) == 2 and "region" in found[0] and "PM_NONSENSE" in found[1], found


def test_every_module_of_the_chips_is_checked():
    chips = {name for names in PORTS.values() for name in names}
    assert {path.stem for path in HAL.glob("*.py") if not path.stem.startswith("posix")} \
        == chips | {"__init__", "blocks", "der", "heap", "nor", "ports", "tls_cpython"}
