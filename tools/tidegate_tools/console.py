"""`tidegate console`: a device's console from a desk, with colours, a transcript, and scripts."""

import json
import os
import signal
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer import Argument, Option

from tidegate_tools import shell
from tidegate_tools.errors import ToolError
from tidegate_tools.sink_commands import AsJson

FETCH, HASH_PIN = "fetch-backlog", "hash-pin"
PIN_VARIABLE = "TIDEGATE_PIN"


def console(
    port: Annotated[str | None, Argument(
        help="Serial port, `auto` for the only USB adapter; or hash-pin.")] = None,
    action: Annotated[list[str] | None, Argument(
        help="fetch-backlog FILE: the backlog into that sink's database.")] = None,
    run: Annotated[list[str] | None, Option(
        help="Type this, print the reply, go on; may be given several times.")] = None,
    demo: Annotated[bool, Option(
        "--demo", help="A device of our own, with broker and sink; its PIN is 1234.")] = False,
    transcript: Annotated[Path | None, Option(
        help="File that gets all that the device says, appended.")] = None,
    baud: Annotated[int, Option(min=1_200, max=4_000_000, help="Speed of the port.")] = 115_200,
    as_json: AsJson = False,
):
    """Talk to a device on its serial line; `help` there lists its commands.

    With --run the exit status is 0 if the device did all it was asked, 1 if not, 2 where nobody
    answered. A PIN that is needed comes from the environment's TIDEGATE_PIN, or is asked for.
    `tidegate console hash-pin` makes the text for a device's configuration.
    """
    try:
        if port == HASH_PIN:
            _hash_pin(as_json)
            return
        raise typer.Exit(_open(port, action or [], run or [], demo, transcript, baud, as_json))
    except ToolError as error:
        shell.complain(error)
        raise typer.Exit(shell.EXIT_USAGE) from None


def _hash_pin(as_json):
    from tidegate_tools.console_pin import hashed

    text = hashed(_pin())
    print(json.dumps({"console_pin": text}) if as_json else text)


def _pin():
    """The PIN out of the environment, or typed unseen."""
    return os.environ.get(PIN_VARIABLE) or getpass("PIN: ")


def _open(name, action, lines, is_demo, transcript, baud, as_json):
    from tidegate_tools.console_port import SerialPort, find_port, known_ports
    from tidegate_tools.console_talk import Talk

    if is_demo == (name is not None):
        raise ToolError("name a port, or give --demo; ports that are there: %s"
                        % (", ".join(known_ports()) or "none"))
    if action and (action[0] != FETCH or len(action) != 2 or lines):
        raise ToolError("after the port comes `%s FILE`, or nothing" % FETCH)
    device = file = talk = None
    try:
        if is_demo:
            from tidegate_tools.console_demo import ConsoleDemo
            for number in shell.SIGNALS[1:]:
                # A window that is closed leaves no process behind.
                signal.signal(number, lambda number, frame: sys.exit(128 + number))
            device = ConsoleDemo()
            port = device.port
        else:
            port = SerialPort(find_port(name), baud)
        file = _opened(transcript) if transcript is not None else None
        screen = Screen(lines or action)
        talk = Talk(port, screen.event, file)
        talk.wake()
        if action:
            return _fetch(talk, action[1], as_json)
        if lines:
            return _run(talk, lines, screen)
        return _converse(talk, screen)
    finally:
        if talk is not None:
            talk.close()
        if file is not None:
            file.close()
        if device is not None:
            device.close()


def _opened(path):
    try:
        return path.open("ab")
    except OSError as error:
        raise ToolError("the transcript %s cannot be written: %s" % (path, error.strerror)
                        ) from None


class Screen:
    """Shows what a device says. Argument: is_script, whether programs read it."""

    def __init__(self, is_script):
        self._is_script = bool(is_script)
        self._console = Console(highlight=False, markup=False, soft_wrap=True)

    def line(self, text):
        """A line of a reply."""
        style = None
        if text.startswith("! ") or "NOT SENDING" in text or "FAIL" in text:
            style = "bold red"
        elif "ALL IS WELL" in text or text.endswith(" pass"):
            style = "green"
        elif text.lstrip().startswith("warning"):
            style = "yellow"
        if self._is_script:
            print(text, flush=True)
        else:
            self._console.print(text, style=style)

    def event(self, text):
        """What it said unasked; a script has not asked for it."""
        if not self._is_script:
            self._console.print(text, style="yellow" if " WARNING " in text else "dim")


def _answered(talk, reply, screen):
    """Go on where the device asks for its PIN. Result: the last Reply."""
    if reply.question.startswith("PIN"):
        return talk.ask(_pin(), True, on_line=screen.line)
    return reply


def _run(talk, lines, screen):
    status = 0
    for line in lines:
        reply = _answered(talk, talk.ask(line, on_line=screen.line), screen)
        if reply.question:
            talk.interrupt()
            shell.complain("`%s` wants to be confirmed: add --confirm and the last four"
                           " characters of the device id" % line)
            return shell.EXIT_FAILED
        if not reply.is_good():
            status = shell.EXIT_FAILED
    return status


def _fetch(talk, db, as_json):
    from tidegate_tools.console_fetch import fetch

    if not talk.is_open:
        screen = Screen(True)
        if not _answered(talk, talk.ask("unlock"), screen).is_good():
            raise ToolError("the device does not let us in")
    found = fetch(talk, db, lambda text: None if as_json else print(text, file=sys.stderr))
    print(json.dumps(found.to_json()) if as_json else found.ingested.text())
    for sentence in found.missing:
        shell.complain("not here: " + sentence)
    return shell.EXIT_FAILED if found.missing or found.ingested.refused_count else 0


def _converse(talk, screen):
    """Until the user types exit, or the end of input."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.patch_stdout import patch_stdout

    session = PromptSession()
    print("%s answers; `help` lists its commands, `exit` or Ctrl-D leaves" % talk.device)
    question = ""
    while True:
        prompt = question or "%s%s " % (talk.device, "#" if talk.is_open else ">")
        try:
            with patch_stdout(raw=True):
                line = session.prompt(prompt, is_password=question.startswith("PIN"))
        except EOFError:
            return 0
        except KeyboardInterrupt:
            talk.interrupt()
            question = ""
            continue
        if not question and line.strip() in ("exit", "quit"):
            return 0
        if not question and not line.strip():
            continue
        try:
            reply = talk.ask(line, question.startswith("PIN"), 600, screen.line)
        except KeyboardInterrupt:
            talk.wake()
            continue
        question = reply.question
