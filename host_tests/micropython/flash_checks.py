"""The contract of `hal.ports.Flash` as checks for any implementation, on both interpreters.

`check_flash` is what all promise; the strict ones on the host keep the others too.
"""

import sys

sys.path.append(__file__.rsplit("/", 2)[0])
import fake_chips  # noqa: E402
from fakes import CutFlash, Random  # noqa: E402

from tidegate.errors import FlashError  # noqa: E402
from tidegate.hal.nor import FileFlash, RamFlash  # noqa: E402

MEDIA = tuple(
    (unit, reprogram, size)
    for unit in (1, 16, 32, 256)
    for reprogram in (True, False)
    for size in (512, 4_096)
)
KINDS = ("ram", "file", "cut")


def refused(what, *arguments):
    """That a call raises FlashError and nothing else."""
    try:
        what(*arguments)
    except FlashError:
        return
    raise AssertionError(f"{arguments} was not refused")


def content(flash, offset, count):
    buffer = bytearray(count)
    flash.read(offset, buffer)
    return bytes(buffer)


def unlike(unit):
    """(data of one unit, the same with bits cleared, the same with a bit set)."""
    data = bytes(range(unit - 1, -1, -1)) if unit > 1 else b"\x5a"
    return data, bytes(byte & 0x0F for byte in data), data[:-1] + bytes([data[-1] | 0x81])


def check_flash(flash):
    """What every implementation promises. Argument: flash, blank, of at least 3 blocks of at
    least 2 units."""
    unit, size = flash.program_unit_bytes, flash.block_bytes
    end = flash.block_count * size
    assert flash.block_count >= 3 and size % unit == 0 and size >= 2 * unit
    for offset, count in ((0, 1), (1, 7), (size - 3, 6), (end - 1, 1), (0, 0), (end, 0)):
        assert content(flash, offset, count) == b"\xff" * count

    data = unlike(unit)[0]
    flash.program(size, data)
    flash.program(2 * size - unit, memoryview(bytearray(data)))
    assert content(flash, size, unit) == data
    assert content(flash, size - 1, unit + 1) == b"\xff" + data
    assert content(flash, 2 * size - unit, unit + 1) == data + b"\xff"
    if size > 2 * unit:
        assert content(flash, size + unit, 1) == b"\xff"

    check_impossible(flash)
    assert content(flash, size, unit) == content(flash, 2 * size - unit, unit) == data
    assert content(flash, 0, size) == b"\xff" * size, "a refusal writes"

    flash.program(0, b"\x00" * size)
    flash.program(2 * size, b"\x00" * size)
    flash.erase(1)
    assert content(flash, size, size) == b"\xff" * size
    assert content(flash, 0, size) == content(flash, 2 * size, size) == b"\x00" * size
    check_again(flash, 1)
    if end > 3 * size:
        assert content(flash, 3 * size, end - 3 * size) == b"\xff" * (end - 3 * size)


def check_impossible(flash):
    """That accesses which no chip can do are refused."""
    unit, size = flash.program_unit_bytes, flash.block_bytes
    end = flash.block_count * size
    refused(flash.read, end, bytearray(1))
    refused(flash.read, -1, bytearray(1))
    refused(flash.program, end, b"\x00" * unit)
    refused(flash.program, -unit, b"\x00" * unit)
    refused(flash.program, 0, b"")
    refused(flash.program, size - unit, b"\x00" * (2 * unit))
    refused(flash.erase, flash.block_count)
    refused(flash.erase, -1)
    if unit > 1:
        refused(flash.program, 1, b"\x00" * unit)
        refused(flash.program, 0, b"\x00" * (unit - 1))
        refused(flash.program, 0, b"\x00" * (unit + 1))


def check_again(flash, block):
    """What a second program of a unit does, in a block that is blank and is so afterwards."""
    unit, start = flash.program_unit_bytes, block * flash.block_bytes
    blank = b"\xff" * unit
    data, cleared, setting = unlike(unit)
    if flash.reprogram:
        flash.program(start, blank)
        flash.program(start, data)
        flash.program(start, blank)
        assert content(flash, start, unit) == data, "0xFF changes what stands there"
        flash.program(start, data)
        flash.program(start, cleared)
        assert content(flash, start, unit) == cleared
        # Two that share a unit, as far as it has room for two.
        flash.program(start + unit, data[:1] + blank[1:])
        flash.program(start + unit, blank[:1] + data[1:])
        assert content(flash, start + unit, unit) == data
        refused(flash.program, start + unit, setting)
    else:
        flash.program(start, data)
        refused(flash.program, start, setting)
        flash.program(start + unit, blank)
        assert content(flash, start + unit, unit) == blank
    flash.erase(block)
    flash.program(start, data)
    assert content(flash, start, unit) == data, "erased flash takes new bytes"
    flash.erase(block)
    assert content(flash, start, 2 * unit) == blank * 2


def check_strict_flash(flash):
    """What strict implementations refuse before anything is changed. Argument as above."""
    unit, start = flash.program_unit_bytes, flash.block_bytes
    blank = b"\xff" * unit
    data, cleared, setting = unlike(unit)
    flash.program(start, data)
    refused(flash.program, start, setting)
    refused(flash.program, start, setting + blank)
    if not flash.reprogram:
        for again in (data, cleared, blank):
            refused(flash.program, start, again)
        flash.program(start + unit, blank)
        for again in (data, blank):
            refused(flash.program, start + unit, again)
        flash.program(0, data + blank)
        refused(flash.program, unit, data)
        flash.erase(2)
        refused(flash.program, unit, data)
        assert content(flash, 0, 2 * unit) == data + blank
        flash.erase(0)
        flash.program(unit, data)
        flash.erase(0)
    assert content(flash, start, 2 * unit) == data + blank, "a refusal writes"
    flash.erase(1)


def counted(flash):
    """What the host's implementations count."""
    return (
        flash.program_count,
        flash.programmed_bytes_count,
        flash.erase_count,
        flash.read_bytes_count,
    )


def check_counters(flash):
    """That only what happened is counted. Argument as above."""
    unit, size = flash.program_unit_bytes, flash.block_bytes
    before = counted(flash)
    flash.program(0, b"\x00" * unit)
    flash.program(unit, b"\xff" * (size - unit))
    refused(flash.program, size - unit, b"\x00" * (2 * unit))
    flash.erase(2)
    flash.erase(2)
    refused(flash.erase, flash.block_count)
    content(flash, 0, 7)
    refused(flash.read, -1, bytearray(1))
    assert tuple(now - then for now, then in zip(counted(flash), before)) == (2, size, 2, 7)
    flash.erase(0)


def check_byte_by_byte(flash, random):
    """Strict flash against the rule for each byte. Arguments: flash, blank; random."""
    unit, size = flash.program_unit_bytes, flash.block_bytes
    model = bytearray(b"\xff" * (2 * size))
    spent = bytearray(2 * size)
    refused_count = 0
    slots = min(8, size // unit)
    for _ in range(400):
        if random.below(20) == 0:
            block = random.below(2)
            flash.erase(block)
            model[block * size : (block + 1) * size] = b"\xff" * size
            spent[block * size : (block + 1) * size] = bytes(size)
            continue
        count = unit * random.between(1, min(4, slots))
        offset = random.below(2) * size + random.below(slots + 1 - count // unit) * unit
        data = bytearray(random.data(count))
        for i in range(count):
            kind = random.below(16)
            if kind == 0:
                data[i] = 0xFF
            elif kind < 14 or random.below(unit):
                data[i] &= model[offset + i]
        if random.below(4) == 0:
            data = bytearray(b"\xff" * count)
        end = offset + count
        merged = bytes(model[offset + i] & data[i] for i in range(count))
        fits = all(data[i] in (0xFF, merged[i]) for i in range(count))
        if fits if flash.reprogram else not any(spent[offset:end]):
            flash.program(offset, memoryview(data))
            model[offset:end] = merged
            spent[offset:end] = b"\x01" * count
        else:
            refused(flash.program, offset, data)
            refused_count += 1
        assert content(flash, offset, count) == model[offset:end]
    assert content(flash, 0, 2 * size) == model
    assert 20 < refused_count < 380, f"{refused_count} refusals say little"
    for block in range(2):
        flash.erase(block)


def host_flash(kind, path, medium):
    """A strict implementation. Arguments: kind, one of KINDS; path, of the file of that kind;
    medium, one of MEDIA."""
    if kind == "file":
        return FileFlash(path, 4, *medium)
    flash = RamFlash(4, *medium)
    return CutFlash(flash) if kind == "cut" else flash


def check_host_flash(kind, path, medium):
    """All that a strict implementation promises. Arguments as of `host_flash`."""
    for check in (check_flash, check_strict_flash, check_counters):
        flash = host_flash(kind, path, medium)
        for block in range(flash.block_count):
            flash.erase(block)
        check(flash)
    check_byte_by_byte(flash, Random(1))


def check_chips():
    """The flash of the boards, on fakes."""
    for is_encrypted in (False, True):
        port, _ = fake_chips.esp32_port(4, is_encrypted)
        check_flash(port.PartitionFlash(is_encrypted=is_encrypted))
    port, _ = fake_chips.rp2_port(8)
    check_flash(port.RegionFlash(8_192, 16_384))
    fake_chips.remove()


def check_file_flash(path):
    """What a file adds: the bytes are there for whoever opens it next."""
    flash = FileFlash(path, 3)
    flash.program(4_096, b"\x5a")
    flash.close()
    again = FileFlash(path, 3)
    assert content(again, 4_095, 3) == b"\xff\x5a\xff"
    refused(again.program, 4_096, b"\xa5")
    again.close()
    once = FileFlash(path, 3, 16, False)
    refused(once.program, 4_096, b"\xff" * 16)
    once.program(4_112, b"\xff" * 16)
    once.close()
    refused(FileFlash, path, 4)
    refused(FileFlash, path, 3, 1, True, 512)
    FileFlash(path, 24, 1, True, 512).close()
    try:
        FileFlash(path + "/below", 3)
    except OSError:
        return
    raise AssertionError("a file below a file was opened")
