"""The set-up says in one line what it could not do, and uses nothing that was not pinned."""

import hashlib
import io
import sys
import tarfile
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"


sys.path.append(str(TOOLS))

import fetch_umqtt as fetch  # noqa: E402
import setup_commands as commands  # noqa: E402
import setup_environment as setup  # noqa: E402


def test_an_old_python_is_refused_with_both_versions():
    with pytest.raises(setup.SetupError, match=r"version 3\.9, Tidegate needs 3\.10 or newer"):
        setup.check_python((3, 9, 18))


def test_a_python_without_venv_is_told_which_package_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(setup.SetupError, match="install the package python3-venv"):
        setup.check_python((3, 11, 2))


@pytest.mark.parametrize(
    "printed, line",
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\n"
            "ERROR: No matching distribution found for aiomqtt==2.5.1\n",
            "could not get aiomqtt==2.5.1: the package index is out of reach; look at",
        ),
        (
            "ERROR: No matching distribution found for numpy==2.2.6\n",
            "could not get numpy==2.2.6: the package index has no wheel of it for Python",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"
            "    rich==15.0.0 from somewhere:\n        Expected sha256 aa\n",
            "what came for rich==15.0.0 is not what requirements.lock names",
        ),
        (
            "Collecting rich==15.0.0\nERROR: No space left on device\n",
            "could not get rich==15.0.0: No space left on device",
        ),
        ("", "pip ended without a word"),
    ],
)
def test_a_failure_of_pip_becomes_one_line_that_names_the_package(printed, line):
    said = commands.pip_failure(printed)
    assert said.startswith(line) and "\n" not in said


def test_what_is_no_micropython_has_version_zero():
    assert commands.micropython_version(sys.executable) == (0, 0)
    assert commands.micropython_version("/nowhere/micropython") == (0, 0)


def test_a_micropython_on_the_path_is_used_only_if_new_enough(tmp_path, monkeypatch):
    found = {}
    for minor in (24, 25):
        program = tmp_path / str(minor) / "micropython"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho micropython 1 {minor}\n")
        program.chmod(0o755)
        found[minor] = str(program)
    monkeypatch.setenv("PATH", f"{tmp_path}/24:{tmp_path}/25:/usr/bin:/bin")
    assert commands.find_micropython() == found[25]


def test_a_stamp_whose_results_are_gone_counts_for_nothing(monkeypatch):
    monkeypatch.setattr(setup, "RESULTS", (".build/never/made",))
    assert setup.found_state() == {}


def archive_with(folder, data):
    """Path of an archive like the index's, with `data` as its one module."""
    path = folder / "archive.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in ("../outside.py", "top/umqtt/simple.py"):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_an_archive_other_than_the_pinned_one_is_refused(tmp_path):
    with pytest.raises(fetch.FetchError, match="not used"):
        fetch.unpack(archive_with(tmp_path, b"x = 1\n"))


def test_a_module_other_than_the_pinned_one_is_refused(tmp_path, monkeypatch):
    path = archive_with(tmp_path, b"x = 1\n")
    monkeypatch.setattr(fetch, "ARCHIVE_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(fetch.FetchError, match=r"umqtt/simple\.py: sha256"):
        fetch.unpack(path)


def test_only_the_pinned_module_is_taken_from_the_archive(tmp_path, monkeypatch):
    path = archive_with(tmp_path, b"x = 1\n")
    monkeypatch.setattr(fetch, "ARCHIVE_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(fetch, "MODULE_SHA256", hashlib.sha256(b"x = 1\n").hexdigest())
    assert fetch.unpack(path) == b"x = 1\n"
    assert [each.name for each in tmp_path.iterdir()] == ["archive.tar.gz"]


def test_the_lock_is_split_into_wheels_sources_and_the_stubs_of_each_port():
    wheel = "rich==14.0 \\\n    --hash=sha256:aa\n"
    source = "esptool==5.6.0 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    stubs = "micropython-rp2-stubs==1.29.0 \\\n    --hash=sha256:dd\n"
    locks = setup.split_lock("# pins\n" + wheel + source + stubs + wheel)
    assert locks == {
        "wheels": "# pins\n" + wheel + wheel, "sources": source, ".build/stubs/rp2": stubs,
    }  # fmt: skip
    assert list(locks)[0] == "wheels", "what builds the sources is there before them"
