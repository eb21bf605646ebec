"""A sample of the power cuts that `make crash` makes; and the flash model by its contract."""

import pytest
from crash.cases import Sweep, Tally
from crash.torn import (
    ALL, ERASE, NONE, PROGRAM, TORN_MODES, Misuse, TornFlash, change, redrawn, torn,
    torn_mask,
)
from crash.workload import MEDIA, Workload
from fakes import Random

from tidegate.errors import FlashError
from tidegate.hal.nor import RamFlash

STRIDE, PAIR_STRIDE = 25, 16


@pytest.mark.parametrize("medium", MEDIA, ids=lambda medium: medium.name)
@pytest.mark.parametrize("seed", range(1, 3))
def test_power_cuts_break_no_promise(medium, seed):
    tally = Tally()
    Sweep(medium, seed, tally, STRIDE, PAIR_STRIDE).run()
    faults = [f"{name}: {text}" for name, _, text in tally.faults]
    assert not faults, f"seed {seed}; again with run.py --case NAME:\n" + "\n".join(faults[:5])
    assert tally.total(1) > 100 and tally.total(2) > 20


@pytest.mark.parametrize("medium", MEDIA, ids=lambda medium: medium.name)
def test_a_workload_goes_round_both_logs_fills_the_records_and_starts_often(medium):
    workload = Workload(medium, 1, lambda world: world.take(world.state))
    journal = workload.run()
    for log in workload.world.spool.logs:
        assert log.number >= 2 * log.geometry.block_count
    assert workload.refused_count and workload.start_count > 3
    assert {operation[0] for operation in journal} == {PROGRAM, ERASE}


def operations(medium, chance):
    """Programs and erases as they come, also such as a medium refuses."""
    unit, block_bytes = medium.program_unit_bytes, medium.block_bytes
    for _ in range(400):
        if chance.below(20) == 0:
            yield ERASE, chance.below(medium.block_count), b""
            continue
        count = unit * chance.between(1, 3)
        data = bytearray(chance.data(count) if chance.below(3) else b"\xff" * count)
        yield PROGRAM, chance.below(medium.block_count * block_bytes // unit) * unit, data


@pytest.mark.parametrize("medium", MEDIA, ids=lambda medium: medium.name)
def test_a_flash_without_a_cut_is_any_flash(medium):
    chance = Random(1)
    plain = RamFlash(
        medium.block_count, medium.program_unit_bytes, medium.reprogram, medium.block_bytes
    )
    flash = TornFlash(medium, medium.blank())
    refused_count = 0
    for kind, at, data in operations(medium, chance):
        if kind == ERASE:
            plain.erase(at)
            flash.erase(at)
            continue
        try:
            plain.program(at, data)
        except FlashError:
            refused_count += 1
            with pytest.raises(Misuse):
                flash.program(at, data)
            continue
        flash.program(at, data)
        assert flash.image == plain.image
    assert refused_count


def cut_once(medium, operation, mode, seed=1):
    """(before, after, region, mask) of an operation cut in a block that begins with zeros."""
    image = bytearray(medium.blank())
    image[:320] = bytes(320)
    region = change(image, operation)
    mask = torn_mask(mode, region[1], region[2], Random(seed))
    return image, torn(image, region[0], region[1], mask), region, mask


DATA = bytes(range(16))
OPERATIONS = [(PROGRAM, 320, DATA, None), (ERASE, 0, b"\xff" * 512, None)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=["program", "erase"])
def test_a_cut_changes_none_all_or_some_of_what_the_operation_would(operation):
    kind, offset, data, _ = operation
    medium = MEDIA[0]
    for mode in TORN_MODES[kind]:
        before, after, region, mask = cut_once(medium, operation, mode)
        assert mask & ~region[2] == 0 and region[2]
        end = offset + len(data)
        assert after[:offset] == before[:offset] and after[end:] == before[end:]
        if mode == NONE:
            assert after == before
        elif mode == ALL:
            assert after[offset:end] == data
        else:
            assert before != after and after[offset:end] != data


def test_unstable_bits_read_differently_until_they_are_programmed_or_erased():
    medium = MEDIA[0]
    _, image, region, _ = cut_once(medium, OPERATIONS[0], ALL)
    start, end = region[0], region[0] + region[1]
    flash = TornFlash(medium, image, [region])
    seen = {bytes(redrawn(flash.image, flash.unstable, Random(seed))) for seed in range(40)}
    assert len(seen) > 10, "they differ from start to start"
    assert len({image[:start] + image[end:] for image in seen}) == 1, "but nothing else does"
    firm = DATA[8:]
    flash.program(328, firm)
    again = [redrawn(flash.image, flash.unstable, Random(seed)) for seed in range(40)]
    assert {bytes(image[328:336]) for image in again} == {firm}
    assert len({bytes(image[320:328]) for image in again}) > 5
    flash.program(320, bytes(8))
    assert flash.unstable == []
    flash = TornFlash(medium, image, [region])
    flash.erase(0)
    assert flash.unstable == []


def test_a_unit_that_takes_one_program_and_was_begun_takes_no_other():
    medium = MEDIA[2]
    _, image, region, _ = cut_once(medium, OPERATIONS[0], NONE)
    with pytest.raises(Misuse):
        TornFlash(medium, image, [region]).program(320, DATA)
    TornFlash(medium, image).program(320, DATA)
