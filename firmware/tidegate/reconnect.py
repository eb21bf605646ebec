"""When and where the next session is opened, and what is told of those that ended."""

from tidegate.config.servers import servers
from tidegate.diag import trail
from tidegate.diag.outage import Outage
from tidegate.limits import LINK_FAILURE_COUNT_MAX, LINK_HOST_COUNT_MAX, TICKS_MASK_MS
from tidegate.link import causes, hint, session
from tidegate.link.backoff import ACTION_NAMES
from tidegate.link.endpoints import PLAN_NAMES
from tidegate.observe.catalogue import DRIVER_IDS, OUTAGE_ID

# In the place of the index of the server that the last session stood with.
_NOWHERE, _ELSEWHERE = -1, -2


class Reconnect:
    """Joins `link.backoff` and `link.endpoints` with the session they are for.

    Arguments: agent, whose session, backoff, endpoints and uplink are there; network, the port;
    configuration, checked; suppressor.
    """

    def __init__(self, agent, network, configuration, suppressor):
        self._agent = agent
        self._network = network
        self._configuration = configuration
        self.adopt()
        self._suppressor = suppressor
        self._driver_rows = [suppressor.index(each) for each in DRIVER_IDS]
        self._driver_seq = self._newest_of_driver()
        self._failures = []
        self._rehearsal = None
        self._confirmed_count = 0
        self._outage = Outage(0)
        self._was_linked = True
        self._up_at = _NOWHERE
        if configuration["tls"] == "unverified":
            agent.trail.note(
                trail.ALARM, "servers are not verified: anybody may listen and answer",
                change="tls")
        now_ms = agent.monotonic.now_ms
        agent.backoff.start(now_ms)
        agent.endpoints.lost(agent.backoff.period_ms, now_ms)

    def adopt(self):
        """The configuration names other servers, as many as before, from the next attempt on: what
        it meets there does not know the live picture."""
        self._servers = servers(self._configuration)
        self._up_at = _ELSEWHERE

    def step(self, now_ms):
        """Follow the own link; open a session, or leave one for another server, if it is time."""
        agent = self._agent
        self._follow_link(now_ms)
        self._follow_driver(now_ms)
        is_due = agent.backoff.wait_ms(now_ms) == 0
        if self._was_linked and agent.endpoints.wait_ms(now_ms) == 0:
            agent.presence.leave(now_ms)
            agent.endpoints.change(now_ms)
            is_due = True
        if agent.session.phase == session.IDLE and is_due:
            self._attempt(now_ms)

    def up(self, now_ms):
        """The session stands. Result: whether it is another server's than the one before."""
        agent = self._agent
        agent.backoff.up(now_ms)
        was_rehearsal = agent.endpoints.is_rehearsal
        agent.endpoints.up(now_ms)
        if agent.endpoints.index and agent.endpoints.arrived_ms == now_ms:
            self._confirmed_count = agent.counters.batches_confirmed
        elif was_rehearsal and not agent.endpoints.index:
            self._end_rehearsal(now_ms)
        self._note_old_address()
        server, self._up_at = self._up_at, agent.endpoints.index
        return server not in (_NOWHERE, self._up_at)

    def report(self, now_ms):
        """Tell the operator of the outage that is over, if there was one."""
        agent = self._agent
        told = self._outage.report(
            agent.monotonic.total_ms(now_ms), agent.timekeeping.time_ms(now_ms), self._up_at)
        if told:
            agent.sampler.offer(OUTAGE_ID, told)

    def down(self, phase, cause, now_ms):
        """The session ended in this phase, or an attempt failed there. Cause: of `causes`."""
        agent = self._agent
        backoff, endpoints = agent.backoff, agent.endpoints
        attempt_count = backoff.attempt_count
        was_up = phase == session.UP
        if was_up:
            self._outage.lost(cause, agent.monotonic.total_ms(now_ms))
            wait_ms = backoff.lost(causes.loss(cause), now_ms)
            endpoints.lost(backoff.period_ms, now_ms)
        else:
            self._outage.failed(cause)
            agent.counters.outcomes[causes.outcome(cause)] += 1
            wait_ms = backoff.failed(causes.outcome(cause), now_ms)
            is_sent = causes.outcome(cause) == causes.MOVED
            # Who hangs up because it is time to go elsewhere knows where to.
            if cause != causes.ENDED and not (is_sent and endpoints.moved()):
                endpoints.failed(now_ms)
        if session.RESOLVE < phase < session.UP:
            self._note_old_address()
        self._failures.append((
            agent.monotonic.total_ms(now_ms), session.PHASE_NAMES[phase], cause, attempt_count,
            ACTION_NAMES[backoff.action], backoff.window_ms, wait_ms))
        if len(self._failures) > LINK_FAILURE_COUNT_MAX:
            self._failures.pop(0)
        level = trail.INFO if cause in (causes.ENDED, causes.RENEWED) else trail.WARNING
        agent.trail.note(level, "session lost" if was_up else "attempt failed",
                         phase=session.PHASE_NAMES[phase], cause=cause.replace(" ", "-"),
                         attempt=attempt_count, action=ACTION_NAMES[backoff.action],
                         window_ms=backoff.window_ms, wait_ms=wait_ms)

    def told(self, count, now_ms):
        """How the link stands, as a dict for whoever asks: SPEC section 8, verb `link`.

        Argument: count, how many of the last failures.
        """
        agent = self._agent
        backoff, endpoints = agent.backoff, agent.endpoints
        host, port, is_secure = self._servers[endpoints.index]
        known = agent.remote.guidance.hint()
        waits = self._was_linked and agent.session.phase == session.IDLE
        return {
            "server": [endpoints.index, host[:LINK_HOST_COUNT_MAX], port, is_secure],
            "servers": len(self._servers),
            "linked": self._was_linked, "phase": session.PHASE_NAMES[agent.session.phase],
            "cause": self._failures[-1][2] if self._failures else None,
            "attempt": backoff.attempt_count, "action": ACTION_NAMES[backoff.action],
            "window_ms": backoff.window_ms, "wait_ms": backoff.wait_ms(now_ms) if waits else None,
            "plan": [PLAN_NAMES[endpoints.plan], max(0, endpoints.wait_ms(now_ms))],
            "hint": known and {"window_s": known[hint.WINDOW_S], "until": known[hint.UNTIL_S],
                               "outage": known[hint.IS_OUTAGE]},
            "rehearsal": self._rehearsal,
            "failures": [list(each) for each in self._failures[len(self._failures) - min(
                count, len(self._failures)):]]}

    def _end_rehearsal(self, now_ms):
        """Home again: what the exercise took, in ms, and the batches confirmed elsewhere."""
        endpoints, agent = self._agent.endpoints, self._agent
        if not endpoints.has_arrived:
            self._rehearsal = {"moved": False}
            agent.trail.note(trail.WARNING, "rehearsal failed, no other server took it")
            return
        self._rehearsal = {
            "moved": True, "move_ms": (endpoints.arrived_ms - endpoints.left_ms) & TICKS_MASK_MS,
            "there_ms": (endpoints.turned_ms - endpoints.arrived_ms) & TICKS_MASK_MS,
            "return_ms": (now_ms - endpoints.turned_ms) & TICKS_MASK_MS,
            "batches": agent.counters.batches_confirmed - self._confirmed_count}
        agent.trail.note(trail.INFO, "rehearsal done", **self._rehearsal)

    def _newest_of_driver(self):
        newest = 0
        for row in self._driver_rows:
            newest = max(newest, self._suppressor.seq(row))
        return newest

    def _follow_driver(self, now_ms):
        """Somebody who plugs in or shows a card is not kept waiting."""
        newest = self._newest_of_driver()
        if newest != self._driver_seq:
            self._driver_seq = newest
            if self._agent.session.phase == session.IDLE and self._agent.backoff.driver(now_ms):
                self._agent.trail.note(trail.INFO, "driver acts, attempt now")

    def _follow_link(self, now_ms):
        backoff, is_linked = self._agent.backoff, self._network.is_up()
        if is_linked != self._was_linked:
            self._was_linked = is_linked
            if is_linked:
                backoff.link_up(now_ms)
            else:
                backoff.link_down()
        if self._agent.session.phase == session.UP:
            backoff.prove(now_ms)

    def _attempt(self, now_ms):
        agent, configuration = self._agent, self._configuration
        agent.backoff.began(now_ms)
        agent.session.patience_ms = agent.backoff.patience_ms()
        agent.counters.attempts += 1
        agent.presence.count += 1
        identity = agent.profile.identity((agent.timekeeping.time_ms(now_ms) or 0) // 1_000,
                                          now_ms)
        if identity is None:
            agent.on_down(session.IDLE, causes.TIME_UNKNOWN, now_ms)
            return
        agent.session.open(
            self._servers[agent.endpoints.index],
            (identity, configuration["keep_alive_s"], agent.presence.topic,
             agent.presence.will(), agent.remote.topics),
            now_ms)

    def _note_old_address(self):
        if self._agent.names.trouble:
            self._agent.trail.note(trail.WARNING, "address of before used",
                                   why=self._agent.names.trouble.replace(" ", "-"))
