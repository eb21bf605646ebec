"""The broker runner: names, ports, and processes that are ended by their id."""

import asyncio
import os
import signal
import socket
import sys

import pytest

from tidegate_tools import broker
from tidegate_tools.errors import ProcessError, ToolError
from tidegate_tools.processes import Child


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_unknown_broker_is_refused_with_the_names_that_are_known():
    with pytest.raises(ToolError, match="unknown broker 'emqx': known are amqtt, mosquitto"):
        broker.check_broker("emqx")


def test_a_broker_that_is_not_installed_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(broker, "find_mosquitto", lambda: None)
    with pytest.raises(ToolError, match="mosquitto is not installed"):
        broker.check_broker("mosquitto")


def test_a_busy_port_is_avoided(monkeypatch):
    with socket.socket() as taken:
        taken.bind((broker.HOST, 0))
        taken.listen()
        busy = taken.getsockname()[1]
        free = broker.free_port()
        monkeypatch.setattr(broker.random, "sample", lambda *_: [busy, free])
        assert broker.free_port() == free
        monkeypatch.setattr(broker.random, "sample", lambda *_: [busy])
        with pytest.raises(ToolError, match="no free port"):
            broker.free_port()


def test_the_embedded_broker_starts_dies_and_comes_back_on_its_port(tmp_path):
    async def play():
        runner = broker.Broker("amqtt", tmp_path)
        try:
            await runner.start()
            port, first = runner.port, runner.pid
            runner.kill()
            assert not is_alive(first)
            with pytest.raises(ProcessError, match="signal 9"):
                runner.check()
            await runner.start()
            assert runner.port == port and runner.pid != first
            runner.check()
        finally:
            runner.kill()
        assert not is_alive(runner.pid)

    asyncio.run(play())


def test_a_broker_that_cannot_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setitem(
        broker.BROKERS,
        "amqtt",
        lambda *_: [sys.executable, "-c", "import sys; sys.exit('no room')"],
    )
    with pytest.raises(ProcessError, match="status 1: no room"):
        asyncio.run(broker.Broker("amqtt", tmp_path).start())


def child(tmp_path, program):
    return Child("the child", [sys.executable, "-c", program], tmp_path / "child.log")


def test_a_child_that_ignores_the_interrupt_is_killed(tmp_path):
    stubborn = child(
        tmp_path,
        "import signal,time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print('ready', flush=True)\ntime.sleep(60)",
    )

    async def play():
        while not stubborn.tail():
            await asyncio.sleep(0.02)
        return await stubborn.end(0.2)

    assert asyncio.run(play()) == -signal.SIGKILL
    assert not is_alive(stubborn.pid)


def test_the_death_of_a_child_is_told_with_its_last_lines(tmp_path):
    short = child(tmp_path, "print('first'); raise SystemExit('because')")
    while short.status() is None:
        pass
    assert short.death() == "the child ended with status 1: because | first" or (
        short.death() == "the child ended with status 1: first | because"
    )
    short.kill()


def test_a_command_that_does_not_exist_is_one_clear_line(tmp_path):
    with pytest.raises(ProcessError, match="cannot be started"):
        Child("the child", [str(tmp_path / "absent")], tmp_path / "child.log")
