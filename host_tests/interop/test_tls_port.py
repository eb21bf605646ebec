"""The TLS port against OpenSSL with certificates made here: each check by its name."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import FIRMWARE, INTERPRETER, LIBRARIES

from tidegate_tools.certificates import Authority

CLIENT = Path(__file__).parent.parent / "micropython" / "tls_client.py"
# More than the buffers of the system hold, so that sends are refused in the middle of a record.
SIZE = 12_000_000
SMALL_BYTES = 4_096
UNKNOWN = "certificate of an unknown authority"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("certificates"), "sea.example")
    return made, made.device("device"), made.device("stranger", is_foreign=True)


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request):
    return str(INTERPRETER) if request.param == "micropython" else sys.executable


class Echo(threading.Thread):
    """A server that gives back what it gets, to one client after the other."""

    def __init__(self, context):
        super().__init__(daemon=True)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
        self.port = self._listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(connection, server_side=True) as stream:
                    while data := stream.recv(SMALL_BYTES):
                        stream.sendall(data)
            except OSError:
                connection.close()

    def stop(self):
        self._listener.close()


def talk(interpreter, context, ca="-", shown=("-", "-"), size=SIZE):
    server = Echo(context)
    search = f"{FIRMWARE}{os.pathsep}{LIBRARIES}"
    try:
        done = subprocess.run(
            [interpreter, CLIENT, str(server.port), ca, *shown, str(size)],
            env={**os.environ, "MICROPYPATH": search, "PYTHONPATH": search},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        )  # fmt: skip
    finally:
        server.stop()
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


@pytest.mark.micropython
@pytest.mark.interop
@pytest.mark.parametrize(
    "fault, said",
    [
        ("good", f"{SIZE} bytes"),
        ("expired", "certificate expired"),
        ("early", "certificate not yet valid"),
        ("host", "certificate of another host"),
        ("authority", UNKNOWN),
    ],
)
def test_a_server_is_judged_by_its_certificate(interpreter, authority, fault, said):
    made = authority[0]
    assert talk(interpreter, made.server(fault), made.ca_path) == said


@pytest.mark.micropython
@pytest.mark.interop
def test_a_server_judges_the_device_by_its_certificate(interpreter, authority):
    made, own, foreign = authority
    context = made.server(wants_client=True)
    assert talk(interpreter, context, made.ca_path, own) == f"{SIZE} bytes"
    assert talk(interpreter, context, made.ca_path, size=10) == "own certificate refused"
    assert talk(interpreter, context, made.ca_path, foreign, 10) == "own certificate refused"


@pytest.mark.micropython
@pytest.mark.interop
def test_a_server_that_speaks_another_tls_refuses_the_handshake(authority):
    """OpenSSL on the other side would speak it too, so this is for mbedTLS alone."""
    context = authority[0].server()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    said = talk(str(INTERPRETER), context, authority[0].ca_path, size=10)
    assert said == "refused in the TLS handshake"


class Hasty:
    """In the place of a server's context: closes, or says what is no TLS."""

    def __init__(self, answer):
        self._answer = answer

    def wrap_socket(self, connection, server_side):
        connection.recv(4_096)
        connection.sendall(self._answer)
        connection.close()
        raise OSError


@pytest.mark.micropython
@pytest.mark.interop
@pytest.mark.parametrize(
    "answer, said",
    # A reset where it had not read all of the hello when it closed.
    [(b"", ("closed", "errno 104")), (b"HTTP/1.1 400 Bad Request\r\n\r\n", ("TLS broken",))],
    ids=["closes", "speaks no TLS"],
)
def test_a_server_that_closes_or_speaks_no_tls_is_told_apart(interpreter, authority, answer, said):
    assert talk(interpreter, Hasty(answer), authority[0].ca_path, size=10) in said


@pytest.mark.micropython
@pytest.mark.interop
def test_a_device_that_verifies_nobody_talks_to_anybody(interpreter, authority):
    assert talk(interpreter, authority[0].server("authority"), size=10) == "10 bytes"
