"""HMAC-SHA256 over `hashlib`, which boards have; they have no `hmac`. Source: RFC 2104."""

import hashlib

_BLOCK_BYTES = 64
_INNER, _OUTER = 0x36, 0x5C


def hmac_sha256(key, data):
    """Arguments: key and data, bytes. Result: 32 bytes."""
    if len(key) > _BLOCK_BYTES:
        key = hashlib.sha256(key).digest()
    key += bytes(_BLOCK_BYTES - len(key))
    inner = hashlib.sha256(bytes(byte ^ _INNER for byte in key))
    inner.update(data)
    outer = hashlib.sha256(bytes(byte ^ _OUTER for byte in key))
    outer.update(inner.digest())
    return outer.digest()


def is_equal(left, right):
    """Whether two byte strings are the same, in a time that does not tell where they differ."""
    difference = len(left) ^ len(right)
    for a, b in zip(left, right):
        difference |= a ^ b
    return not difference
