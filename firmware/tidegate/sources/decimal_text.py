"""Decimal text to a scaled integer, digit by digit: exact on any board, no float in between."""


def scaled(text, decimals):
    """The number written in `text`, times 10^decimals.

    Arguments: text, an optional sign and digits with at most one point among, before or after
    them; decimals, 0 or more. Digits beyond `decimals` round half away from zero.
    Result: an integer, or None where the text is no such number.
    """
    number = 0
    missing_count = decimals
    digit_count = 0
    has_point = False
    is_rounded = False
    start = 1 if text[:1] == "-" or text[:1] == "+" else 0
    for index in range(start, len(text)):
        character = text[index]
        if character == "." and not has_point:
            has_point = True
            continue
        if not "0" <= character <= "9":
            return None
        digit_count += 1
        if not has_point or missing_count:
            number = number * 10 + ord(character) - 48
            missing_count -= has_point
        elif not is_rounded:
            number += character >= "5"
            is_rounded = True
    if not digit_count:
        return None
    number *= 10 ** missing_count
    return -number if text[0] == "-" else number
