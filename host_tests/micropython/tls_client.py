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
ROUNDS = 2_000


def talk(network, port, size):
    """Result: how many bytes came back unchanged, or the words of what went wrong."""
    stream = network.open(("127.0.0.1", port))
    while not stream.is_connected():
        network.wait(stream, True, 1_000)
    stream = network.secure(stream, HOST)
    data = bytes([number * 7 & 0xFF for number in range(size)])
    left, came, buffer = memoryview(data), 0, bytearray(100)
    try:
        for _ in range(ROUNDS):
            # In pieces that grow: what is offered again is more than what was offered before.
            count = stream.send(left[:3_000]) if left else 0
            left = left[count:]
            got = stream.receive_into(buffer)
            if got == 0:
                return "closed"
            if got and buffer[:got] != data[came : came + got]:
                return "other bytes"
            came += got or 0
            if came == size:
                return "%d bytes" % size
            if not got:
                network.wait(stream, len(left) > 0, 1_000)
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
