"""Noise without a state: the same number for the same seed, channel and moment, for ever.

A generator that runs along would have to be run again from the start after a reboot. Here each
number is a scramble of its arguments, so any moment can be asked for at once. No intermediate
result leaves 30 bits: nothing is allocated on a 32-bit board.
"""

_MASK = 0xFFFF


def fold(number):
    """A whole number of at least 0, of any size, as a seed of 16 bits."""
    folded = 0
    while number:
        folded ^= number & _MASK
        number >>= 16
    return folded


def noise(seed, channel, moment):
    """A number in 0..65535 that looks random.

    Arguments: seed, 16 bits; channel, 0..1023, one for each thing that varies by itself; moment,
    a whole number of at least 0.
    Multiply, add and shift-xor, as in the finishers of hash functions; the multipliers are odd
    and have 14 bits at most.
    """
    mixed = ((moment >> 16 & 0x3FFF) * 0x2545 + (moment & _MASK)) & _MASK
    mixed = ((mixed ^ channel * 0x3D) * 0x2C1B + seed) & _MASK
    mixed ^= mixed >> 7
    mixed = (mixed * 0x3A4D + channel) & _MASK
    mixed ^= mixed >> 9
    mixed = mixed * 0x1B2D & _MASK
    return mixed ^ mixed >> 8


def spread(seed, channel, moment, reach):
    """A number in -reach..reach for one moment; arguments as of `noise`, reach at most 8000."""
    return (noise(seed, channel, moment) * (2 * reach + 1) >> 16) - reach


def wander(seed, channel, moment, shift, reach):
    """A number in -reach..reach that drifts: straight lines between moments 2^shift apart.

    Arguments as of `spread`; shift at most 12.
    """
    knot = moment >> shift
    before = spread(seed, channel, knot, reach)
    after = spread(seed, channel, knot + 1, reach)
    return before + ((after - before) * (moment & (1 << shift) - 1) >> shift)
