"""What `tidegate provision` writes, and that it is its owner's alone."""

import json
import stat
from pathlib import Path

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from tidegate_tools import certificates, cli, provision
from tidegate_tools.errors import ToolError

AGENT = {"device_id": "tg-000001", "host": "mqtt.example"}


def run(folder, *more, typed=""):
    return CliRunner().invoke(
        cli.app, ["provision", str(folder), "--device-id", "tg-000001", "--host", "mqtt.example",
                  *more], input=typed)  # fmt: skip


def test_a_device_with_certificates_and_wifi_is_written_for_its_owner_alone(tmp_path):
    authority = certificates.Authority(tmp_path, "mqtt.example")
    certificate, key = authority.device("tg-000001")
    folder = tmp_path / "tg-000001"
    result = run(folder, "--wifi", "depot", "--country", "NO", "--ca", authority.ca_pem_path,
                 "--certificate", certificate, "--key", key, "--set", "codec=packed", "--set",
                 "keep_alive_s=120", "--set", "password=-", "--json",
                 typed="secret of the broker\nsecret of the air\n")
    assert result.exit_code == 0, result.output
    text = json.loads((folder / "factory.json").read_text())
    assert text["board"] == {"country": "NO", "source": {"kind": "simulated"}, "watchdog": True,
                             "wifi": [["depot", "secret of the air"]]}
    assert text["agent"] == {
        **AGENT, "port": 1883, "codec": "packed", "keep_alive_s": 120, "tls": "on",
        "password": "secret of the broker", "tls_ca": "/certs/ca.der",
        "tls_certificate": "/certs/certificate.der", "tls_key": "/certs/key.der"}
    assert (folder / "certs" / "ca.der").read_bytes() == Path(authority.ca_path).read_bytes()
    assert (folder / "certs" / "key.der").read_bytes() == Path(key).read_bytes()
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} is open to others"
    assert "secret" not in result.stdout


@pytest.mark.parametrize("more, words", [
    (("--set", "codec=jsn"), "codec: one of"),
    (("--set", "colour=red"), "colour: no such key"),
    (("--wifi", "depot"), "board.country"),
    (("--ca", "absent.pem"), "tls_ca: absent.pem is no certificate"),
    (("--source", "magic"), "board.source.kind"),
])
def test_what_is_wrong_is_one_line_and_leaves_nothing(tmp_path, more, words):
    result = run(tmp_path / "f", *more, typed="x\n")
    assert result.exit_code == 2 and words in result.stderr, result.output
    assert not (tmp_path / "f" / "factory.json").exists()


def test_a_folder_in_the_checkout_or_one_that_is_there_is_refused(tmp_path):
    with pytest.raises(ToolError, match="secrets do not belong into the repository"):
        provision.write(ROOT / "host_tests" / "x", AGENT, {}, {})
    assert not (ROOT / "host_tests" / "x").exists()
    with pytest.raises(ToolError, match="is there already"):
        provision.write(tmp_path, AGENT, {}, {})
