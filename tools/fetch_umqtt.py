"""Fetches `umqtt/simple.py` from the package index, checked against the digests below.

The archive has no installer in it, so pip cannot install it; `make setup` runs this instead,
with the Python of the virtual environment.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PROJECT = "micropython-umqtt.simple"
VERSION = "1.3.4"
ARCHIVE = PROJECT + "-" + VERSION + ".tar.gz"
ARCHIVE_SHA256 = "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f"
MODULE = "umqtt/simple.py"
MODULE_SHA256 = "8555d2f654deb8eb0d724f79b0811a78cc94029d070f3d96bbd74288653d63a5"


class FetchError(Exception):
    """Why there is no umqtt.simple, in one line."""


def check(name, data, sha256):
    """Errors: FetchError if `data` is not what was pinned as `sha256`."""
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise FetchError(f"{name}: sha256 is {found[:16]}.., pinned is {sha256[:16]}..: not used")


def unpack(archive):
    """The text of the one module wanted, as bytes; nothing else of the archive is touched.

    Arguments: archive, path of the file as downloaded. Errors: FetchError.
    """
    check(ARCHIVE, Path(archive).read_bytes(), ARCHIVE_SHA256)
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith("/" + MODULE):
                data = tar.extractfile(member).read()
                check(MODULE, data, MODULE_SHA256)
                return data
    raise FetchError(f"{ARCHIVE} holds no {MODULE}")


def index_settings():
    """Keyword arguments for the index client: the index that pip was told to use, if any."""
    address = os.environ.get("PIP_INDEX_URL", "")
    if not address:
        command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        address = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return {"endpoint": address} if address else {}


def download(folder):
    """Path of the archive, fetched into `folder`. Errors: FetchError."""
    from pypi_simple import PyPISimple

    target = Path(folder) / ARCHIVE
    try:
        with PyPISimple(**index_settings()) as index:
            page = index.get_project_page(PROJECT, timeout=60)
            packages = [package for package in page.packages if package.filename == ARCHIVE]
            if not packages:
                raise FetchError(f"could not get {PROJECT} {VERSION}: the index has no {ARCHIVE}")
            index.download_package(packages[0], target, verify=False, timeout=60)
    except FetchError:
        raise
    except Exception as error:
        reason = type(error).__name__
        raise FetchError(
            f"could not get {PROJECT} {VERSION} from the package index ({reason}): "
            "look at the network or the proxy, then run `make setup` again"
        ) from error
    return target


def main(destination):
    """Puts the module below the folder `destination`. Exit status 0, or 1 and one line."""
    target = Path(destination) / MODULE
    try:
        with tempfile.TemporaryDirectory() as folder:
            data = unpack(download(folder))
    except FetchError as error:
        print(error, file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".new")
    unfinished.write_bytes(data)
    unfinished.replace(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
