"""When and where the next session is opened, and what is told of those that ended."""

from tidegate.diag import trail
from tidegate.diag.outage import Outage
from tidegate.link import causes, session
from tidegate.link.backoff import ACTION_NAMES
from tidegate.observe.catalogue import OUTAGE_ID

# In the place of the index of the server that the last session stood with.
_NOWHERE, _ELSEWHERE = -1, -2


class Reconnect:
    """Joins `link.backoff` and `link.endpoints` with the session they are for.

    Arguments: agent, whose session, backoff, endpoints and uplink are there; network, the port;
    configuration, checked.
    """

    def __init__(self, agent, network, configuration):
        self._agent = agent
        self._network = network
        self._configuration = configuration
        self.adopt()
        self._outage = Outage(0)
        self._was_linked = True
        self._up_at = _NOWHERE
        now_ms = agent.monotonic.now_ms
        agent.backoff.start(now_ms)
        agent.endpoints.lost(agent.backoff.period_ms, now_ms)

    def adopt(self):
        """The configuration names other servers, from the next attempt on: what it meets there
        does not know the live picture."""
        configuration = self._configuration
        is_secure = configuration["tls"] != "off"
        self._servers = ((configuration["host"], configuration["port"], is_secure),)
        self._up_at = _ELSEWHERE

    def step(self, now_ms):
        """Follow the own link; open a session, or leave one for another server, if it is time."""
        agent = self._agent
        self._follow_link(now_ms)
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
        agent.endpoints.up(now_ms)
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
            wait_ms = backoff.failed(causes.outcome(cause), now_ms)
            if causes.outcome(cause) != causes.MOVED or not endpoints.moved():
                endpoints.failed(now_ms)
        if session.RESOLVE < phase < session.UP:
            self._note_old_address()
        level = trail.INFO if cause in (causes.ENDED, causes.RENEWED) else trail.WARNING
        agent.trail.note(level, "session lost" if was_up else "attempt failed",
                         phase=session.PHASE_NAMES[phase], cause=cause.replace(" ", "-"),
                         attempt=attempt_count, action=ACTION_NAMES[backoff.action],
                         window_ms=backoff.window_ms, wait_ms=wait_ms)

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
        known = agent.clock.utc_ms()
        identity = agent.profile.identity(known[0] // 1_000 if known else 0, now_ms)
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
