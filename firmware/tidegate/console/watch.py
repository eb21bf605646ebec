"""What the console notes of the agent as it goes by: phases of a session, the last failure."""

from tidegate.limits import SAMPLE_PERIOD_MS, TICKS_MASK_MS
from tidegate.link import session


class Watch:
    """Looks on, once a turn.

    Arguments: agent, whose parts are there once it steps; ports; now_ms.
    Members: cause and failed_phase of the last session or attempt that ended, "" while one stands
    or none has ended; phases_ms, {phase name: ms} of the last set-up; sampled_ms, when the source
    last gave a sample.
    """

    def __init__(self, agent, ports, now_ms):
        self._agent = agent
        self._ports = ports
        self._phase = session.IDLE
        self._phase_ms = self._looked_ms = self.sampled_ms = self._echoed_ms = now_ms
        self._sampled_count = self._echo_count = 0
        self._up_total_ms = self._down_total_ms = 0
        self._ping = None
        self.cause = self.failed_phase = ""
        self.phases_ms = {}

    def step(self, now_ms):
        """A turn has passed."""
        phase = self._agent.session.phase
        if phase != self._phase:
            if phase == session.RESOLVE or self._phase == session.IDLE:
                self.phases_ms = {}
            if session.IDLE < self._phase < session.UP:
                passed_ms = (now_ms - self._phase_ms) & TICKS_MASK_MS
                self.phases_ms[session.PHASE_NAMES[self._phase]] = passed_ms
            if phase == session.UP:
                self.cause = self.failed_phase = ""
                self._up_total_ms = self._agent.monotonic.total_ms(now_ms)
            self._phase, self._phase_ms = phase, now_ms
        if (now_ms - self._looked_ms) & TICKS_MASK_MS >= SAMPLE_PERIOD_MS:
            self._look(now_ms)

    def _look(self, now_ms):
        self._looked_ms = now_ms
        counters = self._agent.counters
        if counters.sampled != self._sampled_count:
            self._sampled_count, self.sampled_ms = counters.sampled, now_ms
        if counters.echoes != self._echo_count:
            self._echo_count, self._echoed_ms = counters.echoes, now_ms

    def down(self, phase, cause, now_ms):
        """A session or an attempt has ended."""
        self.cause, self.failed_phase = cause, session.PHASE_NAMES[phase]
        if phase == session.UP:
            self._down_total_ms = self._agent.monotonic.total_ms(now_ms)
        self._ping = None

    def since_s(self, now_ms):
        """Seconds since the session came up, or since there is none."""
        is_up = self._agent.session.phase == session.UP
        then_ms = self._up_total_ms if is_up else self._down_total_ms
        return (self._agent.monotonic.total_ms(now_ms) - then_ms) // 1_000

    def up_s(self, now_ms):
        """Seconds for which the session stands, 0 while there is none."""
        return self.since_s(now_ms) if self._agent.session.phase == session.UP else 0

    def silent_s(self, now_ms):
        """Seconds since the last sample of the source."""
        return ((now_ms - self.sampled_ms) & TICKS_MASK_MS) // 1_000

    def echo_s(self, now_ms):
        """Seconds since the receiver last confirmed, None where it never has."""
        if not self._echo_count:
            return None
        return ((now_ms - self._echoed_ms) & TICKS_MASK_MS) // 1_000

    def is_linked(self):
        """Whether the own link is there."""
        return self._ports.network.is_up()

    def is_spool_aside(self):
        """Whether the flash is not used, because of what stands there."""
        return self._agent.spool.flash is not self._ports.flash

    def backlog_count(self, log_index):
        """How many observations an outage or a reboot has left behind, of those unconfirmed."""
        for track in self._agent.uplink.tracks:
            if track.is_backlog and track.log_index == log_index and track.limit:
                return track.cursor.log.ranges.missing_count(1, track.limit - 1)
        return 0

    # A publish whose way to the server and back is measured.

    def ping(self, topic, payload, now_ms):
        """Send it. Result: whether it could be sent."""
        link = self._agent.session
        if not link.can_publish(len(payload)):
            return False
        self._ping = [link.publish(topic, payload, False, now_ms), now_ms, None]
        return True

    def on_puback(self, packet_id, now_ms):
        """The server confirmed a publish."""
        if self._ping is not None and self._ping[0] == packet_id and self._ping[2] is None:
            self._ping[2] = (now_ms - self._ping[1]) & TICKS_MASK_MS

    def pong_ms(self):
        """What it took, None while nothing came back."""
        return self._ping[2] if self._ping else None
