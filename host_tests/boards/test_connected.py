"""A board at the other end of a cable: `--board NAME --port PORT --factory FOLDER`.

It deploys the agent, asks the ports on the chip itself what fakes promise elsewhere, and reads the
trail of a start. Nothing of a spool is changed but a last block that is blank.
"""

import json

import pytest

from tidegate_tools import board_commands, boards, deploy
from tidegate_tools.board_remote import Remote

START_S_MAX = 60
PORTS = """
import json, time
from tidegate.hal import chip
from tidegate.hal.chip_clock import ChipClock
import machine
found = {"cause": chip.reset_cause(), "id": chip.unique_id()}
clock = ChipClock(time.ticks_ms, machine.RTC())
before = clock.ticks_ms()
time.sleep_ms(50)
found["passed_ms"] = (clock.ticks_ms() - before) & clock.ticks_mask_ms
drawn = [chip.ChipEntropy().random_bytes(8) for _ in range(50)]
found["distinct"] = len(set(drawn))
print(json.dumps(found))
"""
FLASH = """
import json
from tidegate.errors import FlashError
%s
unit, last = flash.program_unit_bytes, flash.block_count - 1
start = last * flash.block_bytes
buffer = bytearray(256)
flash.read(start, buffer)
blank = buffer == b"\\xff" * 256
refused = False
if blank:
    flash.erase(last)
    data = b"\\x5a" * 256
    for at in range(0, 256, unit):
        flash.program(start + at, data[at : at + unit])
    flash.read(start, buffer)
    try:
        flash.program(start, b"\\xa5" * unit)
    except FlashError:
        refused = True
    flash.erase(last)
print(json.dumps({"blocks": flash.block_count, "blank": blank, "read": list(buffer[:4]),
                  "refused": refused}))
"""
OPEN = {"esp32": "from tidegate.hal.esp32 import PartitionFlash\nflash = PartitionFlash()",
        "rp2": "import board\nfrom tidegate.hal.rp2 import RegionFlash\n"
               "flash = RegionFlash(board.SPOOL_OFFSET, board.SPOOL_BYTES)"}


@pytest.fixture(scope="module")
def connected(request):
    """(Board, Remote) with the agent on it."""
    port, name = request.config.getoption("port"), request.config.getoption("board")
    if not port or not name:
        pytest.skip("no board is connected: give --board NAME and --port PORT")
    board, remote = boards.load(name), Remote(port)
    platform, version = remote.facts()
    board_commands.check_remote(board, platform, version)
    if board.is_stock:
        deploy.deploy(remote, board, request.config.getoption("factory"))
        remote.execute("import loader, sys\nsys.path.insert(0, '/' + loader.choose())")
    yield board, remote
    remote.close()


def test_the_ports_of_a_chip_do_what_its_fakes_do(connected):
    _, remote = connected
    found = json.loads(remote.execute(PORTS).splitlines()[-1])
    assert found["cause"] in (1, 2, 3, 4, 5) and len(found["id"]) >= 12
    assert 50 <= found["passed_ms"] < 150 and found["distinct"] == 50


def test_the_spool_has_its_region_and_flash_clears_bits_only(connected):
    board, remote = connected
    found = json.loads(remote.execute(FLASH % OPEN[board.facts["port"]]).splitlines()[-1])
    assert found["blocks"] * boards.BLOCK_BYTES == board.regions["spool"].size
    if found["blank"]:
        assert found["read"] == [0x5A] * 4 and found["refused"]


def test_the_agent_starts_and_finds_its_spool(connected):
    _, remote = connected
    said = remote.listen_to_start(START_S_MAX, "spool found")
    assert "INFO spool found" in said and "Traceback" not in said, said
