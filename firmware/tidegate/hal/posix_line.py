"""A serial line of a POSIX host, or a pseudo-terminal in the place of one."""

import termios

from tidegate.errors import SourceError

# CPython has an error of its own for what is no terminal.
_REFUSAL = getattr(termios, "error", OSError)
_CONTROL_CHARACTERS = 6
_STALE_BYTES_MAX = 65_536


class PosixLine:
    """See `hal.ports.Line`. The speed of the line stays what it is; `stty` sets it.

    What waited before it was opened is of an earlier life and is thrown away.
    Argument: path. Errors: SourceError where no terminal stands there.
    """

    def __init__(self, path):
        try:
            self._file = open(path, "rb", 0)
            attributes = _raw(self._file.fileno())
        except (OSError, _REFUSAL) as error:
            raise SourceError("%s is no serial line that can be read (%s); give the path of a"
                              " terminal, as in /dev/ttyUSB0" % (path, error))
        # Of these only two are numbers, after how many bytes and how long a read returns.
        characters = attributes[_CONTROL_CHARACTERS]
        for index in range(len(characters)):
            if isinstance(characters[index], int):
                characters[index] = 0
        termios.tcsetattr(self._file.fileno(), termios.TCSANOW, attributes)
        buffer = bytearray(256)
        for _ in range(_STALE_BYTES_MAX // len(buffer)):
            if not self.readinto(buffer):
                break

    def readinto(self, buffer):
        """See `hal.ports.Line.readinto`."""
        return self._file.readinto(buffer)

    def close(self):
        """Give it back."""
        self._file.close()


def _raw(descriptor):
    """Every byte as it comes, none with a meaning. Result: what the terminal is set to."""
    if hasattr(termios, "setraw"):
        termios.setraw(descriptor)
    else:
        import tty

        tty.setraw(descriptor, termios.TCSANOW)
    return termios.tcgetattr(descriptor)
