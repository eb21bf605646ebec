"""Small records as files of a file system whose `rename` is atomic, as littlefs' is."""

import os

KEEP_PREFIX = "/keep."


def board_keep():
    """The small records of a board of silicon."""
    return FileKeep(KEEP_PREFIX)


class FileKeep:
    """See `hal.ports.Keep`: each record is written anew, then renamed over the old one.

    A cut leaves at most a `.new` beside it, which nobody reads and the next save writes over.
    Argument: prefix, with which their paths begin.
    """

    def __init__(self, prefix):
        self._prefix = prefix

    def new_path(self, name):
        """Where a record stands until it is whole."""
        return self._prefix + name + ".new"

    def load(self, name):
        """See `hal.ports.Keep.load`."""
        try:
            with open(self._prefix + name, "rb") as file:
                return file.read()
        except OSError:
            return b""

    def save(self, name, record):
        """See `hal.ports.Keep.save`. To close a file of littlefs is to make it durable."""
        try:
            with open(self.new_path(name), "wb") as file:
                file.write(record)
            os.rename(self.new_path(name), self._prefix + name)
        except OSError:
            return False
        return True
