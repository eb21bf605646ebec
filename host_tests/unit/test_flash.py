"""Images of MicroPython: checked, given the board's partitions, handed to the real esptool."""

import hashlib
import struct
import subprocess
import sys

import pytest
from mp_image_tool_esp32.image_header import ImageHeader
from mp_image_tool_esp32.partition_table import PartitionTable

from tidegate_tools import boards, flash
from tidegate_tools.errors import ProcessError, ToolError

VERSION = b"MicroPython v1.27.0 on 2025-12-09; Generic ESP32 module with ESP32\0"


def app_image(chip_id, size_id, content):
    """An application or boot loader: header, one segment of `content`, checksum, hash."""
    content += bytes(-len(content) % 4)
    body = struct.pack("<BBBBI4sHBHH4sB", 0xE9, 1, 2, size_id << 4, 0x400D0000, bytes(4), chip_id,
                       0, 0, 399, bytes(4), 1)
    body += struct.pack("<II", 0x3F400020, len(content)) + content
    checksum = 0xEF
    for byte in content:
        checksum ^= byte
    body += bytes(15 - len(body) % 16) + bytes([checksum])
    return body + hashlib.sha256(body).digest()


def firmware(board, version=VERSION, chip_id=None, app_bytes=100_000, size_id=2):
    """A stock image of 4 MB: boot loader, partition table, application."""
    ids = {"esp32": 0, "esp32s3": 9, "esp32c3": 5}
    chip_id = ids[board.facts["chip"]] if chip_id is None else chip_id
    start = 0x1000 if chip_id == 0 else 0
    table = PartitionTable(4 << 20)
    for name, kind, offset, size in (("nvs", "nvs", 0x9000, 0x6000), ("phy_init", "phy", 0xF000,
                                     0x1000), ("factory", "factory", 0x10000, 0x1F0000),
                                     ("vfs", "fat", 0x200000, 0x200000)):
        table.add_part(name, kind, size, offset)
    image = bytearray(b"\xff" * (0x10000 - start))
    loader = app_image(chip_id, size_id, b"loader")
    image[: len(loader)] = loader
    image[0x8000 - start : 0x9000 - start] = table.to_bytes()
    return bytes(image) + app_image(chip_id, size_id, version + bytes(app_bytes))


@pytest.fixture
def board():
    return boards.load("esp32_generic_s3")


def test_an_image_gets_the_boards_partitions_and_size_and_nothing_else_changes(board, tmp_path):
    path = tmp_path / "stock.bin"
    path.write_bytes(firmware(board))
    adjusted = flash.adjusted(board, path, tmp_path).read_bytes()
    table = PartitionTable.from_bytes(adjusted[0x8000:0x9000], board.facts["flash_bytes"])
    assert table == flash.table(board)
    assert table.by_name("spool").offset == board.regions["spool"].offset
    assert ImageHeader.from_bytes(adjusted[:24]).flash_size == 8 << 20
    assert adjusted[0x10000:] == path.read_bytes()[0x10000:], "the application is as it was"
    checked = subprocess.run(
        [sys.executable, "-m", "esptool", "image-info", tmp_path / "firmware.bin"],
        capture_output=True, text=True, timeout=60)  # fmt: skip
    assert checked.returncode == 0 and "ESP32-S3" in checked.stdout, checked.stdout
    assert "Validation hash" in checked.stdout and "(valid)" in checked.stdout, checked.stdout


@pytest.mark.parametrize("wrong, words", [
    ({"version": b"no version"}, "names no version; download ESP32_GENERIC_S3"),
    ({"version": VERSION.replace(b"1.27", b"1.24")}, "1.24.0, esp32_generic_s3 needs 1.25"),
    ({"chip_id": 5}, "for esp32c3, esp32_generic_s3 has esp32s3"),
    ({"app_bytes": 0x1F0000}, "does not fit"),
])
def test_an_image_that_is_not_for_the_board_is_refused(board, tmp_path, wrong, words):
    path = tmp_path / "stock.bin"
    path.write_bytes(firmware(board, **wrong))
    with pytest.raises(ToolError, match=words):
        flash.adjusted(board, path, tmp_path)


def test_a_file_that_is_no_image_is_refused(board, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(VERSION * 9_000)
    with pytest.raises(ToolError, match="no image for an ESP32"):
        flash.adjusted(board, path, tmp_path)


def test_esptool_understands_what_it_is_asked_and_its_failure_is_one_line(board, tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"\xe9" + bytes(63))
    arguments = flash.esptool_arguments(board, tmp_path / "absent", path, path, True)
    assert arguments[:4] == ["--chip", "esp32s3", "--port", str(tmp_path / "absent")]
    assert arguments[-5:] == ["--erase-all", "0x0", str(path), "0x200000", str(path)]
    with pytest.raises(ProcessError, match="esptool ended with 2.*Could not open") as raised:
        flash.run_esptool(arguments)
    assert "\n" not in str(raised.value)
    generic = boards.load("esp32_generic")
    assert flash.esptool_arguments(generic, "p", "i", None, False)[-2:] == ["0x1000", "i"]


def uf2(content, family):
    blocks = [content[at : at + 256] for at in range(0, len(content), 256)]
    return b"".join(struct.pack(
        "<IIIIIIII476sI", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * number, 256, number,
        len(blocks), family, block.ljust(256, b"\0"), 0x0AB16F30)
        for number, block in enumerate(blocks))  # fmt: skip


def test_a_uf2_image_is_copied_onto_the_drive_of_its_board(tmp_path):
    board = boards.load("rpi_pico_w")
    path, drive = tmp_path / "firmware.uf2", tmp_path / "drive"
    content = bytes(240) + VERSION.replace(b"; Generic", b" tidegate/agent.py; Generic")
    path.write_bytes(uf2(content, 0xE48BFF56))
    drive.mkdir()
    with pytest.raises(ToolError, match="BOOTSEL"):
        flash.copy_uf2(board, path, drive)
    (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader")
    flash.copy_uf2(board, path, drive)
    assert (drive / "firmware.uf2").read_bytes() == path.read_bytes()
    for data, words in ((uf2(VERSION, 0xE48BFF56), "is a stock image"),
                        (uf2(content, 0xE48BFF59), "no UF2 image for rp2040"),
                        (b"x" * 2_000, "no UF2 image")):
        path.write_bytes(data)
        with pytest.raises(ToolError, match=words):
            flash.copy_uf2(board, path, drive)
