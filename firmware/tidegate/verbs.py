"""The table of verbs, for commands of the server and the console, and what they do."""

from tidegate.clock.anchor import QUALITY_NAMES
from tidegate.clock.monotonic import is_past
from tidegate.diag import health, trail, watch
from tidegate.diag.counters import REASON_NAMES
from tidegate.errors import CatalogueError
from tidegate.limits import (
    ACTION_WAIT_MS, BACKLOG_RATE_MAX, HINT_AGE_S_MAX, LINK_FAILURE_COUNT_MAX, LINK_TOLD_COUNT,
    TICKS_MASK_MS,
)
from tidegate.link import session
from tidegate.observe import policy
from tidegate.observe.catalogue import LOG_NAMES
from tidegate.uplink.commands import BAD_ARGUMENT, NOT_KEPT, NOT_POSSIBLE

_TRAIL_LINES = 4
_LINE_COUNT_MAX = 200


class Verbs:
    """What may be asked of the agent, by whoever may ask.

    Arguments: agent, whose parts are there when a verb is used; suppressor.
    Members: table, {verb: (whether it changes something, or a function of the argument that says
    so; function(argument, now_ms) -> (error or "", result as a dict))}; wants_restart, True once
    the board is to be started anew.
    """

    def __init__(self, agent, suppressor):
        self._agent = agent
        self._suppressor = suppressor
        self._action = None
        self._action_ms = 0
        self.wants_restart = False
        self.table = {
            "ping": (False, self._ping), "status": (False, self._status),
            "time": (False, self._time), "trail": (False, self._trail),
            "health": (False, self._health), "link": (False, self._link),
            "observation": (False, self._observation), "policy": (True, self._policy),
            "again": (True, self._again), "backlog": (True, self._backlog),
            "snapshot": (True, self._snapshot), "failover": (True, self._failover),
            "reconnect": (True, self._reconnect), "reboot": (True, self._reboot),
            "config": (agent.configuring.changes, agent.configuring.ask),
        }

    def step(self, now_ms):
        """Do what waits for its reply to have gone."""
        if self._action is not None and is_past(self._action_ms, now_ms):
            action, self._action = self._action, None
            action(now_ms)

    def _ping(self, argument, now_ms):
        return "", {"mono_ms": self._agent.monotonic.total_ms(now_ms)}

    def _time(self, argument, now_ms):
        agent, time = self._agent, self._agent.timekeeping
        return "", {"mono_ms": agent.monotonic.total_ms(now_ms), "utc_ms": time.time_ms(now_ms),
                    "q": QUALITY_NAMES[time.anchor.quality], "steps": agent.counters.clock_steps}

    def _status(self, argument, now_ms):
        agent, commands = self._agent, self._agent.remote.commands
        counters = agent.counters
        return "", {
            "boot": agent.spool.boot, "mono_ms": agent.monotonic.total_ms(now_ms),
            "phase": session.PHASE_NAMES[agent.session.phase], "sessions": counters.sessions,
            "attempts": counters.attempts, "endpoint": agent.endpoints.index,
            "lag": {name: dict(agent.uplink.lag.member(log))
                    for log, name in enumerate(LOG_NAMES)},
            "backlog_obs_per_s": agent.uplink.pacing.rate, "recorded": counters.recorded,
            "refused": counters.refused, "full": counters.full, "failed": counters.turns_failed,
            "commands": [commands.executed_count, commands.refused_count,
                         commands.dropped_count],
            "counter": agent.remote.counter(), "oversized": counters.messages_oversized,
            "hint": agent.remote.guidance.hint()}

    def _trail(self, argument, now_ms):
        lines = self._agent.trail.lines[-_TRAIL_LINES:]
        return "", {"lines": [line[:_LINE_COUNT_MAX] for line in lines]}

    def _health(self, argument, now_ms):
        """Counters over all boots; `errors`: the last crash, and what went wrong in this boot."""
        vitals = self._agent.vitals
        if argument == "":
            return "", health.by_name(vitals.health.values())
        if argument != "errors":
            return BAD_ARGUMENT, {}
        found, timed = vitals.boot, vitals.watch
        return "", {"crash": found.crash, "cause": found.cause_name(), "safe": found.is_safe,
                    "failed": self._agent.counters.turns_failed, "slow": timed.slow_count,
                    "longest_ms": {name: timed.longest_ms[part]
                                   for part, name in enumerate(watch.PART_NAMES)}}

    def _link(self, argument, now_ms):
        """Nothing, or `COUNT`: where the link stands, and so many of its last failures."""
        count = _number(argument) if argument else LINK_TOLD_COUNT
        if not 0 <= count <= LINK_FAILURE_COUNT_MAX:
            return BAD_ARGUMENT, {}
        return "", self._agent.reconnect.told(count, now_ms)

    def _observation(self, argument, now_ms):
        """`ID`: the policy in force, and what became of its samples in this boot."""
        index, agent = self._suppressor.index(_number(argument)), self._agent
        if index < 0:
            return BAD_ARGUMENT, {}
        tally = agent.counters.tally
        return "", {"id": int(argument), "policy": policy.names_of(self._suppressor.rows[index]),
                    "seq": self._suppressor.seq(index),
                    "not_reported": {name: tally.count(reason, index)
                                     for reason, name in enumerate(REASON_NAMES)}}

    def _policy(self, argument, now_ms):
        """`ID NAME VALUE ..`: another policy from the next sample on; `ID default`: as before."""
        words, agent = argument.split(" "), self._agent
        index = self._suppressor.index(_number(words[0]))
        given = {name: text if name == "policy" else _number(text)
                 for name, text in zip(words[1::2], words[2::2])}
        if index < 0 or words[1:] != ["default"] and (not given or len(words) % 2 == 0):
            return BAD_ARGUMENT, {}
        try:
            if not agent.policies.change(int(words[0]), given):
                return NOT_KEPT, {}
        except CatalogueError as error:
            return str(error), {}
        agent.sampler.adopt(agent.policies.rows())
        agent.trail.note(trail.INFO, "policy changed", id=words[0])
        return "", {"id": int(words[0]), "policy": policy.names_of(self._suppressor.rows[index])}

    def _again(self, argument, now_ms):
        for log in range(len(LOG_NAMES)):
            self._agent.uplink.split(log)
        return "", {"count": self._agent.uplink.unconfirmed_count()}

    def _snapshot(self, argument, now_ms):
        self._agent.uplink.snapshot.begin(True)
        return "", {}

    def _backlog(self, argument, now_ms):
        """`RATE SECONDS`: at most so many observations a second for so long; 0 for none."""
        numbers = [_number(word) for word in argument.split(" ")]
        if len(numbers) != 2:
            return BAD_ARGUMENT, {}
        rate, span_s = numbers
        if not 0 <= rate <= BACKLOG_RATE_MAX or not 0 < span_s <= HINT_AGE_S_MAX:
            return BAD_ARGUMENT, {}
        self._agent.remote.guidance.limit(rate, span_s, now_ms)
        return "", {"backlog_obs_per_s": rate, "for_s": span_s}

    def _failover(self, argument, now_ms):
        """`SECONDS`: move to the next server, deliver there, come home after that time."""
        span_s, agent = _number(argument), self._agent
        if span_s < 0:
            return BAD_ARGUMENT, {}
        if not agent.endpoints.rehearse(span_s * 1_000, agent.backoff.period_ms, now_ms):
            return NOT_POSSIBLE, {}
        return "", {"for_s": span_s}

    def _reconnect(self, argument, now_ms):
        self._plan(self._agent.session.close, now_ms)
        return "", {"in_ms": ACTION_WAIT_MS}

    def _reboot(self, argument, now_ms):
        self._plan(self._want_restart, now_ms)
        return "", {"in_ms": ACTION_WAIT_MS}

    def _want_restart(self, now_ms):
        self.wants_restart = True

    def _plan(self, action, now_ms):
        """The reply goes first."""
        self._action = action
        self._action_ms = (now_ms + ACTION_WAIT_MS) & TICKS_MASK_MS


def _number(text):
    """A text of decimal digits as a number; -1 where it is none."""
    if not 0 < len(text) < 10 or not all("0" <= each <= "9" for each in text):
        return -1
    return int(text)
