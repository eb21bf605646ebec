"""Certificates and keys as files."""

from tidegate.errors import ConfigurationError


def read(path):
    """A DER file. Errors: ConfigurationError names it."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise ConfigurationError("%s cannot be read: %s" % (path, error))
    if data[:1] != b"\x30":
        raise ConfigurationError("%s is not DER; convert it with openssl: x509 -outform DER, or"
                                 " pkcs8 -topk8 -nocrypt -outform DER for the key" % path)
    return data
