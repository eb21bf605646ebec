"""Chance for one device: hardware entropy mixed with the serial number. Pure."""

_MASK32 = 0xFFFFFFFF


def mix(number):
    """Spread the bits of a 32-bit number, one to one.

    Source: the finaliser of MurmurHash3 by Austin Appleby, public domain.
    """
    number ^= number >> 16
    number = number * 0x85EBCA6B & _MASK32
    number ^= number >> 13
    number = number * 0xC2B2AE35 & _MASK32
    return number ^ number >> 16


def fold(number, data):
    """`number` with the bytes of `data` mixed in, one after the other; 32 bits."""
    for byte in data:
        number = mix((number * 31 + byte + 1) & _MASK32)
    return number


class Chance:
    """Numbers that differ between devices even where the hardware's generator starts from a
    constant: each draw mixes fresh entropy into a state that began with the serial.

    Arguments: random_bytes(count), the entropy port's; serial, bytes that no other device has.
    """

    def __init__(self, random_bytes, serial):
        self._random_bytes = random_bytes
        self._state = fold(0x9E3779B9, serial)

    def below(self, bound):
        """An integer of 0..bound-1, bound up to 2^32; the bias is bound / 2^32."""
        self._state = fold(self._state, self._random_bytes(4))
        return self._state * bound >> 32
