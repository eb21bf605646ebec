"""The bad peers by themselves: that each does what its name says, on loopback."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from mqtt_peer import publish

from tidegate_tools import peer_play
from tidegate_tools.peer_scripts import SCRIPTS, split
from tidegate_tools.peers import HOST, NameServer, Peer

CONNECT = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d"
QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03sea\x00\x00\x01\x00\x01"


async def broker(reader, writer):
    """CONNACK, SUBACK, then a PUBACK for each read, as one that a peer can spoil."""
    try:
        await reader.read(1_024)
        writer.write(b"\x20\x02\x00\x00\x90\x03\x00\x01\x01")
        while await reader.read(1_024):
            writer.write(b"\x40\x02\x00\x05")
    except OSError:
        pass
    writer.close()


def play(name, story, byte_s=0.01):
    async def main():
        server = await asyncio.start_server(broker, HOST, 0)
        peer = Peer(server.sockets[0].getsockname(), byte_s=byte_s)
        await peer.behave()
        await peer.play(name)
        try:
            return await asyncio.wait_for(story(peer), 10)
        finally:
            await peer.stop()
            server.close()

    return asyncio.run(main())


async def talk(peer, count=5, wait_s=0.3):
    """(what came back to CONNECT and `count` more writes, how it ended)."""
    heard = b""
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(HOST, peer.port), wait_s)
    except asyncio.TimeoutError:
        return heard, "no answer"
    except ConnectionRefusedError:
        return heard, "refused"
    try:
        for data in (CONNECT, *(b"p" for _ in range(count))):
            writer.write(data)
            await asyncio.sleep(0.02)
        while data := await asyncio.wait_for(reader.read(4_096), wait_s):
            heard += data
        return heard, "closed"
    except asyncio.TimeoutError:
        return heard, "silence"
    except OSError:
        return heard, "reset"
    finally:
        writer.close()


UP = b"\x20\x02\x00\x00\x90\x03\x00\x01\x01"
ACK = b"\x40\x02\x00\x05"
LARGEST = publish(b"tidegate/1/tg-000001/cmd", b" " * 262_144, 1)


@pytest.mark.parametrize(
    "name, heard, end",
    [
        ("refused", b"", "refused"),
        ("syn-dropped", b"", "no answer"),
        ("silent", b"", "silence"),
        ("connack-withheld", b"", "silence"),
        ("suback-refused", UP[:-1] + b"\x80" + 5 * ACK, "silence"),
        ("puback-withheld", UP + 4 * ACK, "silence"),
        ("puback-unknown", UP + 5 * (b"\x40\x02\xff\xf0" + ACK + ACK), "silence"),
        ("pings-only", UP, "silence"),
        ("garbage", UP + 2 * ACK + b"\xf7\x13garbage garbage" + 2 * ACK, "silence"),
        ("length-absurd", UP + 2 * ACK + b"\x32\xff\xff\x7f" + 2 * ACK, "silence"),
        ("oversized", UP + 2 * ACK + LARGEST + 3 * ACK, "silence"),
    ],
)
def test_a_peer_does_what_its_script_says(name, heard, end):
    assert play(name, talk) == (heard, end)


@pytest.mark.parametrize("code", range(1, 6))
def test_a_peer_refuses_with_a_code(code):
    async def story(peer):
        return await talk(peer, count=0)

    assert play(f"connack-{code}", story) == (bytes((0x20, 2, 0, code)), "silence")


@pytest.mark.parametrize("name", ["reset-inside", "puback-late"])
def test_a_peer_that_cuts_resets(name):
    assert play(name, talk)[1] == "reset"


def test_late_pubacks_come_in_the_next_connection():
    async def story(peer):
        await talk(peer)
        return await talk(peer, count=1)

    assert play("puback-late", story) == (UP + 3 * ACK + ACK, "silence")


def test_a_slow_peer_gives_one_byte_after_the_other():
    async def story(peer):
        reader, writer = await asyncio.open_connection(HOST, peer.port)
        writer.write(CONNECT)
        return [await reader.read(100) for _ in range(4)]

    assert play("slow-down", story, byte_s=0.05) == [b"\x20", b"\x02", b"\x00", b"\x00"]


def test_a_flood_pours_whole_publishes_once_the_session_stands():
    async def story(peer):
        reader, writer = await asyncio.open_connection(HOST, peer.port)
        writer.write(CONNECT)
        await asyncio.sleep(0.1)
        writer.write(b"p")
        found = split(await reader.readexactly(20_000))[0]
        assert len(found) > 200 and {each[0] for each in found[5:]} == {0x32}

    play("flood", story)


def test_a_peer_that_behaves_again_forwards():
    async def story(peer):
        assert (await talk(peer))[1] == "refused"
        await peer.behave()
        return await talk(peer)

    assert play("refused", story) == (UP + 5 * ACK, "silence")


@pytest.mark.parametrize("name, code", [("dns-fails", 3), ("dns-silent", None), ("silent", 0)])
def test_the_name_server_says_what_the_script_says(name, code):
    async def story(peer):
        server = NameServer(peer)
        await server.start()
        answers = asyncio.Queue()

        class Client(asyncio.DatagramProtocol):
            def datagram_received(self, data, sender):
                answers.put_nowait(data)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Client, remote_addr=(HOST, server.port))
        transport.sendto(QUERY)
        try:
            data = await asyncio.wait_for(answers.get(), 0.3)
        except asyncio.TimeoutError:
            return None
        finally:
            transport.close()
            server.stop()
        assert data[:2] == QUERY[:2] and (data[3] & 15 or data[-4:] == b"\x7f\x00\x00\x01")
        return data[3] & 15

    assert play(name, story) == code


@pytest.mark.parametrize("name", ["nonsense", "tls-silent"])
def test_by_hand_a_wrong_name_or_a_missing_folder_is_a_usage_error(name, capsys):
    assert peer_play.run((HOST, "1"), 0, name, 0, None) == 2
    assert name == "nonsense" or "--tls-folder" in capsys.readouterr().err


def test_by_hand_it_says_where_it_listens_and_what_an_agent_will_say(tmp_path):
    command = [sys.executable, "-m", "tidegate_tools.cli", "gate", "--play", "tls-silent",
               "--port", "0", "--tls-folder", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        said = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.returncode == 130
    assert said.pop("listening") > 0
    assert said == {"playing": "tls-silent", "agent_says": "no TLS handshake in time"}
    assert (tmp_path / "ca.der").read_bytes()[:1] == b"\x30"


def test_every_script_says_what_an_agent_is_to_say():
    from tidegate.link import causes

    for name, script in SCRIPTS.items():
        for cause in script.cause.split(" or "):
            assert not cause or cause in causes.TABLE, name
