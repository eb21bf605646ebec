"""What `/main.py` of a board calls: it chooses one of two trees, and runs that one's `main`.

`/tree` is one line: the tree to run, and after a switch the one before and how many starts the new
one has left to reach its server: "b", or "b a 3". The count is noted before the tree is run, so
that one that hangs or resets the board uses it up too; at 0 the one before comes back. `keep` ends
that. Each change is a new file renamed over the old one.
"""

import os
import sys

ROOT = "/"
PATH, NEW_PATH = "tree", "tree.new"
START_COUNT = 5
TREES = ("a", "b")
WHOLE = "whole"


def read():
    """[tree, tree before, starts left] of the file, or [tree]; [] where it says nothing."""
    try:
        with open(ROOT + PATH) as file:
            words = file.read().split()
    except (OSError, ValueError):
        return []
    if len(words) == 3 and words[2].isdigit():
        return [words[0], words[1], int(words[2])]
    return words[:1]


def write(*words):
    """Make them what the file says; a cut leaves the old ones or these."""
    with open(ROOT + NEW_PATH, "w") as file:
        file.write(" ".join(str(word) for word in words))
    os.rename(ROOT + NEW_PATH, ROOT + PATH)


def is_whole(tree):
    """Whether all of a tree was copied: its mark is copied last."""
    if tree not in TREES:
        return False
    try:
        os.stat(ROOT + tree + "/" + WHOLE)
    except OSError:
        return False
    return True


def choose():
    """The tree to run, "" where there is none."""
    words = read()
    if len(words) == 3:
        tree, before, left = words
        if not is_whole(tree) or (left <= 0 and is_whole(before)):
            write(before)
            return before
        write(tree, before, max(0, left - 1))
        return tree
    for tree in words + list(TREES):
        if is_whole(tree):
            return tree
    return ""


def keep():
    """The tree that runs has reached its server: it stays."""
    words = read()
    if len(words) == 3:
        write(words[0])


def run():
    """Run the tree."""
    tree = choose()
    if not tree:
        print("there is no tree to run: tidegate deploy makes one")
        return
    sys.path.insert(0, ROOT + tree)
    import main  # noqa: F401

