"""What is done with a line: found in the table, allowed or refused, done, answered."""

from tidegate.config.nearest import nearest
from tidegate.console import commands, render
from tidegate.console.usage import remedied
from tidegate.limits import CONSOLE_CONFIRM_COUNT

_LOCKED = "read-only: type unlock first"
_NO_ECHO = "type unlock alone: the PIN is asked for, and not shown"


class Desk:
    """Answers through a console. Argument: console, see there for what is used of it."""

    def __init__(self, console):
        self._console = console
        self._is_json = False

    def run(self, text, now_ms):
        """A line that was typed whole."""
        console = self._console
        name, argument, options = commands.parse(text)
        rows = commands.offered(console.verbs, console.parts)
        row = commands.find(rows, name)
        self._is_json = "json" in options
        if row is None:
            near = nearest(name, [row[commands.NAME] for row in rows])
            self._refuse(name, "there is no command '%s'%s: type help" % (
                name[:20], ", the nearest is '%s'" % near if near else ""))
        elif not console.guard.is_open and commands.is_locked(row, argument, console.verbs):
            self._refuse(name, _LOCKED)
        elif name == "unlock":
            self._unlock(argument, now_ms)
        elif name == "help":
            self._help(rows, argument)
        elif row[commands.IS_DESTRUCTIVE]:
            self._confirm(row, argument, options.get("confirm"), now_ms)
        else:
            self._do(row, argument, now_ms)

    def result(self, name, argument, now_ms):
        """(error, result) of a command; error None where it is not offered."""
        row = commands.find(commands.offered(self._console.verbs, self._console.parts), name)
        return (None, {}) if row is None else self._act(row, argument, now_ms)

    def rendered(self, name, error, result):
        """A reply as pieces, in the form that was asked for."""
        if self._is_json:
            return render.as_json(name, error, result)
        if error:
            return iter(("! %s\n" % remedied(name, error),))
        row = commands.find(commands.TABLE, name)
        layout = row[commands.LAYOUT] if row is not None else None
        return (layout or render.as_text)(result)

    def unlocked(self, was_right, now_ms):
        """The PIN that was typed is checked."""
        guard = self._console.guard
        self._answer("unlock", "" if was_right else "wrong PIN%s" % (
            ", next try in %d s" % guard.delay_s(now_ms) if guard.delay_s(now_ms) else
            ": type unlock to try again"), {"level": "tech"})

    def _act(self, row, argument, now_ms):
        if row[commands.FUNCTION] is not None:
            return row[commands.FUNCTION](self._console, self, argument, now_ms)
        return self._console.verbs[row[commands.VERB]][1](argument, now_ms)

    def _do(self, row, argument, now_ms):
        error, result = self._act(row, argument, now_ms)
        if isinstance(result, dict):
            self._answer(row[commands.NAME], error, result)
        else:
            self._console.reply(result)

    def _answer(self, name, error, result):
        self._console.reply(self.rendered(name, error, result))

    def _refuse(self, name, error):
        self._answer(name, error, {})

    def _help(self, rows, argument):
        row = commands.find(rows, argument)
        if not argument and not self._is_json:
            self._console.reply(commands.help_lines(rows))
        elif not argument:
            self._answer("help", "", {"commands": [each[commands.NAME] for each in rows]})
        elif row is None:
            self._refuse("help", "there is no command '%s': type help" % argument[:20])
        else:
            self._answer("help", "", {
                "command": row[commands.NAME], "argument": row[commands.ARGUMENT],
                "level": commands.LEVEL_NAMES[row[commands.LEVEL]], "help": row[commands.HELP]})

    def _unlock(self, argument, now_ms):
        guard = self._console.guard
        refusal = _NO_ECHO if argument else guard.refusal(now_ms)
        if refusal:
            self._refuse("unlock", refusal)
        else:
            self._console.ask("PIN: ", True, self._try)

    def _try(self, pin):
        refusal = self._console.guard.begin(pin, self._console.now_ms)
        if refusal:
            self._refuse("unlock", refusal)

    def _confirm(self, row, argument, given, now_ms):
        """Whoever does this must know which device it is."""
        wanted = self._console.device_id[-CONSOLE_CONFIRM_COUNT:]

        def answered(text):
            if text == wanted:
                self._do(row, argument, self._console.now_ms)
            else:
                self._refuse(row[commands.NAME], "nothing was done: those are not the last"
                             " %d characters of the device id" % CONSOLE_CONFIRM_COUNT)

        if given is not None:
            answered(given)
        else:
            self._console.ask("to go on type the last %d characters of the device id: "
                              % CONSOLE_CONFIRM_COUNT, False, answered)
