"""`tidegate spool`: what an image holds is shown and judged, whatever state it is in."""

import json
import random

import pytest
from spool_images import (
    BLOCK_COUNT, RECORDS_COUNT, TELEMETRY_COUNT, Spooled, as_json, one_line, run, two_boots,
)

from tidegate.observe.catalogue import RECORDS, TELEMETRY
from tidegate.spool.crc import FIRST, crc24, put_crc
from tidegate_tools.bench_rig import STORE, UTC_ZERO_MS
from tidegate_tools.values import to_text

BLOCK_BYTES = 4_096
RECORDS_BLOCK = 12
HEADER_BYTES = 96


@pytest.fixture
def spooled(tmp_path):
    """An image of two boots."""
    return two_boots(tmp_path / "spool.img")


def test_the_dump_shows_name_value_and_time_of_an_observation(spooled):
    output = run("spool", "dump", spooled.path).output
    [row] = [line.split() for line in output.splitlines() if line.split()[1:2] == ["701"]]
    assert row == ["telemetry", "701", "1", "2026-01-15T18:11:41.000Z", "501", "VoltagePhase1",
                   "230.699", "V", "no"]
    assert "-0.5 degC" in output and "600 bytes" in output


def test_the_dump_as_json_is_what_was_appended(spooled):
    form = as_json("spool", "dump", spooled.path)
    found = {(each["log"], each["seq"]):
             (each["boot"], each["mono_ms"], each["id"], json.dumps(each["value"]))
             for each in form["observations"]}
    assert found == {key: (*fields[:3], json.dumps(json.loads(to_text(fields[3]))))
                     for key, fields in spooled.held.items()}
    assert form["store"] == STORE.hex() and form["boot"] == 2
    dated = form["observations"][5]
    assert dated["utc_ms"] == UTC_ZERO_MS + dated["mono_ms"] and dated["quality"] == "synced"


def test_the_dump_of_one_log_holds_nothing_of_the_other(spooled):
    output = run("spool", "dump", spooled.path, "--log", "records").output
    assert "SignedMeterValue" in output and "VoltagePhase1" not in output


def test_an_observation_of_a_boot_without_utc_shows_its_monotonic_time(spooled):
    output = run("spool", "dump", spooled.path).output
    assert "+1.000 s" in output


def test_the_sectors_are_shown_with_their_state(spooled):
    form = as_json("spool", "dump", spooled.path, "--sectors")
    assert "observations" not in form and len(form["sectors"]) == BLOCK_COUNT
    states = [each["state"] for each in form["sectors"] if each["log"] == "telemetry"]
    assert states[0] == "confirmed" and "held" in states and "head" in states
    first = form["sectors"][0]
    assert (first["number"], first["block"], first["boot"], first["first_seq"]) == (0, 0, 1, 1)
    assert 200 < first["observation_count"] <= first["frame_count"]
    assert 3_800 < first["used_bytes"] <= BLOCK_BYTES
    output = run("spool", "dump", spooled.path, "--sectors").output
    assert "first seq" in output and "erased" in output


def test_an_unknown_log_is_one_line_that_lists_the_known_ones(spooled):
    assert "telemetry, records" in one_line(run("spool", "dump", spooled.path, "--log", "trail"))


def test_a_sound_image_is_verified_with_its_counts(spooled):
    result = run("spool", "verify", spooled.path)
    assert result.exit_code == 0 and result.output.splitlines()[-1] == "sound"
    counts = as_json("spool", "verify", spooled.path)
    assert counts["sound"] and not counts["damage"]
    telemetry, records = counts["logs"]
    assert (telemetry["whole"], telemetry["confirmed"], telemetry["lost"]) == (1_202, 400, 0)
    assert (records["whole"], records["unconfirmed"], records["erases"]) == (2, 2, None)


def test_what_gave_way_is_counted_as_evicted_and_is_no_damage(tmp_path):
    world = Spooled(tmp_path / "full.img", block_count=8)
    world.fill(2_500)
    result = run("spool", "verify", world.write(), "--json")
    [telemetry, _] = json.loads(result.stdout)["logs"]
    assert result.exit_code == 0 and telemetry["evicted"] > 300 and telemetry["lost"] == 0
    assert telemetry["evicted"] + telemetry["whole"] == 2_500


def test_what_is_confirmed_and_freed_is_neither_lost_nor_evicted(tmp_path):
    world = Spooled(tmp_path / "lap.img", block_count=8)
    for _ in range(2_500):
        world.append(230_000)
        world.rig.confirm_all()
    world.rig.spool.close()
    [telemetry, _] = as_json("spool", "verify", world.write())["logs"]
    assert telemetry["first"] > 300
    assert (telemetry["evicted"], telemetry["lost"], telemetry["unconfirmed"]) == (0, 0, 0)


def test_a_flipped_bit_in_a_frame_loses_that_one_and_is_named(spooled):
    spooled.flip(HEADER_BYTES + 2_000)
    result = run("spool", "verify", spooled.write(), "--json")
    counts = json.loads(result.stdout)
    assert result.exit_code == 1 and not counts["sound"]
    [telemetry, _] = counts["logs"]
    # What is confirmed is with the receiver: it cannot be lost any more.
    assert telemetry["whole"] == 1_201 and telemetry["lost"] == 0
    assert "bytes of no frame in block 0" in counts["verdict"]
    spooled.flip(HEADER_BYTES + 2 * BLOCK_BYTES + 2_000)
    result = run("spool", "verify", spooled.write())
    assert "telemetry: 1 observation lost (seq " in result.output


def test_a_damaged_header_copy_costs_nothing_and_is_named(spooled):
    spooled.flip(BLOCK_BYTES + 5)
    result = run("spool", "verify", spooled.write(), "--json")
    counts = json.loads(result.stdout)
    assert result.exit_code == 1 and counts["logs"][0]["whole"] == 1_202
    assert counts["damage"] == ["telemetry: one of two headers damaged in block 1"]


def test_a_sector_without_a_header_is_named_and_the_rest_is_shown(spooled):
    for copy in (0, 48):
        spooled.flip(2 * BLOCK_BYTES + copy + 4)
    spooled.write()
    result = run("spool", "dump", spooled.path, "--json")
    form = json.loads(result.stdout)
    states = {each["block"]: each["state"] for each in form["sectors"]}
    assert states[2] == "unreadable" and result.exit_code == 0
    assert "no readable sector header in block 2" in result.stderr
    assert 800 < len(form["observations"]) < 1_000
    assert run("spool", "verify", spooled.path).exit_code == 1


def test_a_torn_tail_is_what_a_power_cut_leaves_and_is_sound(spooled):
    log = spooled.rig.spool.logs[TELEMETRY]
    tail = log.geometry.offset(log.number) + log.offset
    spooled.flash.image[tail:tail + 3] = b"\x08\xf5\x13"
    result = run("spool", "verify", spooled.write())
    assert result.exit_code == 0, result.output
    assert "a power cut tore an append" in result.output


def test_a_cut_append_of_an_earlier_boot_is_counted_apart_from_what_is_lost(spooled):
    log = spooled.rig.spool.logs[TELEMETRY]
    tail = log.geometry.offset(log.number) + log.offset
    spooled.flash.image[tail:tail + 3] = b"\x08\xf5\x13"
    spooled.mount()
    spooled.append(99, observation_id=202)
    result = run("spool", "verify", spooled.write(), "--json")
    telemetry = json.loads(result.stdout)["logs"][0]
    assert result.exit_code == 0
    assert (telemetry["cut"], telemetry["lost"]) == (1, 0)


def test_a_truncated_file_is_read_as_far_as_it_goes(tmp_path):
    world = Spooled(tmp_path / "whole.img", block_count=32)
    for _ in range(8_000):
        world.append(230_000)
        world.rig.confirm_all()
    world.path.write_bytes(world.flash.image[:21 * BLOCK_BYTES + 1_000])
    result = run("spool", "verify", world.path, "--json")
    counts = json.loads(result.stdout)
    assert result.exit_code == 1 and counts["block_count"] == 32
    assert counts["missing_from_block"] == 21
    assert "the file ends in block 21, the region has 32 blocks" in counts["verdict"]
    assert counts["logs"][0]["whole"] > 5_000


def test_an_oversized_file_is_sound_and_what_is_too_much_is_named(spooled):
    spooled.append(b"x" * 700, RECORDS, 554)
    image = bytes(spooled.flash.image)
    spooled.path.write_bytes(image + bytes(5 * BLOCK_BYTES + 77))
    result = run("spool", "verify", spooled.path, "--json")
    counts = json.loads(result.stdout)
    assert result.exit_code == 0 and counts["block_count"] == BLOCK_COUNT
    assert counts["notes"][0] == "%d bytes behind the region are passed over" % (
        5 * BLOCK_BYTES + 77)
    assert counts["logs"][1]["whole"] == 3


def test_a_region_inside_a_larger_dump_is_found_with_its_offset(spooled):
    spooled.path.write_bytes(b"boot" * 1_000 + bytes(spooled.flash.image))
    assert run("spool", "verify", spooled.path, "--offset", 4_000).exit_code == 0
    assert "--offset" in one_line(run("spool", "verify", spooled.path))


def test_a_wrong_block_count_shows_what_it_can(spooled):
    result = run("spool", "verify", spooled.path, "--blocks", 8, "--json")
    counts = json.loads(result.stdout)
    assert counts["logs"][0]["whole"] > 0 and counts["block_count"] == 8
    assert run("spool", "verify", spooled.path, "--blocks", 64).exit_code == 1


@pytest.mark.parametrize("unit, reprogram", [(16, False), (32, False), (1, True)])
def test_the_program_unit_is_found_by_itself(tmp_path, unit, reprogram):
    world = Spooled(tmp_path / "unit.img", (unit, reprogram))
    world.fill(400)
    counts = as_json("spool", "verify", world.write())
    assert (counts["unit_bytes"], counts["once"]) == (unit, not reprogram)
    assert counts["sound"] and counts["logs"][0]["whole"] == 400


def test_a_unit_that_does_not_fit_the_blocks_is_one_line(spooled):
    assert "--unit 48" in one_line(run("spool", "verify", spooled.path, "--unit", 48))


@pytest.mark.parametrize("content, text", [
    (b"", "is empty"), (b"\xff" * 40_960, "is blank"), (b"\0" * 40_960, "holds no spool"),
    (random.Random(1).randbytes(40_960), "holds no spool"),
])
def test_a_file_without_a_spool_is_one_line(tmp_path, content, text):
    path = tmp_path / "other.img"
    path.write_bytes(content)
    for command in ("dump", "verify"):
        assert text in one_line(run("spool", command, path))


def test_a_file_that_cannot_be_read_is_one_line_with_its_name(tmp_path):
    assert "nowhere.img" in one_line(run("spool", "verify", tmp_path / "nowhere.img"))
    assert "cannot be read" in one_line(run("spool", "dump", tmp_path))


def test_another_format_version_is_named_and_not_read(spooled):
    image = spooled.flash.image
    image[2] = 9
    put_crc(image, 13, crc24(FIRST, image, 0, 13))
    assert "format version 9" in one_line(run("spool", "verify", spooled.write()))


@pytest.mark.parametrize("lost, blocks, left, count", [
    ("records", (RECORDS_BLOCK, BLOCK_COUNT), 0, TELEMETRY_COUNT),
    ("telemetry", (0, RECORDS_BLOCK), 1, RECORDS_COUNT),
])
def test_a_log_of_which_nothing_is_left_does_not_hide_the_other(
    spooled, lost, blocks, left, count
):
    first, end = (block * BLOCK_BYTES for block in blocks)
    spooled.flash.image[first:end] = b"\x5a" * (end - first)
    result = run("spool", "verify", spooled.write(), "--json")
    counts = json.loads(result.stdout)
    assert result.exit_code == 1 and counts["logs"][left]["whole"] == count
    assert counts["store"] == STORE.hex()
    assert lost + ": no sector can be read" in counts["verdict"]


def test_logs_of_two_stores_are_no_spool(spooled, tmp_path):
    other = Spooled(tmp_path / "other.img")
    other.rig.spool.store_id = other.rig.spool.logs[RECORDS].header.store_id = b"another!"
    other.append(b"x" * 700, RECORDS, 554)
    border = RECORDS_BLOCK * BLOCK_BYTES
    spooled.flash.image[border:] = other.flash.image[border:]
    assert "two stores" in one_line(run("spool", "verify", spooled.write()))


def test_whatever_is_flipped_every_command_ends_in_order(spooled, tmp_path):
    seed = random.SystemRandom().randrange(1 << 32)
    draws = random.Random(seed)
    whole = bytes(spooled.flash.image)
    for _ in range(8):
        image = bytearray(whole)
        for _ in range(draws.choice((1, 3, 40, 2_000))):
            image[draws.randrange(len(image))] ^= 1 << draws.randrange(8)
        size = len(image) - draws.choice((0, 0, draws.randrange(len(image))))
        spooled.path.write_bytes(image[:size])
        for arguments in (("verify",), ("dump", "--json"),
                          ("export", "--out", tmp_path / "batches.jsonl")):
            result = run("spool", arguments[0], spooled.path, *arguments[1:])
            assert result.exit_code in (0, 1, 2), f"seed {seed}: {result.exception!r}"
            assert isinstance(result.exception, (SystemExit, type(None))), f"seed {seed}"


def test_no_command_changes_the_image(spooled, tmp_path):
    before = spooled.path.read_bytes()
    stamp = spooled.path.stat().st_mtime_ns
    for arguments in (("verify",), ("dump", "--sectors"), ("export", "--out", tmp_path / "b")):
        assert run("spool", arguments[0], spooled.path, *arguments[1:]).exit_code == 0
    assert "image itself" in one_line(
        run("spool", "export", spooled.path, "--out", spooled.path))
    assert spooled.path.read_bytes() == before and spooled.path.stat().st_mtime_ns == stamp


@pytest.mark.parametrize("command", ["spool dump", "spool verify", "spool export", "sink ingest",
                                     "bench"])
def test_the_help_of_each_command_has_an_example(command):
    output = run(*command.split(), "--help").output
    assert "Example: tidegate " + command in output
