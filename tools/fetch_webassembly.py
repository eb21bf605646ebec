"""Fetches MicroPython's WebAssembly build with npm, checked against the digest below.

Under node it is a MicroPython with a 32-bit heap that needs no hardware. `tidegate bench spool`
runs this on first use; nothing else needs it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@micropython/micropython-webassembly-pyscript"
VERSION = "1.29.0-6"
ARCHIVE_SHA256 = "416fd43c3ff9c60c871e520cda90e725ad866339b5f59668ef79388330454444"
MEMBERS = ("micropython.mjs", "micropython.wasm")
PATIENCE_S = 180


class FetchError(Exception):
    """Why there is no WebAssembly build, in one line that says what to do next."""


def check(data, sha256=ARCHIVE_SHA256):
    """Errors: FetchError if `data` is not the archive that was pinned."""
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise FetchError(f"{PACKAGE} {VERSION}: sha256 is {found[:16]}.., "
                         f"pinned is {sha256[:16]}..: not used")


def download(folder):
    """Path of the archive, fetched into `folder`. Errors: FetchError."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("there is no npm on PATH: install node")
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--ignore-scripts",
               "--pack-destination", str(folder)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE_S, cwd=folder)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"npm did not end in order ({type(error).__name__}): look at the "
                         "network or the proxy, then try again") from error
    found = sorted(Path(folder).glob("*.tgz"))
    if done.returncode or not found:
        raise FetchError(f"could not get {PACKAGE} {VERSION}: npm ended with {done.returncode}; "
                         "look at the network or the proxy, then try again")
    return found[0]


def unpack(archive, destination):
    """Puts MEMBERS of the archive into `destination`, the last one only when all are there.

    Errors: FetchError where the archive is not the pinned one or lacks one of them.
    """
    check(Path(archive).read_bytes())
    destination.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for name in MEMBERS:
            try:
                data = tar.extractfile("package/" + name).read()
            except KeyError:
                raise FetchError(f"the archive of {PACKAGE} holds no {name}") from None
            unfinished = destination / (name + ".new")
            unfinished.write_bytes(data)
            os.replace(unfinished, destination / name)


def main(destination):
    """Puts the build into the folder `destination`. Exit status 0, or 1 and one line."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            unpack(download(folder), Path(destination))
    except FetchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
