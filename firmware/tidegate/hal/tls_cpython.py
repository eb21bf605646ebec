"""TLS over a connection that stands: CPython's `ssl`, which is OpenSSL. See `hal.tls`."""

import base64
import os
import select
import ssl
import tempfile

from tidegate.errors import ConfigurationError, LinkError
from tidegate.hal.der import read
from tidegate.link import causes

# Source: X509_V_ERR_* in OpenSSL's x509_vfy.h.
_CHECKS = {
    2: causes.CERTIFICATE_UNKNOWN, 18: causes.CERTIFICATE_UNKNOWN,
    19: causes.CERTIFICATE_UNKNOWN, 20: causes.CERTIFICATE_UNKNOWN,
    21: causes.CERTIFICATE_UNKNOWN, 62: causes.CERTIFICATE_HOST, 64: causes.CERTIFICATE_HOST,
    10: causes.CERTIFICATE_EXPIRED, 9: causes.CERTIFICATE_EARLY,
}
# What OpenSSL calls the alerts about our certificate.
_CLIENT_WORDS = ("CERTIFICATE", "HANDSHAKE_FAILURE", "UNKNOWN_CA", "ACCESS_DENIED")


def _pem(kind, data):
    text = base64.encodebytes(data).decode()
    return "-----BEGIN %s-----\n%s-----END %s-----\n" % (kind, text, kind)


class Tls:
    """What a device trusts, and what it shows; arguments and errors as of `hal.tls.Tls`."""

    def __init__(self, ca_path, certificate_path="", key_path=""):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        path = ca_path
        try:
            if ca_path:
                self._context.load_verify_locations(cadata=read(ca_path))
            else:
                self._context.check_hostname = False
                self._context.verify_mode = ssl.CERT_NONE
            if certificate_path:
                path = certificate_path + " or " + key_path
                self._load(read(certificate_path), read(key_path))
        except (ssl.SSLError, ValueError) as error:
            raise ConfigurationError("%s: %s" % (path, error))

    def _load(self, certificate, key):
        """OpenSSL takes what a device shows from a file only, as text."""
        handle, path = tempfile.mkstemp()
        try:
            with os.fdopen(handle, "w") as file:
                file.write(_pem("PRIVATE KEY", key) + _pem("CERTIFICATE", certificate))
            self._context.load_cert_chain(path)
        finally:
            os.remove(path)

    def over(self, stream, host):
        """A Stream over one that is connected; see `hal.ports.Network.secure`."""
        return TlsStream(self._context, stream, host)


class TlsStream:
    """See `hal.ports.Stream`. The handshake goes on with each call, the first being `send`."""

    def __init__(self, context, stream, host):
        self.socket = context.wrap_socket(stream.socket, server_hostname=host,
                                          do_handshake_on_connect=False)
        self._is_reading = False

    def is_connected(self):
        """See `hal.ports.Stream.is_connected`: the connection below stands."""
        return True

    def awaited(self, events):
        """The events of the socket that are worth waking for; 0 where there is work already."""
        if self.socket.pending():
            return 0
        return select.POLLIN if self._is_reading else events

    def receive_into(self, buffer):
        """See `hal.ports.Stream.receive_into`."""
        return self._call(self.socket.recv_into, buffer, None)

    def send(self, data):
        """See `hal.ports.Stream.send`."""
        if self.socket.version() is None:
            self._call(self._shake_hands, None, 0)
            if self.socket.version() is None:
                return 0
        return self._call(self.socket.send, data, 0)

    def _shake_hands(self, _):
        self.socket.do_handshake()

    def _call(self, method, argument, nothing):
        self._is_reading = False
        try:
            return method(argument)
        except ssl.SSLWantReadError:
            self._is_reading = True
            return nothing
        except ssl.SSLWantWriteError:
            return nothing
        except (ssl.SSLEOFError, ConnectionError):
            # A server that refuses our certificate in TLS 1.3 says so to who reads, not to who
            # sends.
            if method == self.socket.send:
                self._call(self.socket.recv, 1, None)
            raise OSError(104, "closed without a word")
        except ssl.SSLCertVerificationError as error:
            raise LinkError(_CHECKS.get(error.verify_code, causes.CERTIFICATE_REFUSED),
                            error.verify_message)
        except ssl.SSLError as error:
            raise LinkError(_cause(error), str(error))

    def close(self):
        """See `hal.ports.Stream.close`."""
        self.socket.close()


def _cause(error):
    reason = error.reason or ""
    if "ALERT" not in reason:
        return causes.TLS_BROKEN
    for words in _CLIENT_WORDS:
        if words in reason:
            return causes.CLIENT_REFUSED
    return causes.TLS_REFUSED
