"""Gives back in upper case what the terminal port reads, byte for byte, until it reads `q`."""

from tidegate.hal.posix import PosixClock, PosixTerminal
from tidegate.hal.posix_network import PosixNetwork


def main():
    terminal = PosixTerminal()
    network = PosixNetwork(PosixClock())
    buffer = bytearray(3)
    for _ in range(6_000):
        count = terminal.read_into(buffer)
        data = bytes(buffer[:count]).upper()
        while data:
            data = data[terminal.write(data) :]
        if count and b"q" in buffer[:count]:
            return
        if not count:
            network.wait(None, False, 5)


main()
