"""`tidegate provision`: what makes one board this device: its id, its server, its secrets."""

import json
import os
from pathlib import Path

from tidegate_tools import paths
from tidegate_tools.errors import ToolError

paths.use_device_modules()

from tidegate import assembly  # noqa: E402
from tidegate.config import schema  # noqa: E402
from tidegate.errors import ConfigurationError  # noqa: E402

CERTIFICATES = "certs"


def write(folder, agent, board, certificates):
    """A new folder with `factory.json` and the certificates as DER, all its owner's alone.

    Arguments: folder, not inside the checkout; agent and board, tables of the factory file;
    certificates, {key of the configuration: path of a PEM or DER file}.
    Errors: ToolError names what is wrong, and then nothing was written.
    """
    folder = Path(folder).resolve()
    root = paths.find_checkout().root.resolve()
    if root == folder or root in folder.parents:
        raise ToolError("%s lies inside the checkout: secrets do not belong into the repository;"
                        " name a folder elsewhere" % folder)
    if folder.exists():
        raise ToolError("%s is there already: name a new folder, or remove it" % folder)
    made = {}
    for key, path in certificates.items():
        made[key] = _der(key, Path(path))
        agent = {**agent, key: "/%s/%s.der" % (CERTIFICATES, key.removeprefix("tls_"))}
    text = json.dumps({"agent": agent, "board": board}, indent=1).encode()
    try:
        schema.check(agent)
    except ConfigurationError as error:
        raise ToolError(str(error)) from error
    _put(folder, "factory.json", text)
    try:
        assembly.read(str(folder / "factory.json"))
    except ConfigurationError as error:
        (folder / "factory.json").unlink()
        folder.rmdir()
        raise ToolError(str(error)) from error
    for key, data in made.items():
        _put(folder / CERTIFICATES, key.removeprefix("tls_") + ".der", data)
    return folder


def _put(folder, name, data):
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _der(key, path):
    """A certificate or key as DER. Errors: ToolError."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization as form

    try:
        data = path.read_bytes()
        is_text = data.lstrip().startswith(b"-----")
        if key != "tls_key":
            parse = x509.load_pem_x509_certificate if is_text else x509.load_der_x509_certificate
            return parse(data).public_bytes(form.Encoding.DER)
        parse = form.load_pem_private_key if is_text else form.load_der_private_key
        return parse(data, None).private_bytes(
            form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption())
    except (OSError, ValueError, TypeError) as error:
        raise ToolError("%s: %s is no %s in PEM or DER without a password: %s" % (
            key, path, "key" if key == "tls_key" else "certificate", error)) from error
