"""`tidegate deploy`: a new tree of code beside the old one on a board, switched to last."""

import json
from dataclasses import dataclass

from tidegate_tools import boards, paths

paths.use_device_modules()

import loader  # noqa: E402


@dataclass(frozen=True)
class Outcome:
    """What a deployment did. `tree` is the one that will run, "" where nothing had to change."""

    tree: str
    file_count: int
    byte_count: int


def deploy(remote, board, factory, say=lambda text: None):
    """Bring a board's files up to date. After each operation, and in the middle of any, the board
    starts the old tree or the new one, whole.

    Arguments: remote, see `board_remote`; factory, the folder that `tidegate provision` wrote,
    None to leave what is on the board.
    """
    tree, root = boards.code(board), boards.root_files()
    changed = [_update(remote, root, say)]
    words = (remote.read("/" + loader.PATH) or b"").decode(errors="replace").split()
    new, before = _trees(words)
    mark = remote.read("/%s/%s" % (words[0], boards.WHOLE)) if words else None
    if mark == tree[boards.WHOLE]:
        new = ""
    else:
        changed.append(_copy(remote, new, tree, say))
    changed.append(_update(remote, boards.factory_files(factory) if factory else {}, say))
    if new:
        line = "%s %s %d" % (new, before, loader.START_COUNT) if before else new
        _replace(remote, loader.PATH, line.encode())
    return Outcome(new, *(sum(column) for column in zip(*changed)))


def _trees(words):
    """(the tree to write, the one that it may go back to, "" for none) after what `tree` says.

    One that has yet to reach its server is written over: what it would go back to stays.
    """
    if len(words) == 3:
        return words[0], words[1]
    running = words[0] if words and words[0] in loader.TREES else ""
    return loader.TREES[running == loader.TREES[0]], running


def _update(remote, files, say):
    """Replace those that differ. Result: (files, bytes)."""
    differing = [name for name in files if remote.read("/" + name) != files[name]]
    for name in differing:
        say("/" + name)
        _replace(remote, name, files[name])
    return len(differing), sum(len(files[name]) for name in differing)


def _copy(remote, new, tree, say):
    """A tree in the place of what is left of an older one, its mark last. Result: as `_update`."""
    _clear(remote, "/" + new)
    made = set()
    for name in sorted(set(tree) - {boards.WHOLE}):
        say("/%s/%s" % (new, name))
        _make_folders(remote, "%s/%s" % (new, name), made)
        remote.write("/%s/%s" % (new, name), tree[name])
    _replace(remote, "%s/%s" % (new, boards.WHOLE), tree[boards.WHOLE])
    return len(tree), sum(map(len, tree.values()))


def _replace(remote, name, data):
    """The new file beside the old one, then renamed over it."""
    _make_folders(remote, name, set())
    remote.write("/%s.new" % name, data)
    remote.rename("/%s.new" % name, "/" + name)


def _make_folders(remote, name, made):
    parts = name.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        path = "/" + "/".join(parts[:count])
        if path not in made and remote.listdir(path) is None:
            remote.mkdir(path)
        made.add(path)


def _clear(remote, path):
    """Remove what is left of an older tree, its mark first: without it nobody runs the rest."""
    names = remote.listdir(path)
    if names is None:
        return
    for name in sorted(names, key=lambda name: name != boards.WHOLE):
        if names[name]:
            _clear(remote, "%s/%s" % (path, name))
        else:
            remote.remove("%s/%s" % (path, name))
    remote.rmdir(path)


def with_tls(factory):
    """Whether a factory folder asks for TLS."""
    agent = json.loads(boards.factory_files(factory)["factory.json"])["agent"]
    return agent.get("tls", "off") != "off"
