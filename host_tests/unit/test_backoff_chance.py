"""Draws that differ between devices, whatever the hardware's generator does."""

from tidegate.link.chance import Chance, mix


def distance_to_uniform(shares):
    """Kolmogorov's distance between numbers of 0..1 and the uniform distribution."""
    shares = sorted(shares)
    count = len(shares)
    return max(max((rank + 1) / count - share, share - rank / count)
               for rank, share in enumerate(shares))


def test_ten_thousand_serials_spread_evenly_over_a_constant_generator():
    bound = 330_000
    for draw_count in (1, 2, 7):
        shares = []
        for serial in range(10_000):
            chance = Chance(lambda count: bytes(count), b"EH%06d" % serial)
            for _ in range(draw_count):
                number = chance.below(bound)
            shares.append(number / bound)
        assert distance_to_uniform(shares) < 0.02, draw_count


def test_successive_draws_of_one_device_spread_evenly_over_a_constant_generator():
    chance = Chance(lambda count: bytes(count), b"EH000001")
    assert distance_to_uniform([chance.below(1 << 20) / (1 << 20) for _ in range(10_000)]) < 0.02


def test_one_serial_draws_differently_after_a_reset_with_true_entropy():
    found = {Chance(lambda count, start=start: bytes([start]) * count, b"EH000001").below(1 << 32)
             for start in range(256)}
    assert len(found) == 256


def test_every_draw_is_below_its_bound():
    chance = Chance(lambda count: b"\xff" * count, b"x")
    for bound in (1, 2, 3, 4_000, 3_600_000, 1 << 32):
        assert all(0 <= chance.below(bound) < bound for _ in range(50))


def test_mix_maps_no_two_numbers_to_one():
    assert len({mix(number << 12) for number in range(1 << 16)}) == 1 << 16
