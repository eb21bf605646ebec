"""Certificates for peers on loopback: an authority of a day, and servers that are good or bad."""

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

DAY = timedelta(days=1)
# What may be wrong with a server: how its certificate differs from a good one.
FAULTS = ("good", "expired", "early", "host", "authority")


class Authority:
    """An authority whose files lie in `folder`: `ca.der`, and `ca.pem` for OpenSSL.

    Arguments: folder; host, the name of the servers it vouches for.
    """

    def __init__(self, folder, host):
        self.folder = Path(folder)
        self.host = host
        self._own, self._foreign = trustme.CA(), trustme.CA()
        self.ca_path = self._write("ca.der", _der(self._own.cert_pem))
        self.ca_pem_path = self._write("ca.pem", self._own.cert_pem.bytes())

    def server(self, fault="good", wants_client=False):
        """The context of a server with that fault; `wants_client`: it refuses who shows none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._leaf(fault).configure_cert(context)
        if wants_client:
            self._own.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def server_files(self):
        """(certificate, key) of a good server as PEM files, for a broker of its own."""
        leaf = self._leaf("good")
        chain = b"".join(each.bytes() for each in leaf.cert_chain_pems)
        return (self._write("server.pem", chain),
                self._write("server.key", leaf.private_key_pem.bytes()))

    def device(self, name, is_foreign=False):
        """(certificate, key) of a device as DER files; `is_foreign`: of an unknown authority."""
        leaf = (self._foreign if is_foreign else self._own).issue_cert(common_name=name)
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        return (self._write(name + ".der", _der(leaf.cert_chain_pems[0])),
                self._write(name + ".key", key.private_bytes(
                    Encoding.DER, PrivateFormat.PKCS8, NoEncryption())))

    def _leaf(self, fault):
        now = datetime.now(timezone.utc)
        dates = {"expired": (now - 9 * DAY, now - DAY), "early": (now + DAY, now + 9 * DAY)}
        begin, end = dates.get(fault, (now - DAY, now + DAY))
        authority = self._foreign if fault == "authority" else self._own
        host = "other.example" if fault == "host" else self.host
        return authority.issue_cert(host, not_before=begin, not_after=end)

    def _write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


def _der(pem):
    return x509.load_pem_x509_certificate(pem.bytes()).public_bytes(Encoding.DER)
