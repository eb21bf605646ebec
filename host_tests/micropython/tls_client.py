"""Shakes hands over the TLS port, says a line, and prints what came of it; on both interpreters.

    tls_client.py PORT CA CERTIFICATE KEY SIZE

CA, CERTIFICATE and KEY are DER files, "-" for none. SIZE bytes are sent and asked back.
"""

import sys

from tidegate.errors import LinkError
from tidegate.hal.posix import PosixClock
from tidegate.hal.posix_network import PosixNetwork

if sys.implementation.name == "micropython":
    from tidegate.hal.tls import Tls
else:
    from tidegate.hal.tls_cpython import Tls

HOST = "sea.example"
ROUNDS = 100_000
PERIOD = 251
PIECE_BYTES = 4_000


def talk(network, port, size):
    """Result: how many bytes came back unchanged, or the words of what went wrong."""
    stream = network.open(("127.0.0.1", port))
    while not stream.is_connected():
        network.wait(stream, True, 1_000)
    stream = network.secure(stream, HOST)
    pattern = memoryview(bytes(range(PERIOD)) * (2 + PIECE_BYTES // PERIOD))
    sent, came, piece, buffer = 0, 0, 500, bytearray(PIECE_BYTES)
    try:
        for _ in range(ROUNDS):
            # What is offered again is more than what was offered before, never less.
            at = sent % PERIOD
            piece = min(piece + 500, PIECE_BYTES, size - sent)
            count = stream.send(pattern[at : at + piece]) if piece else 0
            sent += count
            if count:
                piece = 500
            # Nothing is read before the system is full to the brim.
            got = None if count else stream.receive_into(buffer)
            if got == 0:
                return "closed"
            at = came % PERIOD
            if got and buffer[:got] != pattern[at : at + got]:
                return "other bytes"
            came += got or 0
            if came == size:
                return "%d bytes" % size
            if not got and not count:
                network.wait(stream, sent < size, 1_000)
    except LinkError as error:
        return error.cause
    except OSError as error:
        return "errno %d" % error.args[0]
    finally:
        stream.close()
    return "no end"


def main(port, ca, certificate, key, size):
    paths = ["" if path == "-" else path for path in (ca, certificate, key)]
    network = PosixNetwork(PosixClock(), Tls(*paths))
    print(talk(network, int(port), int(size)))


main(*sys.argv[1:])
