"""Time over real sockets: servers that are honest or not, and who misses whom how soon."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
from sntp_peer import SCRIPTS, SntpServer
from test_agent_broker import SPEED, UTC_MS, Batch, Will, play

from tidegate_tools.broker import find_mosquitto

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
ASK = Path(__file__).parent.parent / "micropython" / "ask_time.py"
SAID = {
    "honest": "found", "late": "failed no-answer-in-time", "silent": "failed no-answer-in-time",
    "rate": "failed asked-too-often", "deny": "failed denied",
    "guess": "failed no-answer-in-time", "unset": "failed not-synchronised",
    "past": "failed no-such-year", "future": "failed no-such-year",
    "short": "failed no-answer-in-time",
}  # fmt: skip


def test_a_real_socket_tells_honest_servers_from_the_others(micropython):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    servers = {name: SntpServer(name) for name in SCRIPTS}
    try:
        lines = micropython(
            ASK, *[server.port for server in servers.values()], closed, heap="512K"
        ).stdout.splitlines()
    finally:
        for server in servers.values():
            server.close()
    assert [server.count for server in servers.values()] == [1] * len(servers)
    for name, line in zip(servers, lines):
        port, *said = line.split()
        assert " ".join(said).startswith(SAID[name]), (name, line)
        assert int(said[-1]) <= 50, "no turn waits"
        if name == "honest":
            assert abs(int(said[1])) <= 200
    assert lines[-1].split()[1:3] in (
        ["failed", "nobody-listens-there"], ["failed", "no-answer-in-time"])


def test_an_agent_that_has_asked_a_server_says_that_its_dates_are_synchronised(tmp_path):
    begun_ms = time.time_ns() // 1_000_000
    server = SntpServer(
        "honest", lambda: UTC_MS + (time.time_ns() // 1_000_000 - begun_ms) * SPEED)

    async def scene(field):
        async with field.watch("receiver") as watcher:
            await watcher.birth()
            batch, _ = await watcher.next(
                lambda found: isinstance(found, Batch) and found.quality == "synced")
            assert abs(batch.utc_zero_ms - UTC_MS) < 20_000 * SPEED
            await field.hear("quality=synced")

    try:
        play("amqtt", tmp_path, scene, time_servers="127.0.0.1:%d" % server.port)
    finally:
        server.close()


@pytest.mark.long
@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_the_server_side_knows_within_one_and_a_half_keep_alives_that_a_device_is_away(tmp_path):
    async def scene(field):
        async with field.watch("receiver") as watcher:
            birth, _ = await watcher.birth()
            os.kill(field.agent.pid, signal.SIGSTOP)
            begun = time.monotonic()
            will, _ = await watcher.next(lambda found: isinstance(found, Will))
            assert will.session == birth.session
            # mosquitto looks each 5 s.
            assert time.monotonic() - begun <= 1.5 * 5 + 5 + 1

    play("mosquitto", tmp_path, scene, keep_alive_s=5)
