"""The file system of a board as a folder, with a cable that is pulled at any operation."""

import os
from pathlib import Path


class CablePulled(Exception):
    """Nobody answers any more."""


class FolderRemote:
    """See `tidegate_tools.board_remote.Remote`.

    Arguments: root, a folder; countdown, the operation that is cut, 0 for none. Of a write that
    is cut half arrives. `count` says how many operations there were.
    """

    def __init__(self, root, countdown=0):
        self._root = Path(root)
        self._countdown = countdown
        self.count = 0

    def _place(self, path):
        assert path.startswith("/"), "every path is absolute"
        return self._root / path[1:]

    def _step(self):
        self.count += 1
        if self.count == self._countdown:
            raise CablePulled

    def listdir(self, path):
        place = self._place(path)
        return {each.name: each.is_dir() for each in place.iterdir()} if place.is_dir() else None

    def read(self, path):
        place = self._place(path)
        return place.read_bytes() if place.is_file() else None

    def write(self, path, data):
        try:
            self._step()
        except CablePulled:
            # A file of littlefs shows with size 0 until it is closed.
            self._place(path).write_bytes(b"" if self.count % 2 else data[: len(data) // 2])
            raise
        self._place(path).write_bytes(data)

    def rename(self, old, new):
        self._step()
        os.replace(self._place(old), self._place(new))

    def remove(self, path):
        self._step()
        self._place(path).unlink()

    def rmdir(self, path):
        self._step()
        self._place(path).rmdir()

    def mkdir(self, path):
        self._step()
        self._place(path).mkdir()
