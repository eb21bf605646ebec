"""Commands from the host program to the agent on the real MicroPython, over a real broker."""

import asyncio
import json
import os
import sys

import pytest
from test_agent_broker import DEVICE, play

from tidegate_tools.broker import HOST, PACKAGES, find_mosquitto
from tidegate_tools.command import Request, ask
from tidegate_tools.decode import Birth
from tidegate_tools.errors import ToolError
from tidegate_tools.sink import Link

pytestmark = [pytest.mark.interop, pytest.mark.micropython]
KEY = "the key of tg-000001"
PATIENCE_S = 15.0


async def run(port, *arguments):
    """The command line. Result: (exit status, what it said)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tidegate_tools.cli", "sink", "command", *arguments,
        "--port", str(port), "--patience", "10", stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, env={**os.environ, "PYTHONPATH": PACKAGES})
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return process.returncode, said.decode()


def test_what_is_asked_is_answered_and_what_changes_needs_key_and_counter(tmp_path):
    async def scene(field):
        link = Link(HOST, field.broker.port)

        async def say(verb, argument="", key=KEY, counter=None):
            reply = await ask(link, Request(DEVICE, verb, argument, key, counter), PATIENCE_S)
            return reply["result"] if reply["ok"] else reply["error"]

        async with field.watch("early") as watcher:
            await watcher.birth()
            status = await say("status", key="")
            assert (status["phase"], status["counter"]) == ("up", 0)
            assert await say("again", key="") == "not authentic"
            assert await say("again", key="another") == "not authentic"
            assert (await say("backlog", "100 60", counter=5))["for_s"] == 60
            assert await say("backlog", "0 60", counter=5) == "counter too low"
            assert (await say("policy", "501 bound 0")).startswith("policies: 501: bound: ")
            assert (await say("policy", "501 bound 3000"))["policy"]["bound"] == 3_000
            await asyncio.sleep(0.3)
            await watcher.forge_state(
                {"v": 1, "state": "offline", "dev": DEVICE, "session": [1, 0]})
            await watcher.birth((1, 1))
            assert "in_ms" in await say("reboot")
            await watcher.next(lambda found: not isinstance(found, Birth) and hasattr(
                found, "session"))
            while field.agent.running():
                await asyncio.sleep(0.05)
            field.agent.start()
            await watcher.birth((2, 1))
            assert await say("again", counter=5) == "counter too low"
            assert "count" in await say("again")
            found = await say("observation", "501", key="")
            assert found["policy"]["bound"] == 3_000, "a start does not take it back"
            assert sum(found["not_reported"].values()) > 0

        code, said = await run(field.broker.port, DEVICE, "ping", "--json")
        assert code == 0 and json.loads(said)["result"]["mono_ms"] > 0
        assert await run(field.broker.port, DEVICE, "fly") == (
            1, "tidegate: tg-000001 refuses: unknown verb\n")
        await field.agent.end()
        for device, words in ((DEVICE, "is offline"), ("tg-2", "knows no device")):
            with pytest.raises(ToolError, match=words):
                await ask(link, Request(device, "ping"), PATIENCE_S)

    name = "mosquitto" if find_mosquitto() else "amqtt"
    play(name, tmp_path, scene, command_key=KEY)

