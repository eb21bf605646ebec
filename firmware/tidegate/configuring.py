"""Another configuration while the agent runs: prepared, tried, kept, or taken back by itself."""

from tidegate.clock.monotonic import is_past
from tidegate.config import schema, views
from tidegate.config.nearest import nearest
from tidegate.config.staged import Staged, cutting, needs
from tidegate.diag import trail
from tidegate.limits import (
    ACTION_WAIT_MS, CONFIGURATION_TELL_MS, TICKS_MASK_MS, TRIAL_S, TRIAL_S_MAX,
    TRIAL_S_MIN,
)
from tidegate.link import causes, session
from tidegate.observe.catalogue import CONFIGURATION_ID
from tidegate.observe.suppress import comparator

# No word at all shows.
_READING = ("", "show", "get", "diff", "check", "export")
_UNITS_S = {"s": 1, "m": 60, "h": 3_600}


class Configuring:
    """The verb `config`, for the console and for commands, and what follows from it.

    A trial ends by itself: it is kept only where the device has reached its server with it and
    somebody says `config keep` within its time.
    Arguments: agent, whose parts are there when a verb is used; store, of `config.store`;
    suppressor, which knows the last report that is durable. Member: store.
    """

    def __init__(self, agent, store, suppressor):
        self._agent = agent
        self.store = store
        self._staged = Staged(store)
        self._suppressor = suppressor
        self._row = suppressor.index(CONFIGURATION_ID)
        self._told = ""
        self._words = {
            "show": self._show, "get": self._get, "set": self._set, "unset": self._unset,
            "diff": self._diff, "check": self._check, "save": self._save, "keep": self._keep,
            "revert": self._revert, "export": self._export,
        }
        now_ms = agent.monotonic.now_ms
        self._offered, self._tell_ms = "", 0
        # What is to be done once the reply has gone, and how far it reaches; None: nothing.
        self._due = None
        self._due_ms = 0
        self._until_ms = -1
        self._session_count = 0
        for event, why in store.findings:
            agent.trail.note(trail.ALARM, event, why=why.replace(" ", "-"))
        self._is_first = True
        if store.trial:
            self._begin(now_ms)

    def step(self, now_ms):
        """Do what waits for its reply to have gone; take a trial back when its time is over."""
        store = self.store
        if self._is_first:
            self._is_first = False
            if not self._is_told() or store.trial and store.trial["starts"] == 1:
                # The device itself left its session, to start anew with other values: that is no
                # power-up, and the server may be another one.
                self._agent.reconnect.adopt()
                self._agent.backoff.lost(causes.LEFT, now_ms)
        if self._due is not None and is_past(self._due_ms, now_ms):
            self._apply(now_ms)
        if self._until_ms >= 0 and is_past(self._until_ms, now_ms):
            self._end("not kept within %d s, %s" % (
                store.trial["time_s"], "server reached" if self._has_reached()
                else "server not reached"), store.trial["by"], now_ms)
        if store.report != self._told and self._due != schema.RESTART:
            self._tell(now_ms)

    def _tell(self, now_ms):
        """Report the last thing that happened, once; what a restart is due for, behind it."""
        if self._is_told():
            return
        if self._offered != self.store.report or is_past(self._tell_ms, now_ms):
            # Full records refuse: it is offered again after a while.
            self._offered = self.store.report
            self._tell_ms = (now_ms + CONFIGURATION_TELL_MS) & TICKS_MASK_MS
            self._agent.sampler.offer(CONFIGURATION_ID, self._offered)

    @staticmethod
    def changes(argument):
        """Whether a call of the verb with this argument may change something."""
        return argument.strip().split(" ")[0] not in _READING

    def ask(self, argument, now_ms, by=schema.CONSOLE):
        """The verb, as the console has it. Result: (error or "", result as a dict)."""
        word, _, rest = argument.strip().partition(" ")
        action = self._words.get(word or "show")
        if action is None:
            near = nearest(word, sorted(self._words))
            return "config: no such word; %sknown are %s" % (
                "did you mean %s? " % near if near else "", ", ".join(sorted(self._words))), {}
        if by == schema.COMMAND and self.changes(word) and not self.store.running["command_key"]:
            return "without a command_key a command changes no configuration: set one there", {}
        return action(rest.strip(), by, now_ms)

    def ask_by_command(self, argument, now_ms):
        """The same for a command of the server."""
        return self.ask(argument, now_ms, schema.COMMAND)

    # The words.

    def _show(self, prefix, by, now_ms):
        result = views.show(self.store, prefix)
        result["staged"] = len(self._staged.changes)
        if self.store.trial:
            left_ms = (self._until_ms - now_ms) & TICKS_MASK_MS if self._until_ms >= 0 else 0
            result["trial_left_s"] = left_ms // 1_000
        return "", result

    def _get(self, name, by, now_ms):
        return views.get(self.store, name)

    def _set(self, argument, by, now_ms):
        name, _, text = argument.partition(" ")
        if not text:
            return '%s: a value is missing; "" is the empty one, unset takes a change back' % (
                name or "set"), {}
        return self._stage(name, text, by, now_ms)

    def _unset(self, name, by, now_ms):
        return self._stage(name, None, by, now_ms)

    def _stage(self, name, text, by, now_ms):
        if self.store.trial:
            return "a trial runs: keep it or revert it first", {}
        agent = self._agent
        known_ms = agent.timekeeping.time_ms(now_ms)
        stamp = (by, known_ms // 1_000 if known_ms else 0, agent.spool.boot,
                 agent.monotonic.total_ms(now_ms) // 1_000)
        wrong = self._staged.set(name, text, stamp)
        return wrong, {} if wrong else {"staged": len(self._staged.changes)}

    def _diff(self, argument, by, now_ms):
        return "", {"changes": self._staged.differences()}

    def _check(self, argument, by, now_ms):
        wrong = self._fault()
        if wrong:
            return wrong, {}
        names = self._staged.names()
        return "", {"changes": names, "effect": schema.EFFECT_NAMES[needs(names)],
                    "confirm": bool(cutting(names))}

    def _fault(self):
        wrong = self._staged.faults()
        return wrong or self._agent.policies.fault(
            self.store.values(self._staged.changes)["policies"])

    def _save(self, argument, by, now_ms):
        """`save`, or `save confirm [TIME]`."""
        word, _, time = argument.partition(" ")
        trial_s = _span_s(time) if time else TRIAL_S
        if word not in ("", "confirm") or not TRIAL_S_MIN <= trial_s <= TRIAL_S_MAX:
            return "save, or save confirm TIME, %ds to %ds, such as 5m" % (
                TRIAL_S_MIN, TRIAL_S_MAX), {}
        if self.store.trial:
            return "a trial runs: keep it or revert it first", {}
        if self._due is not None:
            return "the change before takes effect in a second: say it again then", {}
        wrong = self._fault()
        if wrong:
            return wrong, {}
        names = self._staged.names()
        if not names:
            return "nothing is staged that differs from what is in force", {}
        if not word and cutting(names):
            return "%s may cut the device off: save confirm 5m" % ", ".join(cutting(names)), {}
        wrong = self.store.save(self._staged.changes, by, trial_s if word else 0)
        if wrong:
            return wrong, {}
        self._staged.changes = {}
        self._note("configuration on trial" if word else "configuration kept", names, by)
        self._plan(needs(names), now_ms)
        result = {"generation": self.store.generation, "changes": names,
                  "effect": schema.EFFECT_NAMES[needs(names)], "in_ms": ACTION_WAIT_MS}
        if word:
            result["keep_within_s"] = trial_s
        return "", result

    def _keep(self, argument, by, now_ms):
        if not self.store.trial:
            return "no trial runs", {}
        if not self._has_reached():
            return "the server was not reached with it yet", {}
        names = self.store.tried()
        wrong = self.store.keep(by)
        if wrong:
            return wrong, {}
        self._until_ms = -1
        self._note("configuration kept", names, by)
        return "", {"generation": self.store.generation}

    def _revert(self, argument, by, now_ms):
        if not self.store.trial:
            count, self._staged.changes = len(self._staged.changes), {}
            return "", {"dropped": count}
        self._end("asked for", by, now_ms)
        return "", {"generation": self.store.generation, "in_ms": ACTION_WAIT_MS}

    def _export(self, prefix, by, now_ms):
        return "", views.export(self.store, prefix)

    # What follows.

    def _plan(self, effect, now_ms):
        """The reply goes first."""
        self._due, self._due_ms = effect, (now_ms + ACTION_WAIT_MS) & TICKS_MASK_MS

    def _apply(self, now_ms):
        agent, store = self._agent, self.store
        effect, self._due = self._due, None
        if effect == schema.RESTART:
            self._due = effect
            agent.verbs.wants_restart = True
            return
        if store.trial:
            store.begin_trial()
        agent.policies.rebase(store.running["policies"])
        agent.sampler.adopt(agent.policies.rows())
        agent.remote.commands.key = store.running["command_key"].encode()
        if store.trial:
            self._begin(now_ms)
        if effect == schema.SESSION:
            agent.reconnect.adopt()
            agent.session.close(now_ms)
            agent.backoff.lost(causes.LEFT, now_ms)
        elif agent.session.phase == session.UP:
            # What takes effect at once needs no other session to prove itself.
            self._session_count -= 1

    def _begin(self, now_ms):
        """The trial is in force from here on."""
        self._session_count = self._agent.counters.sessions
        self._until_ms = (now_ms + self.store.trial["time_s"] * 1_000) & TICKS_MASK_MS

    def _has_reached(self):
        return self._until_ms >= 0 and self._agent.counters.sessions > self._session_count

    def _end(self, why, by, now_ms):
        """The trial is taken back. What flash refuses holds at least until the next start."""
        names = self.store.tried()
        wrong = self.store.revert(why, by)
        self._note("configuration reverted", names, by, why + ("; " + wrong if wrong else ""))
        self._due = None
        if self._until_ms >= 0:
            self._until_ms = -1
            self._plan(needs(names), now_ms)

    def _note(self, event, names, by, why=""):
        facts = {"by": by, "generation": self.store.generation, "keys": ",".join(names)}
        if why:
            facts["why"] = why.replace(" ", "-")
        self._agent.trail.note(trail.WARNING, event, **facts)

    def _is_told(self):
        """Whether the last thing that happened is durable among the records."""
        report = self.store.report
        if report != self._told:
            row = self._suppressor.rows[self._row]
            if comparator(row, report) == self._suppressor.value(self._row):
                self._told = report
        return report == self._told


def _span_s(text):
    """`90`, `90s`, `5m` or `1h` in seconds; -1 where it is none of them."""
    unit_s = _UNITS_S.get(text[-1:], 0)
    digits = text[:-1] if unit_s else text
    if not 0 < len(digits) < 6 or not all("0" <= each <= "9" for each in digits):
        return -1
    return int(digits) * (unit_s or 1)
