"""TLS over a connection that stands: MicroPython's `tls`, which is mbedTLS, on any board.

The names of the checks that a server's certificate has to pass, and what a server says of ours,
are those of `link.causes`. Source of the alert record: RFC 5246 sections 6.2.1 and 7.2.
"""

import tls

from tidegate.errors import ConfigurationError, LinkError
from tidegate.hal.der import read
from tidegate.link import causes

# What mbedTLS says of a certificate, in the order in which it matters, and the cause.
_CHECKS = (
    ("trusted CA", causes.CERTIFICATE_UNKNOWN),
    ("Common Name", causes.CERTIFICATE_HOST),
    ("expired", causes.CERTIFICATE_EXPIRED),
    ("in the future", causes.CERTIFICATE_EARLY),
)
# mbedTLS: the peer closed without a word; the peer sent a fatal alert.
_EOF_CODE, _ALERT_CODE = -0x7280, -0x7780
_RESET_CODE = 104
_ALERT_RECORD, _ALERT_BYTES = 0x15, 7


class Tls:
    """What a device trusts, and what it shows.

    Arguments: ca_path, the authority's certificate, empty where the server is not verified;
    certificate_path and key_path, the device's own, empty for none; all of them DER, the key
    PKCS#8. Errors: ConfigurationError names the file.
    """

    def __init__(self, ca_path, certificate_path="", key_path=""):
        self._context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        self._context.verify_mode = tls.CERT_REQUIRED if ca_path else tls.CERT_NONE
        # A server that has shown its certificate and breaks off then does not like ours.
        self._context.verify_callback = self._see
        self.has_seen = False
        path = ca_path
        try:
            if ca_path:
                self._context.load_verify_locations(read(ca_path))
            if certificate_path:
                path = certificate_path + " or " + key_path
                self._context.load_cert_chain(read(certificate_path), read(key_path))
        except ValueError as error:
            raise ConfigurationError("%s: %s" % (path, error))

    def over(self, stream, host):
        """A Stream over one that is connected; see `hal.ports.Network.secure`."""
        self.has_seen = False
        return TlsStream(self, self._context, stream, host)

    def _see(self, _certificate, _depth):
        self.has_seen = True
        return 0


class TlsStream:
    """See `hal.ports.Stream`. The handshake goes on with each call, the first being `send`."""

    def __init__(self, tls_of, context, stream, host):
        self._tls = tls_of
        self._below = stream
        self._has_received = False
        self._again_bytes = 0
        self.socket = context.wrap_socket(stream.socket, server_hostname=host,
                                          do_handshake_on_connect=False)

    def is_connected(self):
        """See `hal.ports.Stream.is_connected`: the connection below stands."""
        return True

    def receive_into(self, buffer):
        """See `hal.ports.Stream.receive_into`."""
        try:
            count = self.socket.readinto(buffer)
        except (OSError, ValueError) as error:
            if error.args[0] == _EOF_CODE:
                return 0
            raise self._told(error)
        self._has_received = self._has_received or bool(count)
        return count

    def send(self, data):
        """See `hal.ports.Stream.send`.

        mbedTLS counts the bytes of the call that ends a record, and takes them for those of the
        call that began it: what it did not take goes again in a piece of the same size.
        """
        if self._again_bytes:
            data = data[:self._again_bytes]
        try:
            count = self.socket.write(data) or 0
        except (OSError, ValueError) as error:
            raise self._told(error)
        self._again_bytes = len(data) - count
        return count

    def close(self):
        """See `hal.ports.Stream.close`."""
        try:
            self.socket.close()
        except OSError:
            pass
        self._below.close()

    def _told(self, error):
        """The error to raise for one of mbedTLS."""
        reason = error.args[0]
        if isinstance(error, ValueError):
            for words, cause in _CHECKS:
                if words in str(reason):
                    return LinkError(cause)
            return LinkError(causes.CERTIFICATE_REFUSED, str(reason))
        if reason == _ALERT_CODE:
            return LinkError(self._of_alert())
        if reason == _EOF_CODE:
            return OSError(_RESET_CODE)
        if reason < 0:
            return LinkError(causes.TLS_BROKEN, str(error))
        # A server that closes in the middle of the handshake has said why before: what it said
        # still waits in the connection below, as plain text.
        record = bytearray(_ALERT_BYTES)
        try:
            count = self._below.receive_into(record)
        except OSError:
            return error
        if count == _ALERT_BYTES and record[0] == _ALERT_RECORD:
            return LinkError(self._of_alert())
        return error

    def _of_alert(self):
        if self._has_received:
            return causes.TLS_BROKEN
        return causes.CLIENT_REFUSED if self._tls.has_seen else causes.TLS_REFUSED
