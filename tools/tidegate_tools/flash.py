"""`tidegate flash`: MicroPython onto a board, from an image of the user's own download.

Formats: ESP-IDF "Partition Tables" and "App Image Format", by mp-image-tool-esp32; Microsoft UF2,
"File containing UF2 blocks".
"""

import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

from tidegate_tools import boards
from tidegate_tools.errors import ProcessError, ToolError

_VERSION = re.compile(rb"v(\d+)\.(\d+)\.(\d+)[-\w.]* on \d{4}-\d{2}-\d{2}")
_BOOTLOADER_OFFSET = {"esp32": 0x1000, "esp32s3": 0, "esp32c3": 0}
_SUBTYPES = {"factory": 0x00, "ota": 0x00, "phy": 0x01, "nvs": 0x02, "fat": 0x81}
_UF2_BLOCK = struct.Struct("<IIIIIIII476sI")
_UF2_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_FAMILIES = {"rp2040": 0xE48BFF56, "rp2350": 0xE48BFF59}
_BAUD = 460_800
_PATIENCE_S = 600


def check_version(board, content):
    """(major, minor, patch) of the MicroPython in an image. Errors: ToolError."""
    found = _VERSION.search(content)
    wanted = board.facts["firmware_min"]
    if found is None:
        raise ToolError("this is no image of MicroPython: it names no version; download %s %s or"
                        " newer" % (board.facts["stock_image"], wanted))
    version = tuple(int(part) for part in found.groups())
    if version[:2] < tuple(int(part) for part in wanted.split(".")):
        raise ToolError("the image is MicroPython %d.%d.%d, %s needs %s or newer"
                        % (*version, board.name, wanted))
    return version


def table(board):
    """The board's partition table, by mp-image-tool-esp32, checked. Errors: ToolError."""
    from mp_image_tool_esp32.partition_table import (
        PART_MAGIC, PART_NAME_LEN, TYPE_TO_NAME, PartitionEntry, PartitionError, PartitionTable,
    )

    types = {name: number for number, name in TYPE_TO_NAME.items()}
    made = PartitionTable(board.facts["flash_bytes"])
    for name, kind, subtype, offset, size, flags in boards.partitions(
            board.folder / "partitions.csv"):
        number = _SUBTYPES[subtype] if subtype in _SUBTYPES else int(subtype, 0)
        made.append(PartitionEntry(PART_MAGIC, types[kind], number, int(offset, 0), int(size, 0),
                                   name.encode().ljust(PART_NAME_LEN, b"\0"), int(flags, 0)))
    try:
        made.check()
    except PartitionError as error:
        raise ToolError("%s: partitions.csv: %s" % (board.name, error)) from error
    return made


def adjusted(board, firmware, work):
    """A copy of an ESP32 image with the board's table and flash size. Errors: ToolError."""
    from mp_image_tool_esp32.firmware import Firmware
    from mp_image_tool_esp32.partition_table import PartitionError

    content = Path(firmware).read_bytes()
    check_version(board, content)
    copy = Path(work) / "firmware.bin"
    copy.write_bytes(content)
    made = table(board)
    try:
        image = Firmware(str(copy))
        if image.header.chip_name != board.facts["chip"]:
            raise ToolError("the image is for %s, %s has %s: download %s" % (
                image.header.chip_name, board.name, board.facts["chip"],
                board.facts["stock_image"]))
        app = image.table.app_part
        app_bytes = len(content) - (app.offset - image.bootloader)
        if app.offset != made.app_part.offset or app_bytes > made.app_part.size:
            raise ToolError("the image's application, %d bytes at 0x%x, does not fit %d at 0x%x"
                            % (app_bytes, app.offset, made.app_part.size, made.app_part.offset))
        header = image.header.copy()
        header.flash_size = board.facts["flash_bytes"]
        image.update_image(made, header)
        image.file.close()
    except (PartitionError, ValueError, OSError) as error:
        raise ToolError("%s is no image for an ESP32: %s" % (firmware, error)) from error
    return copy


def esptool_arguments(board, port, image, file_system, is_erased):
    """What esptool is asked to do. Arguments: file_system, a path or None."""
    chip = board.facts["chip"]
    arguments = ["--chip", chip, "--port", str(port), "--baud", str(_BAUD), "write-flash"]
    if is_erased:
        arguments.append("--erase-all")
    arguments += ["0x%x" % _BOOTLOADER_OFFSET[chip], str(image)]
    if file_system is not None:
        arguments += ["0x%x" % board.regions["vfs"].offset, str(file_system)]
    return arguments


def run_esptool(arguments):
    """Errors: ProcessError with its last line about an error."""
    done = subprocess.run([sys.executable, "-m", "esptool", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=_PATIENCE_S)
    if done.returncode:
        said = [line.strip() for line in done.stdout.splitlines() if line.strip()] or ["nothing"]
        errors = [line for line in said if "error" in line.lower()]
        raise ProcessError("esptool ended with %d; it said: %s; hold BOOT while you press reset,"
                           " then try again" % (done.returncode, (errors or said)[-1]))


def uf2_content(board, path):
    """The bytes that a UF2 image writes. Errors: ToolError where it is not for the board's chip,
    or has no agent in it."""
    data = Path(path).read_bytes()
    parts = []
    for at in range(0, len(data) - _UF2_BLOCK.size + 1, _UF2_BLOCK.size):
        first, second, _, _, count, _, _, family, payload, last = _UF2_BLOCK.unpack_from(data, at)
        if (first, second, last) != _UF2_MAGIC:
            break
        if family == _FAMILIES[board.facts["chip"]]:
            parts.append(payload[:count])
    if not parts:
        raise ToolError("%s is no UF2 image for %s" % (path, board.facts["chip"]))
    content = b"".join(parts)
    check_version(board, content)
    if b"tidegate" not in content:
        raise ToolError("%s is a stock image: it would format the whole storage area at each"
                        " start, the spool too; build one with boards/%s/manifest.py"
                        % (path, board.name))
    return content


def copy_uf2(board, path, drive):
    """Put a UF2 image onto the drive that a boot loader shows. Errors: ToolError."""
    uf2_content(board, path)
    drive = Path(drive)
    if not (drive / "INFO_UF2.TXT").is_file():
        raise ToolError("%s is not the drive of a board in its boot loader: hold BOOTSEL while"
                        " you plug it in, name the drive that shows up" % drive)
    shutil.copyfile(path, drive / Path(path).name)
