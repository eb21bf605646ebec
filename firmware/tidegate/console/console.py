"""The console: bytes come in and become lines, replies and events go out, with a prompt."""

from tidegate.console.commands import WIFI
from tidegate.console.desk import Desk
from tidegate.console.guard import Guard
from tidegate.console.line import CANCELLED, DAMAGED, LINE, NOTHING, TOO_LONG, Line
from tidegate.console.output import Output
from tidegate.console.watch import Watch
from tidegate.console.wireless import link_of
from tidegate.diag import trail
from tidegate.limits import (
    CONSOLE_INPUT_BYTES, CONSOLE_KEY_MS, CONSOLE_LINE_BYTES, CONSOLE_LOGOUT_MS,
    CONSOLE_PENDING_COUNT, CONSOLE_POLL_MS, CONSOLE_RING_BYTES, CONSOLE_STALL_MS,
    CONSOLE_TYPING_MS, TICKS_MASK_MS, TURN_WAIT_MS_MAX,
)

_CTRL_C = 3
# What is longer is cut: with the line that is being typed it must fit the ring.
_EVENT_COUNT = CONSOLE_RING_BYTES // 4
# A line that begins so is what the console itself says, come back from a wire that loops: it is
# neither done nor answered.
_OWN = " *!#{0123456789"
# What may hold a secret is not brought back by an arrow key.
_SECRET = "config set"
_REFUSALS = {
    DAMAGED: "the line holds bytes that no key sends, nothing was done: type it again",
    TOO_LONG: "the line is longer than %d bytes, nothing was done: type a shorter one"
              % CONSOLE_LINE_BYTES,
}


class Console:
    """On the terminal of a board, with whatever stands at its other end.

    Arguments: agent, whose parts are there once `step` is called; ports; configuration, checked.
    Members: shown_level, from which on events are shown as they happen; dropped_count, of those
    for which there was no room; verbs, the agent's table; parts, of the board, that commands need.
    """

    def __init__(self, agent, ports, configuration):
        self.agent = agent
        self.ports = ports
        self.device_id = configuration["device_id"]
        self.now_ms = agent.monotonic.now_ms
        self.output = Output(ports.terminal)
        self.guard = Guard(ports.keep, configuration["console_pin"], self.now_ms)
        self.watch = Watch(agent, ports, self.now_ms)
        self.parts = (WIFI,) if link_of(ports) is not None else ()
        self.shown_level = trail.INFO
        self.dropped_count = 0
        self._desk = Desk(self)
        self._line = Line(self.output.put)
        self._input = memoryview(bytearray(CONSOLE_INPUT_BYTES))
        self._taken = self._held = 0
        self._pending = []
        self._told_dropped_count = 0
        # (its text, what to do with the answer): the next line is no command.
        self._question = None
        self._is_attended = self._wants_prompt = False
        self._typed_ms = self.now_ms

    @property
    def verbs(self):
        """The agent's table of verbs."""
        return self.agent.verbs.table

    def step(self, now_ms):
        """A turn. Result: ms until there is something to do."""
        self.now_ms = now_ms
        self.watch.step(now_ms)
        self._read()
        if self.output.is_busy():
            self._heed()
        self._take()
        was_right = self.guard.step(now_ms)
        if was_right is not None:
            self._desk.unlocked(was_right, now_ms)
        self.output.step()
        self._show_pending()
        self._show_prompt()
        if self._is_attended and (now_ms - self._typed_ms) & TICKS_MASK_MS >= CONSOLE_LOGOUT_MS:
            self._leave()
        return self._wait_ms()

    def say(self, line):
        """Show an event as it happens, a line of the trail; without room it is dropped whole and
        counted."""
        words = line.split(" ", 2)
        level = trail.LEVEL_NAMES.index(words[1]) if words[1] in trail.LEVEL_NAMES else trail.INFO
        if level < self.shown_level:
            return
        if len(self._pending) == CONSOLE_PENDING_COUNT:
            self.dropped_count += 1
        else:
            self._pending.append(line[:_EVENT_COUNT])
        self._show_pending()
        if not self.output.is_busy():
            self.output.step()

    def show_from(self, level):
        """Show events of that level of `diag.trail` and above as they happen."""
        self.shown_level = level
        self.agent.trail.shows_debug = level == trail.DEBUG

    def reply(self, pieces):
        """Answer with an iterator of texts, then show the prompt."""
        self._wants_prompt = True
        self.output.begin(pieces)

    def ask(self, text, is_hidden, answered):
        """Ask for one line. Arguments: text; is_hidden; answered(line), what to do with it."""
        self._question = (text, answered)
        self._line.is_hidden = is_hidden
        self._wants_prompt = True

    def _wait_ms(self):
        if self.guard.is_checking() or self._taken < self._held and not self.output.is_busy():
            return 0
        if self.output.is_empty() and not self._pending:
            # Not every port wakes the loop for a key.
            is_typing = self._is_attended and (
                (self.now_ms - self._typed_ms) & TICKS_MASK_MS < CONSOLE_TYPING_MS)
            return CONSOLE_KEY_MS if is_typing else TURN_WAIT_MS_MAX
        if self.output.moved:
            return CONSOLE_POLL_MS if self.output.stopped else 0
        return CONSOLE_STALL_MS

    def _leave(self):
        """Nobody is there any more."""
        self.output.cancel()
        self.guard.lock()
        if self.shown_level == trail.DEBUG:
            self.show_from(trail.INFO)
        self._line.clear()
        self._line.is_hidden = self._is_attended = self._wants_prompt = False
        self._question = None
        self.output.put("\n")

    # What comes in.

    def _read(self):
        """What has arrived, as far as there is room."""
        if self._taken == self._held:
            self._taken = self._held = 0
        count = self.output.terminal.read_into(self._input[self._held:])
        if not count:
            return
        self._is_attended = True
        self._typed_ms = self.now_ms
        self.guard.use(self.now_ms)
        self._held += count

    def _heed(self):
        """Ctrl-C ends the reply that is under way, and forgets what was typed before it."""
        for at in range(self._held - 1, self._taken - 1, -1):
            if self._input[at] == _CTRL_C:
                self.output.cancel()
                self._taken = at + 1
                self.output.put("\n! ended by Ctrl-C\n")
                break

    def _take(self):
        """Bytes up to the end of a line that is answered."""
        while self._taken < self._held and not (
                self.output.is_busy() or self.guard.is_checking()):
            end = self._line.take(self._input[self._taken])
            self._taken += 1
            if end != NOTHING:
                self._end(end)

    def _end(self, end):
        text = self._line.text()
        question, self._question = self._question, None
        if question is None and end != CANCELLED and self._is_own(text):
            self._line.clear()
            return
        if question is None and end == LINE and not text.startswith(_SECRET):
            self._line.remember(text)
        self._line.clear()
        self._line.is_hidden = False
        self._wants_prompt = True
        self.output.put("^C\n" if end == CANCELLED else "\n")
        if end in _REFUSALS:
            self.reply(iter(("! %s\n" % _REFUSALS[end],)))
        elif end == LINE and question is not None:
            question[1](text)
        elif end == LINE and text:
            self._desk.run(text, self.now_ms)

    def _is_own(self, text):
        return text[:1] != "" and text[0] in _OWN or text.startswith(self._prompt()[:-2])

    # What goes out beside a reply.

    def _prompt(self):
        if self._question is not None:
            return self._question[0]
        return "%s%s " % (self.device_id, "#" if self.guard.is_open else ">")

    def _show_pending(self):
        """Events that wait, each a line above the one that is being typed."""
        while self._pending and not self.output.is_busy():
            if not self._show(self._pending[0]):
                return
            self._pending.pop(0)
        if self.dropped_count > self._told_dropped_count and not self._pending:
            count = self.dropped_count - self._told_dropped_count
            if self._show("%d events not shown: type log" % count):
                self._told_dropped_count = self.dropped_count

    def _show_prompt(self):
        if self._wants_prompt and not self.output.is_busy() and not self.guard.is_checking():
            if self.output.put(self._prompt() + self._line.shown()):
                self._wants_prompt = False

    def _show(self, line):
        if not self._is_attended:
            return self.output.put(line + "\n")
        if self._wants_prompt:
            return self.output.put("* %s\n" % line)
        typed = self._prompt() + self._line.shown()
        spaces = " " * (len(typed) - len(line) - 2)
        return self.output.put("\r* %s%s\n%s" % (line, spaces, typed))
