"""The bytes of a name lookup: a question for the IPv4 addresses of a name, and its answer. Pure.

Source: RFC 1035 section 4.
"""

from tidegate.limits import LABEL_BYTES_MAX, NAME_BYTES_MAX

_HEADER_BYTES = 12
_RECORD_BYTES = 10
_ASKED = b"\x00\x01\x00\x01"  # type A, class IN
_NUMBER_BYTES = 4
# What the server says; any other code is a trouble of its own.
FOUND, NO_NAME = 0, 3


def question(name):
    """The question for a name. Errors: ValueError where it cannot be one."""
    data = b""
    for label in name.encode().split(b"."):
        if not 0 < len(label) <= LABEL_BYTES_MAX:
            raise ValueError("a label has 1 to %d bytes" % LABEL_BYTES_MAX)
        data += bytes((len(label),)) + label
    if len(data) > NAME_BYTES_MAX:
        raise ValueError("a name has at most %d bytes" % NAME_BYTES_MAX)
    return data + b"\x00" + _ASKED


def query(number, asked):
    """The datagram that asks; `number` is of 16 bits, so that nobody guesses it."""
    return bytes((number >> 8, number & 0xFF, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)) + asked


def answer(data, number, asked):
    """Take an answer apart.

    Arguments: data, bytes; number and asked, those of the query.
    Result: None where it is no answer to that query, else (code, addresses as dotted text, how
    long they hold in s).
    """
    end = _HEADER_BYTES + len(asked)
    if (len(data) < end or data[0] << 8 | data[1] != number or not data[2] & 0x80
            or data[_HEADER_BYTES:end].lower() != asked.lower()):
        return None
    count = data[6] << 8 | data[7]
    found, ttl_s = [], 0
    for _ in range(count):
        end = _skip_name(data, end)
        start = end + _RECORD_BYTES
        if start > len(data):
            break
        end = start + (data[start - 2] << 8 | data[start - 1])
        if data[start - 10:start - 6] == _ASKED and end == start + _NUMBER_BYTES <= len(data):
            found.append(".".join([str(byte) for byte in data[start:end]]))
            # More than 2^24 s, half a year, is as long as that.
            one_s = 1 << 24 if data[start - 6] else (
                data[start - 5] << 16 | data[start - 4] << 8 | data[start - 3])
            ttl_s = one_s if len(found) == 1 else min(ttl_s, one_s)
    return data[3] & 0x0F, found, ttl_s


def _skip_name(data, at):
    """The place behind a name, which ends with a zero or with a pointer."""
    while at < len(data):
        length = data[at]
        if length >= 0xC0:
            return at + 2
        at += 1 + length
        if not length:
            break
    return at
