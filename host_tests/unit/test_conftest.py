"""The fixtures do what they say: a script or a source on MicroPython, its failure, its limit."""

import sys

import pytest


@pytest.mark.micropython
def test_a_source_finds_the_modules_of_the_device(micropython):
    source = "import sys, tidegate.limits, umqtt.simple\nprint(sys.implementation.name)"
    assert micropython(source).stdout == "micropython\n"


@pytest.mark.micropython
def test_a_script_gets_its_arguments(micropython, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:])\n")
    assert micropython(script, 7, "b").stdout == "['7', 'b']\n"


@pytest.mark.micropython
def test_the_heap_is_as_small_as_asked_for(micropython):
    with pytest.raises(pytest.fail.Exception, match="MemoryError"):
        micropython("x = bytearray(400000)\ny = bytearray(400000)", heap="512K")
    micropython("x = bytearray(400000)\ny = bytearray(400000)", heap="2M")


@pytest.mark.micropython
def test_another_exit_status_fails_with_what_was_printed(micropython):
    with pytest.raises(pytest.fail.Exception, match="(?s)ended with 3.*going"):
        micropython("import sys\nprint('going')\nsys.exit(3)")


@pytest.mark.micropython
def test_the_time_limit_fails_with_what_was_printed(micropython):
    with pytest.raises(pytest.fail.Exception, match="(?s)within 0.5 s.*going"):
        micropython("print('going')\nwhile True:\n    pass", timeout_s=0.5)


def test_cpython_imports_the_client_of_the_boards():
    import umqtt.simple

    assert umqtt.simple.MQTTClient
    assert sys.modules["usocket"] is sys.modules["socket"]


def test_a_free_port_can_be_listened_on(free_port):
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port))
        server.listen()
