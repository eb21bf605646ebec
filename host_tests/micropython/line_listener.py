"""Listens to a serial line, as `test_serial_line.py` has it: PATH COUNT.

Prints `open` once it listens, then COUNT bytes that came, in hexadecimal.
"""

import binascii
import sys

from tidegate.errors import SourceError
from tidegate.hal.posix_line import PosixLine


def main(path, count):
    try:
        line = PosixLine(path)
    except SourceError as error:
        print(error)
        return
    buffer = bytearray(100)
    assert not line.readinto(buffer), "what waited is of an earlier life"
    sys.stdout.write("open\n")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    heard = b""
    while len(heard) < count:
        heard += buffer[: line.readinto(buffer) or 0]
    assert not line.readinto(buffer), "nothing more waits"
    print(binascii.hexlify(heard).decode())
    line.close()


main(sys.argv[1], int(sys.argv[2]))
