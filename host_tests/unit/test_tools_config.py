"""`tidegate config`: what is made from the table of keys agrees with the device's own check."""

import json
from pathlib import Path

import config_mutations
import jsonschema
import pytest
from fakes import Random
from typer.testing import CliRunner

from tidegate.config import schema
from tidegate_tools import cli
from tidegate_tools.config_documents import json_schema, reference

ROOT = Path(__file__).parent.parent.parent
LEAST = {"device_id": "tg-1", "host": "sea"}


def run(*arguments):
    return CliRunner().invoke(cli.app, ["config", *map(str, arguments)])


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(json_schema())


def test_the_reference_in_the_docs_is_up_to_date():
    path = ROOT / "docs" / "configuration.md"
    assert path.read_text() == reference(), "run `make docs`"
    for row in schema.KEYS:
        assert f"| `{row[schema.NAME]}`" in path.read_text()
    assert run("reference").output == reference()


def test_the_schema_is_one_of_draft_2020_12_and_says_what_the_table_says():
    printed = json.loads(run("schema").output)
    assert printed == json_schema() and printed["$schema"].endswith("draft/2020-12/schema")
    jsonschema.Draft202012Validator.check_schema(printed)
    assert list(printed["properties"]) == [row[schema.NAME] for row in schema.KEYS]
    secrets = [name for name, each in printed["properties"].items() if each.get("writeOnly")]
    assert secrets == [row[schema.NAME] for row in schema.KEYS if row[schema.IS_SECRET]]
    assert {"sas_key", "password", "command_key"} <= set(secrets)
    assert printed["properties"]["port"] == {
        "type": "integer", "minimum": 1, "maximum": 65_535, "default": 1_883,
        "description": "its TCP port"}


def excused(table):
    """What only the device can judge: sizes in bytes, base64, a policy beside its own row."""
    good = config_mutations.GOOD
    texts = [value for value in table.values() if isinstance(value, str)]
    return (any(not value.isascii() for value in texts)
            or table.get("policies") not in (None, {}, good["policies"])
            or table.get("sas_key") not in (None, "", good["sas_key"]))


def test_schema_and_device_judge_a_thousand_spoilt_tables_alike(validator):
    counts = {}
    for seed in range(1_000):
        table = config_mutations.spoilt_table(Random(seed))
        is_good = not schema.faults(table)
        is_valid = validator.is_valid(json.loads(json.dumps(table)))
        assert is_valid or not is_good, (seed, table)
        if not excused(table):
            assert is_valid == is_good, (seed, table)
            counts[is_good] = counts.get(is_good, 0) + 1
    assert min(counts[True], counts[False]) > 10, counts


def test_schema_and_device_judge_one_odd_value_of_each_key_alike(validator):
    counts = {}
    for row in schema.KEYS:
        for odd in config_mutations.ODD:
            table = {**LEAST, row[schema.NAME]: odd}
            if excused(table):
                continue
            is_good = not schema.faults(table)
            assert validator.is_valid(table) == is_good, table
            counts[is_good] = counts.get(is_good, 0) + 1
    assert min(counts[True], counts[False]) > 30, counts


def test_a_good_file_is_good_as_a_board_s_and_by_itself(tmp_path):
    path = tmp_path / "config.json"
    for content in (LEAST, {"board": {"flash_path": "x"}, "agent": LEAST}):
        path.write_text(json.dumps(content))
        assert run("check", path).output == f"{path} is good\n"
        assert json.loads(run("check", path, "--json").output) == {"good": True, "faults": []}


def test_all_that_is_wrong_is_named_line_by_line_and_as_json(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"agent": {
        "device_id": "a b", "prot": 1, "keep_alive_s": 4, "password": ["hush"]}}))
    result = run("check", path)
    assert result.exit_code == 1 and "hush" not in result.stderr
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "prot", "device_id", "host", "password", "keep_alive_s"]
    assert "did you mean port?" in lines[0] and "5 to 1170 s" in lines[4]
    found = json.loads(run("check", path, "--json").output)
    assert not found["good"] and found["faults"][4] == {
        "key": "keep_alive_s", "reason": "an integer from 5 to 1170 s"}


@pytest.mark.parametrize("content, words", [
    (None, "cannot be read"), (b"{", "is no JSON"), (b"[" * 100_000, "is no JSON"),
    (b"\xff", "is no JSON")])
def test_a_file_that_cannot_be_read_is_one_line(content, words, tmp_path):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    result = run("check", path)
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert words in result.stderr and str(path) in result.stderr


@pytest.mark.parametrize("content", [b"[]", b'{"agent": 5}', b'{"board": {}}', b"null"])
def test_what_is_no_table_is_refused_as_a_whole(content, tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    result = run("check", path)
    assert (result.exit_code, result.stderr) == (
        1, "tidegate: the configuration is no table of keys and values\n")


@pytest.mark.parametrize("command", ["schema", "reference", "check"])
def test_each_help_has_an_example(command):
    assert f"Example: tidegate config {command}" in run(command, "--help").output
