"""A configuration changed by command: the real MicroPython, a real broker, real files."""

import json
import time

import pytest
from test_agent_broker import DEVICE, SPEED, play

from tidegate_tools.broker import HOST, find_mosquitto
from tidegate_tools.command import Request, ask
from tidegate_tools.decode import Batch
from tidegate_tools.sink import Link

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
KEY = "the key of tg-000001"
PATIENCE_S = 15.0
SECRET = "nobody's business"


def test_a_device_that_is_cut_off_comes_back_by_itself_and_a_good_change_is_kept(
    tmp_path, free_port
):
    async def scene(field):
        link = Link(HOST, field.broker.port)

        async def config(argument):
            reply = await ask(link, Request(DEVICE, "config", argument, KEY), PATIENCE_S)
            return reply["result"] if reply["ok"] else reply["error"]

        async with field.watch("early") as watcher:
            await watcher.birth((1, 1))
            await watcher.hint(30)
            assert await config(f"set port {free_port}") == {"staged": 1}
            assert (await config("save")).startswith("port may cut the device off")
            began = time.monotonic()
            assert (await config("save confirm 30s"))["changes"] == ["port"]
            await watcher.birth()
            took_s = time.monotonic() - began
            assert 29 / SPEED < took_s < 40 / SPEED + 5, took_s
            told = await told_of(watcher)
            assert (told["what"], told["keys"]) == ("reverted", ["port"])

            await config("set username me")
            await config("set password " + SECRET)
            await config("save confirm 5m")
            await watcher.birth()
            assert "generation" in await config("keep")
            field.agent.kill()
            field.agent.start()
            await watcher.birth((2, 1))
            found = await config("get username")
            assert (found["value"], found["by"], found["boot"]) == ("me", "command", 1)
            assert (await config("show"))["values"]["password"] == "set"
        assert SECRET not in field.agent.log_path.read_text()
        holders = [path.name for path in tmp_path.iterdir()
                   if path.is_file() and SECRET.encode() in path.read_bytes()]
        assert sorted(holders) == ["spool.img.secrets.0", "spool.img.secrets.1"]
        for name in holders:
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o600

    async def told_of(watcher):
        found, _ = await watcher.next(lambda each: isinstance(each, Batch) and any(
            one.id == 4_006 for one in each.observations))
        [text] = [one.value for one in found.observations if one.id == 4_006]
        return json.loads(json.loads(text))

    play("mosquitto" if find_mosquitto() else "amqtt", tmp_path, scene, command_key=KEY)
