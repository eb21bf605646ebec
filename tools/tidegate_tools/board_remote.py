"""The file system of a board at the other end of a cable, by mpremote's transport."""

import time

from tidegate_tools.errors import ToolError

_FOLDER = 0x4000


class Remote:
    """A board that was interrupted and listens. Every path is absolute.

    Arguments: port, of the serial line; resets, whether it is to start anew first, so that
    nothing of what it ran is in the way. Errors: ToolError where nobody answers.
    """

    def __init__(self, port, resets=True):
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport

        self._failure = TransportError
        try:
            self._transport = SerialTransport(port)
            self._transport.enter_raw_repl(soft_reset=resets)
        except (TransportError, OSError) as error:
            raise ToolError("%s: no MicroPython answers (%s): close what else uses the port, press"
                            " reset, try again" % (port, error)) from error

    def listdir(self, path):
        """{name: whether it is a folder}, None where there is no such folder."""
        try:
            return {entry.name: bool(entry.st_mode & _FOLDER)
                    for entry in self._transport.fs_listdir(path)}
        except OSError:
            return None

    def read(self, path):
        """The bytes of a file, None where there is none."""
        try:
            return bytes(self._transport.fs_readfile(path))
        except OSError:
            return None

    def write(self, path, data):
        """Write a file; it is durable when the call returns."""
        self._do("write %s" % path, lambda: self._transport.fs_writefile(path, data))

    def rename(self, old, new):
        """In one step, over what is there."""
        self._do("rename %s" % old, lambda: self.execute(
            "import os\nos.rename(%r, %r)" % (old, new)))

    def remove(self, path):
        """A file."""
        self._do("remove %s" % path, lambda: self._transport.fs_rmfile(path))

    def rmdir(self, path):
        """An empty folder."""
        self._do("remove %s" % path, lambda: self._transport.fs_rmdir(path))

    def mkdir(self, path):
        """A folder."""
        self._do("make %s" % path, lambda: self._transport.fs_mkdir(path))

    def facts(self):
        """(port, version) of the MicroPython that answers, as texts."""
        platform, *version = self.execute(
            "import sys\nprint(sys.platform, *sys.implementation.version[:3])").split()
        return platform, ".".join(version)

    def execute(self, program):
        """Run a text on the board. Result: what it printed, as text."""
        return self._transport.exec(program).decode()

    def start(self):
        """Start the board anew, as after power-up; nobody listens to it any more."""
        self._transport.exec_raw_no_follow("import machine\nmachine.reset()")

    def listen_to_start(self, patience_s, words):
        """Start the board anew, and read what it says until these words come, or too long."""
        self.start()
        serial, said = self._transport.serial, b""
        end_s = time.monotonic() + patience_s
        while words.encode() not in said and time.monotonic() < end_s:
            said += serial.read(serial.in_waiting)
            time.sleep(0.05)
        return said.decode(errors="replace")

    def close(self):
        """Hang up. A line that is gone already is no matter."""
        try:
            self._transport.close()
        except OSError:
            pass

    def _do(self, what, action):
        try:
            action()
        except (self._failure, OSError) as error:
            raise ToolError("%s: the board says %s; what it runs is still whole, try again"
                            % (what, error)) from error
