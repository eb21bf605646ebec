"""The nearest of some words to one that was mistyped."""


def nearest(word, known):
    """The one of `known` that begins with `word`, if that is more than a letter, or else that
    the fewest changes make of it; "" where none is near.

    A change puts in, takes out or replaces one character (Levenshtein). Near is one change, of
    words from four characters on two, of longer ones a third.
    """
    best, best_count = "", max(2 if len(word) > 3 else 1, len(word) // 3) + 1
    for each in known:
        if len(word) > 1 and each.startswith(word):
            return each
        if abs(len(each) - len(word)) < best_count:
            count = _change_count(word, each)
            if count < best_count:
                best, best_count = each, count
    return best


def _change_count(one, other):
    row = list(range(len(other) + 1))
    for index, character in enumerate(one):
        before, row[0] = row[0], index + 1
        for place, each in enumerate(other):
            kept = before + (character != each)
            before = row[place + 1]
            row[place + 1] = min(kept, before + 1, row[place] + 1)
    return row[-1]
