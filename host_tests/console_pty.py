"""The real agent on the real MicroPython with a pseudo-terminal for its console."""

import json
import os
from contextlib import contextmanager

import pexpect
from agent_world import DEVICE
from conftest import FIRMWARE, INTERPRETER, LIBRARIES, ROOT
from console_world import HASH, PIN

PROMPT, OPEN_PROMPT = DEVICE + "> ", DEVICE + "# "
HEAP = "768K"


def command(folder, port=1, **agent):
    """(program, arguments, environment) of an agent in a folder; nobody listens on port 1."""
    path = folder / "agent.json"
    source = {"kind": "simulated", "seed": 5, "plug_s": 2, "unplug_s": 700}
    path.write_text(json.dumps({
        "board": {"flash_path": str(folder / "spool.img"), "source": source,
                  "journal_path": str(folder / "journal.jsonl")},
        "agent": dict({"device_id": DEVICE, "host": "127.0.0.1", "port": port,
                       "console_pin": HASH}, **agent)}))  # fmt: skip
    folders = os.pathsep.join(map(str, (ROOT / "boards" / "posix", FIRMWARE, LIBRARIES)))
    return (str(INTERPRETER), ["-X", "heapsize=" + HEAP, str(FIRMWARE / "main.py"), str(path)],
            dict(os.environ, MICROPYPATH=folders))


@contextmanager
def spawned(folder, **given):
    """A pexpect child whose prompt has been seen; it is gone at the end."""
    program, arguments, environment = command(folder, **given)
    child = pexpect.spawn(program, arguments, env=environment, dimensions=(24, 80), timeout=10,
                          encoding="latin-1")  # fmt: skip
    child.delaybeforesend = None
    try:
        child.expect("no hint why=missing\r\n")
        child.send("\r")
        child.expect_exact(PROMPT)
        yield child
    finally:
        child.close(force=True)


def ask(child, line, prompt=PROMPT):
    """The text of a reply."""
    child.send(line + "\r")
    child.expect_exact(line + "\r\n")
    child.expect_exact("\n" + prompt)
    return child.before + "\n"


def unlock(child):
    """With the right PIN."""
    child.send("unlock\r")
    child.expect_exact("PIN: ")
    child.send(PIN + "\r")
    child.expect_exact(OPEN_PROMPT)
