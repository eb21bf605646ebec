"""The flash of the boards on fakes of their chips: the contract, and what is a chip's own."""

import sys
from pathlib import Path

import fake_chips
import pytest

from tidegate.errors import FlashError

sys.path.append(str(Path(__file__).parent.parent / "micropython"))
import flash_checks  # noqa: E402

BLOCK = fake_chips.BLOCK_BYTES
MEDIA = [("esp32", 1, True), ("esp32 encrypted", 16, False), ("rp2", 256, True)]
KINDS = [kind for kind, *_ in MEDIA]


@pytest.fixture
def make():
    """make(kind) -> (the port, of 4 blocks with others around it; its chip; where it begins)."""

    def made(kind):
        if kind == "rp2":
            port, chip = fake_chips.rp2_port(8)
            return port.RegionFlash(2 * BLOCK, 4 * BLOCK), chip, 2 * BLOCK
        is_encrypted = kind != "esp32"
        port, chip = fake_chips.esp32_port(4, is_encrypted)
        return port.PartitionFlash("spool", is_encrypted), chip, 2 * BLOCK

    before = {name: sys.modules.get(name) for name in fake_chips.MODULES}
    yield made
    fake_chips.remove()
    sys.modules.update({name: module for name, module in before.items() if module})


@pytest.mark.parametrize("kind, unit, reprogram", MEDIA)
def test_the_flash_of_a_board_keeps_its_contract(make, kind, unit, reprogram):
    flash, chip, start = make(kind)
    assert (flash.block_bytes, flash.block_count) == (BLOCK, 4)
    assert (flash.program_unit_bytes, flash.reprogram) == (unit, reprogram)
    chip.image[:start] = b"\x5a" * start
    chip.image[start + 4 * BLOCK :] = b"\x5a" * (len(chip.image) - start - 4 * BLOCK)
    around = chip.image[:start], chip.image[start + 4 * BLOCK :]
    flash_checks.check_flash(flash)
    assert (chip.image[:start], chip.image[start + 4 * BLOCK :]) == around, "a neighbour suffered"


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_region_can_be_programmed_and_read_at_once(make, kind):
    flash, _, _ = make(kind)
    data = bytes(at * 7 & 0xFF for at in range(BLOCK))
    for block in range(4):
        flash.program(block * BLOCK, data)
    assert flash_checks.content(flash, 0, 4 * BLOCK) == data * 4
    assert flash_checks.content(flash, 4_090, 20) == (data * 2)[4_090:4_110]


@pytest.mark.parametrize("kind", ["esp32", "rp2"])
@pytest.mark.parametrize("place", [0, 70, 255])
def test_a_bit_that_cannot_be_cleared_is_a_flash_error(make, kind, place):
    flash, chip, start = make(kind)
    chip.worn[start + BLOCK + place] = 0x10
    flash.program(BLOCK, b"\xff" * 256)
    flash.program(BLOCK, b"\xff" * place + b"\x10" + b"\xff" * (255 - place))
    with pytest.raises(FlashError, match=f"at {BLOCK + place} "):
        flash.program(BLOCK, b"\xff" * place + b"\x00" + b"\xff" * (255 - place))
    flash.program(2 * BLOCK, b"\x00" * 256)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 130])
@pytest.mark.parametrize("behind", [0, 1, 40, 200])
def test_a_short_program_is_read_again_wherever_it_stands(make, count, behind):
    flash, chip, start = make("esp32")
    offset = 4 * BLOCK - behind - count
    data = bytes(range(count))
    flash.program(offset, data)
    assert flash_checks.content(flash, offset, count) == data
    flash.erase(3)
    for place in (0, count - 1):
        chip.worn = {start + offset + place: 0xFF}
        with pytest.raises(FlashError, match=f"at {offset + place} "):
            flash.program(offset, data)
        flash.erase(3)


def test_where_a_unit_takes_one_program_0xff_must_stand_there_too(make):
    flash, chip, start = make("esp32 encrypted")
    flash.program(BLOCK, b"\xff" * 32)
    at = start + BLOCK + 100
    fill = fake_chips.encipher(at & ~15, b"\xff" * 16)[at & 15]
    chip.worn[at] = ~fill & 0xFF
    assert chip.worn[at], "this byte clears no bit"
    with pytest.raises(FlashError, match="does not stand there"):
        flash.program(BLOCK + 96, b"\xff" * 16)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [0, 2_000, 4_095])
def test_a_bit_that_cannot_be_erased_is_a_flash_error(make, kind, place):
    flash, chip, start = make(kind)
    flash.program(BLOCK, b"\x00" * BLOCK)
    at = start + BLOCK + place
    chip.worn[at] = ~chip.image[at] & 0xFF
    with pytest.raises(FlashError, match="block 1 is not blank"):
        flash.erase(1)
    flash.erase(2)


@pytest.mark.parametrize("kind", ["esp32", "esp32 encrypted"])
def test_what_the_chip_reports_is_a_flash_error(make, kind):
    flash, chip, _ = make(kind)
    chip.error = fake_chips.FLASH_FAILED
    for what, arguments in (
        (flash.read, (0, bytearray(1))),
        (flash.program, (0, b"\x00" * 16)),
        (flash.erase, (0,)),
    ):
        with pytest.raises(FlashError, match="chip cannot"):
            what(*arguments)


def test_an_erase_that_answers_with_an_error_is_a_flash_error(make, monkeypatch):
    flash, _, _ = make("esp32")
    ioctl = fake_chips.Partition.ioctl
    monkeypatch.setattr(
        fake_chips.Partition,
        "ioctl",
        lambda self, command, block: -22 if command == 6 else ioctl(self, command, block),
    )
    with pytest.raises(FlashError, match="-22"):
        flash.erase(0)


def test_a_raw_read_that_fails_is_a_flash_error(make, monkeypatch):
    flash, chip, _ = make("esp32 encrypted")

    def fail(address, buffer):
        raise OSError(5)

    sys.modules["esp"].flash_read = fail
    with pytest.raises(FlashError, match="cannot be read"):
        flash.read(0, bytearray(1))


def test_encrypted_flash_is_programmed_in_cipher(make):
    flash, chip, start = make("esp32 encrypted")
    flash.program(0, bytes(range(16)))
    assert bytes(range(16)) not in bytes(chip.image)
    device = fake_chips.Partition.table[1]
    noise = bytearray(16)
    device.readblocks(0, noise, 16)
    assert noise != b"\xff" * 16, "the fake must show erased flash as the chip does"
    assert flash_checks.content(flash, 15, 2) == b"\x0f\xff"


@pytest.mark.parametrize("count", [1, 15, 16, 17, 63, 64, 65, 200])
def test_erased_units_between_programmed_ones_read_as_0xff_from_any_offset(make, count):
    flash, _, _ = make("esp32 encrypted")
    image = bytearray(b"\xff" * 512)
    for offset in (0, 48, 64, 112, 128, 144, 304):
        data = bytes(offset + at & 0xFF for at in range(16))
        image[offset : offset + 16] = data
        flash.program(offset, data)
    for offset in range(200):
        assert flash_checks.content(flash, offset, count) == image[offset : offset + count]


def test_a_missing_partition_says_which_line_to_add(make):
    make("esp32")
    port = sys.modules["tidegate.hal.esp32"]
    with pytest.raises(FlashError, match="'history, data, undefined, , 1M' to partitions.csv"):
        port.PartitionFlash("history")
    with pytest.raises(FlashError, match="factory"):
        port.PartitionFlash("factory")


@pytest.mark.parametrize("kind, is_encrypted", [("esp32", True), ("esp32 encrypted", False)])
def test_a_board_that_is_wrong_about_encryption_is_refused(make, kind, is_encrypted):
    make(kind)
    port = sys.modules["tidegate.hal.esp32"]
    with pytest.raises(FlashError, match="is_encrypted"):
        port.PartitionFlash("spool", is_encrypted)


@pytest.mark.parametrize(
    "start, size", [(1, 4_096), (0, 100), (-4_096, 4_096), (0, 0), (4_096, 32_768)]
)
def test_a_region_that_does_not_exist_is_refused(make, start, size):
    make("rp2")
    port = sys.modules["tidegate.hal.rp2"]
    with pytest.raises(FlashError, match="multiples of 4096"):
        port.RegionFlash(start, size)


def test_the_fakes_refuse_what_the_chips_refuse_and_what_harms_others(make):
    _, chip, start = make("esp32 encrypted")
    partition = fake_chips.Partition.table[1]
    for offset, data in ((8, b"x" * 16), (0, b"x" * 8), (4 * BLOCK, b"x" * 16), (-16, b"x" * 16)):
        with pytest.raises(OSError):
            partition.writeblocks(0, data, offset)
    for block in (-1, 4):
        with pytest.raises(OSError):
            partition.ioctl(6, block)
    with pytest.raises(OSError):
        partition.readblocks(3, bytearray(2), BLOCK - 1)
    assert chip.image == b"\xff" * len(chip.image)

    _, chip, start = make("esp32")
    partition = fake_chips.Partition.table[1]
    partition.writeblocks(0, b"\x0f", 5)
    partition.writeblocks(0, b"\xf5", 5)
    assert chip.image[start + 5] == 0x05, "a program clears bits and sets none"
    partition.writeblocks(0, b"\xa5" * BLOCK)
    assert chip.image[start : start + BLOCK] == b"\xa5" * BLOCK, "without an offset it erases"

    make("rp2")
    device = fake_chips.Flash(start=BLOCK, len=BLOCK)
    for offset, data in ((0, b"x"), (1, b"x" * 256), (BLOCK, b"x" * 256), (-256, b"x" * 256)):
        with pytest.raises(AssertionError):
            device.writeblocks(0, data, offset)
    for block in (-1, 1):
        with pytest.raises(AssertionError):
            device.ioctl(6, block)
    with pytest.raises(AssertionError):
        device.readblocks(0, bytearray(2), BLOCK - 1)
