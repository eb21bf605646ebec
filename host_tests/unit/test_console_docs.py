"""docs/console.md says what the device does."""

import json
import re

import pytest
from conftest import ROOT
from console_world import ConsoleWorld
from tidegate_tools import console_docs

ASKED = ("status", "backlog", "ping", "errors", "log", "selftest", "version")


def test_the_document_is_what_the_tables_make():
    text = (ROOT / "docs" / "console.md").read_text()
    assert text == console_docs.document(), "run python -m tidegate_tools.console_docs"


@pytest.fixture(scope="module")
def made():
    world = ConsoleWorld()
    world.run(60_000)
    return world


@pytest.mark.parametrize("line", [*ASKED, "obs", "obs 501", "help", "help obs", "lock"])
def test_each_member_of_a_result_is_documented_and_each_documented_one_is_there(made, line):
    name = line.split(" ")[0]
    [reply] = [json.loads(each) for each in made.ask(line + " --json") if each[0] == "{"]
    documented = set(re.findall(r"`([a-z_]+)`", console_docs.KEYS[name]))
    members = reply["result"]
    assert set(members) <= documented
    for members_of in (members.get("observations", []), [members.get("verdict", {})]):
        for each in members_of:
            assert set(each) <= documented
    if name in ASKED:
        optional = {"health", "key", "text", "next", "logs", "telemetry", "records"}
        nested = {"age_s", "bytes", "count", "drain_s", "next_seq", "rate", "stored", "figure",
                  "result", "pass", "clock", "flash", "heap", "link", "source", "spool"}
        assert documented - optional - nested <= set(members) | {name}
