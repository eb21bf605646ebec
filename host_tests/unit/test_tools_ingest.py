"""`tidegate spool export` and `tidegate sink ingest`: what an image holds reaches a sink once."""

import json

import pytest
from spool_images import Spooled, as_json, one_line, run, two_boots

from tidegate_tools.bench_rig import RECORDS, STORE

# A byte inside a frame of telemetry's third sector.
FRAME_BYTE = 2 * 4_096 + 96 + 2_000


@pytest.fixture
def spooled(tmp_path):
    """An image of two boots."""
    return two_boots(tmp_path / "spool.img")


def exported(spooled, tmp_path, *options):
    out = tmp_path / "batches.jsonl"
    result = run("spool", "export", spooled.path, "--device", "tg-7", "--out", out, *options)
    assert result.exit_code == 0, result.output
    return out


def test_an_export_is_ingested_once_and_only_once(spooled, tmp_path):
    out, db = exported(spooled, tmp_path), tmp_path / "sink.db"
    first = as_json("sink", "ingest", out, "--db", db)
    assert (first["stored"], first["repeats"], first["conflicts"]) == (1_204, 0, 0)
    again = as_json("sink", "ingest", out, "--db", db)
    assert (again["stored"], again["repeats"], again["conflicts"]) == (0, 1_204, 0)
    [telemetry, records] = as_json("sink", "report", db)["streams"]
    assert {telemetry["log"]: telemetry["stored"], records["log"]: records["stored"]} == {
        "telemetry": 1_202, "records": 2}
    assert telemetry["missing"] == [] and telemetry["device"] == "tg-7"


def test_what_the_sink_already_has_from_the_device_is_not_stored_again(spooled, tmp_path):
    out, db = exported(spooled, tmp_path), tmp_path / "sink.db"
    head = tmp_path / "head.jsonl"
    head.write_bytes(b"".join(out.read_bytes().splitlines(keepends=True)[:5]))
    early = as_json("sink", "ingest", head, "--db", db)
    late = as_json("sink", "ingest", out, "--db", db)
    assert early["stored"] > 0 and late["repeats"] == early["stored"]
    assert early["stored"] + late["stored"] == 1_204


def test_only_what_is_unconfirmed_is_exported_when_asked(spooled, tmp_path):
    out = exported(spooled, tmp_path, "--unconfirmed")
    seqs = [batch["seq"] + row[0] for batch in map(json.loads, out.read_bytes().splitlines())
            if batch["log"] == "telemetry" for row in batch["obs"]]
    assert seqs == list(range(401, 1_203))


def test_the_largest_value_of_a_spool_is_exported_too(tmp_path):
    world = Spooled(tmp_path / "large.img", block_count=48)
    world.append(bytes(range(256)) * 32, RECORDS, 554)
    world.write()
    found = as_json("sink", "ingest", exported(world, tmp_path), "--db", tmp_path / "sink.db")
    assert found["stored"] == 1 and not found["refused"]


def test_what_is_lost_is_exported_as_a_gap(spooled, tmp_path):
    spooled.flip(FRAME_BYTE)
    spooled.write()
    out = exported(spooled, tmp_path)
    [gap] = [gap for batch in map(json.loads, out.read_bytes().splitlines())
             for gap in batch["gaps"]]
    assert gap[0] == gap[1] and gap[2] == "lost"
    found = as_json("sink", "ingest", out, "--db", tmp_path / "sink.db")
    assert found["stored"] == 1_203 and not found["refused"]


def test_an_export_to_standard_output_is_read_from_standard_input(spooled, tmp_path):
    out = exported(spooled, tmp_path)
    result = run("sink", "ingest", "-", "--db", tmp_path / "sink.db", input=out.read_bytes())
    assert "1204 observations stored" in result.output


def test_an_export_without_a_device_goes_to_the_one_the_sink_knows(spooled, tmp_path):
    db, out = tmp_path / "sink.db", tmp_path / "unnamed.jsonl"
    assert run("spool", "export", spooled.path, "--out", out).exit_code == 0
    line = one_line(run("sink", "ingest", out, "--db", db))
    assert "whose spool" in line and "--device" in line and STORE.hex() in line
    known = exported(spooled, tmp_path, "--unconfirmed")
    assert run("sink", "ingest", known, "--db", db).exit_code == 0
    assert as_json("sink", "ingest", out, "--db", db)["stored"] == 400
    assert {stream["device"] for stream in as_json("sink", "report", db)["streams"]} == {"tg-7"}


def test_a_line_that_is_no_batch_is_refused_by_its_number(spooled, tmp_path):
    out = exported(spooled, tmp_path)
    out.write_bytes(b"no batch\n" + out.read_bytes() + b'{"v":1}\n')
    result = run("sink", "ingest", out, "--db", tmp_path / "sink.db")
    assert result.exit_code == 1
    assert "line 1: " in result.stderr and "2 lines refused" in result.output


def test_the_same_key_with_another_content_is_a_conflict(spooled, tmp_path):
    out, db = exported(spooled, tmp_path), tmp_path / "sink.db"
    run("sink", "ingest", out, "--db", db)
    first = json.loads(out.read_bytes().splitlines()[0])
    first["obs"][0][3] = "forged"
    out.write_text(json.dumps(first) + "\n")
    result = run("sink", "ingest", out, "--db", db)
    assert result.exit_code == 1 and "1 in conflict" in result.output


def test_a_device_id_that_is_none_is_one_line(spooled, tmp_path):
    for command in (("spool", "export", spooled.path, "--out", "-"),
                    ("sink", "ingest", spooled.path, "--db", tmp_path / "x.db")):
        assert "--device" in one_line(run(*command, "--device", "a/b"))
