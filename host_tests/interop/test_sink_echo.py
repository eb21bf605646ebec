"""The sink against a broker that withholds every PUBACK: its echoes go out all the same."""

import asyncio
import json

import mqtt_peer
import pytest

from tidegate_tools import shell
from tidegate_tools.decode import UPWARD
from tidegate_tools.sink import Link, Sink
from tidegate_tools.store import Store

pytestmark = pytest.mark.interop
DEVICES = ["tg-%06d" % number for number in range(30)]
PATIENCE_S = 10.0


def batch(device):
    return json.dumps({
        "v": 1, "dev": device, "store": "9f0c5a7e11d2b346", "log": "telemetry", "seq": 1,
        "boot": 1, "mono": 1_000, "utc": None, "q": "unknown", "historical": True,
        "lag": {"age_s": 0, "count": 1, "bytes": 12, "rate": 3, "drain_s": 7}, "gaps": [],
        "obs": [[0, 0, 501, 230_000]]}).encode()


def test_an_echo_does_not_wait_until_the_broker_has_answered_the_one_before(tmp_path):
    echoed = []

    async def withhold(reader, writer):
        data = b""
        while more := await reader.read(4_096):
            packets, data = mqtt_peer.split(data + more)
            for first, body in packets:
                kind = first & 0xF0
                if kind == mqtt_peer.CONNECT:
                    writer.write(mqtt_peer.connack())
                elif kind == mqtt_peer.SUBSCRIBE:
                    writer.write(mqtt_peer.packet(
                        mqtt_peer.SUBACK, body[:2] + b"\x01" * len(UPWARD)))
                    for number, device in enumerate(DEVICES):
                        writer.write(mqtt_peer.publish(
                            b"tidegate/1/%s/history" % device.encode(), batch(device),
                            number + 1))
                elif kind == mqtt_peer.PUBLISH:
                    echoed.append(mqtt_peer.publish_fields(first, body)[0].decode())
        writer.close()

    async def main():
        server = await asyncio.start_server(withhold, "127.0.0.1", 0)
        store = Store(tmp_path / "sink.db")
        sink = Sink(store, Link("127.0.0.1", server.sockets[0].getsockname()[1]))
        task = asyncio.ensure_future(sink.run())
        for _ in range(int(PATIENCE_S / 0.02)):
            if len(echoed) >= len(DEVICES):
                break
            await asyncio.sleep(0.02)
        await shell.end(task)
        server.close()
        store.close()

    asyncio.run(main())
    assert sorted(echoed) == ["tidegate/1/%s/confirm" % device for device in DEVICES]
