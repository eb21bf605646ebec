"""A conversation with a device's console: a line goes out, its reply comes back whole."""

import json
import re
import threading
import time
from dataclasses import dataclass, field

from tidegate_tools.errors import ToolError

PATIENCE_S = 10.0
_WAKE_S = 1.0
_PROMPT = re.compile(r"([A-Za-z0-9._-]{1,64})([>#]) $")
_QUESTION = re.compile(r"(PIN: |to go on type [^\n]*: )$")
_EVENT = re.compile(r"\* ")
CTRL_C = b"\x03"


@dataclass
class Reply:
    """Lines of a reply without their ends; `question` is the text of one that waits, or ""."""

    lines: list = field(default_factory=list)
    question: str = ""

    def is_good(self):
        """Whether the device did what it was asked."""
        for line in self.lines:
            if line.startswith("! "):
                return False
            if line.startswith("{") and not _said_ok(line):
                return False
        return True


def _said_ok(line):
    try:
        return json.loads(line).get("ok", False)
    except ValueError:
        return False


class Talk:
    """Reads a port all the time, on a thread of its own.

    Arguments: port; on_event(line), which takes what the device says unasked; transcript, a file
    for every byte that is received, or None. Members: device and is_open (unlocked) of the last
    prompt.
    """

    def __init__(self, port, on_event=lambda line: None, transcript=None):
        self._port = port
        self._on_event = on_event
        self._transcript = transcript
        self._changed = threading.Condition()
        self._lines = []
        self._tail = ""
        self._error = None
        self._is_closing = False
        self.received_bytes = 0
        self.device, self.is_open = "", False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self):
        """End the reading; the port is the caller's."""
        self._is_closing = True
        self._thread.join()

    def wake(self):
        """Find the prompt: whatever was typed before is given up. Errors: ToolError."""
        for _ in range(int(PATIENCE_S / _WAKE_S)):
            with self._changed:
                self._lines.clear()
                self._tail = ""
            self._port.write(CTRL_C + b"\r")
            if self._await(self._prompt, _WAKE_S):
                # One more may be on its way.
                time.sleep(_WAKE_S / 4)
                return
        raise ToolError("nobody answers on %s: is the device on, the cable in, and this its"
                        " console?" % self._port.name)

    def ask(self, line, is_hidden=False, patience_s=PATIENCE_S, on_line=None):
        """Type a line. Result: its Reply.

        Arguments: is_hidden, whether the device does not echo it; on_line(line), which takes
        each line of the reply at once. Errors: ToolError where no whole reply comes in time.
        """
        with self._changed:
            self._lines.clear()
            self._tail = ""
        self._port.write(line.encode() + b"\r")
        reply, has_echo = Reply(), is_hidden
        quiet_at_s = time.monotonic() + patience_s
        while True:
            with self._changed:
                if not self._lines:
                    self._check()
                    if has_echo and self._prompt():
                        return self._finished(reply)
                    self._changed.wait(0.1)
                taken, self._lines = self._lines, []
            for each in taken:
                quiet_at_s = time.monotonic() + patience_s
                if _EVENT.match(each):
                    continue
                if not has_echo:
                    has_echo = each.endswith(line)
                elif each or reply.lines:
                    reply.lines.append(each)
                    if on_line is not None:
                        on_line(each)
            if time.monotonic() > quiet_at_s:
                raise ToolError("no whole reply to '%s' within %g s: the line may be bad; try"
                                " again" % ("" if is_hidden else line, patience_s))

    def interrupt(self):
        """Ctrl-C: end the reply that is under way."""
        self._port.write(CTRL_C)

    def type(self, data):
        """Send bytes as they are."""
        self._port.write(data)

    def take_lines(self):
        """What has come since the last call, whole lines, whatever they are.

        Errors: ToolError where the port is gone.
        """
        with self._changed:
            if not self._lines:
                self._check()
                self._changed.wait(0.1)
            taken, self._lines = self._lines, []
        return taken

    def _finished(self, reply):
        question = _QUESTION.search(self._tail)
        reply.question = question.group(0) if question else ""
        return reply

    def _prompt(self):
        """Whether the device waits for a line."""
        tail = self._tail.rsplit("\r", 1)[-1]
        found = _PROMPT.match(tail)
        if found:
            self.device, self.is_open = found.group(1), found.group(2) == "#"
        return bool(found or _QUESTION.match(tail))

    def _await(self, condition, patience_s):
        with self._changed:
            end_s = time.monotonic() + patience_s
            while not condition() and time.monotonic() < end_s:
                self._check()
                self._changed.wait(0.05)
            return condition()

    def _check(self):
        if self._error is not None:
            raise self._error

    def _read(self):
        while not self._is_closing:
            try:
                data = self._port.read()
            except ToolError as error:
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return
            if data:
                self._take(data)

    def _take(self, data):
        if self._transcript is not None:
            self._transcript.write(data)
            self._transcript.flush()
        events = []
        with self._changed:
            self.received_bytes += len(data)
            *whole, self._tail = (self._tail + data.decode("ascii", "replace")).split("\n")
            for line in whole:
                # An event goes over the line that is being typed.
                line = line.rstrip("\r").rsplit("\r", 1)[-1].rstrip(" ")
                self._lines.append(line)
                if _EVENT.match(line):
                    events.append(line)
            self._changed.notify_all()
        for line in events:
            self._on_event(line)
