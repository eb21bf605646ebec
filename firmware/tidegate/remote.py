"""The desk at which messages of the server arrive, and from which replies go."""

from tidegate.clock.anchor import ESTIMATED
from tidegate.diag import trail
from tidegate.guidance import Guidance
from tidegate.link.profiles import HINT_TOPIC
from tidegate.observe.catalogue import COMMAND_COUNTER_ID, NUMBER, RECORDS
from tidegate.uplink.commands import Commands


class Remote:
    """What `link.session` brings goes to whom it is for; replies go out when they may.

    Arguments: agent, whose verbs, presence and backoff are there; suppressor, which knows the
    last counter that is durable; key, bytes; keep, the port, which may know a hint.
    Members: topics, to subscribe to; verbs, the table for `Commands`; commands; guidance.
    """

    def __init__(self, agent, suppressor, device_id, key, keep):
        self._agent = agent
        self._suppressor = suppressor
        self._row = suppressor.index(COMMAND_COUNTER_ID)
        self.commands = Commands((device_id, agent.uplink.store_id), key, self)
        self._topic, self._reply_topic, self._confirm_topic = [
            ("tidegate/1/%s/%s" % (device_id, name)).encode()
            for name in ("cmd", "reply", "confirm")]
        self.topics = (self._confirm_topic, HINT_TOPIC, self._topic, agent.presence.topic)
        self.verbs = dict(agent.verbs.table)
        # Who asks makes a difference there.
        self.verbs["config"] = (agent.configuring.changes, agent.configuring.ask_by_command)
        self.guidance = Guidance(agent, keep)

    def step(self, now_ms):
        """Send the replies that are due."""
        link = self._agent.session
        reply = self.commands.reply()
        while reply is not None and link.can_publish(len(reply)):
            link.publish(self._reply_topic, reply, False, now_ms)
            self.commands.sent()
            reply = self.commands.reply()
        self.guidance.step(now_ms)

    def take(self, topic, payload, now_ms, oversized_bytes=0):
        """A message of one of the topics; payload None where its oversized_bytes were dropped."""
        agent = self._agent
        is_known = True
        if topic == HINT_TOPIC:
            self.guidance.take(payload, now_ms)
        elif topic == agent.presence.topic:
            agent.presence.see(payload, now_ms)
        elif topic == self._topic:
            self.commands.take(payload, now_ms)
        else:
            is_known = (topic == self._confirm_topic and payload is not None
                        and agent.uplink.on_echo(payload, now_ms))
            if is_known and agent.uplink.told_ms is not None:
                agent.timekeeping.offer(now_ms, agent.uplink.told_ms, ESTIMATED)
        if oversized_bytes:
            agent.counters.messages_oversized += 1
            self._tell("message oversized", topic, oversized_bytes,
                       agent.counters.messages_oversized)
        elif not is_known:
            agent.counters.messages_refused += 1
            self._tell("message refused", topic, len(payload), agent.counters.messages_refused)

    def _tell(self, event, topic, size, count):
        if trail.has_doubled(count - 1, count):
            name = topic.rsplit(b"/", 1)[1].decode() if topic in self.topics else "unknown"
            self._agent.trail.note(trail.WARNING, event, topic=name, size=size, count=count)

    # What `Commands` asks.

    def counter(self):
        """The highest counter of a command that was executed, in this boot or an earlier one."""
        return self._suppressor.value(self._row) or 0

    def keep(self, counter, now_ms):
        """Make a counter durable: as an observation of the records, which the operator sees."""
        seq = self._agent.spool.append(RECORDS, NUMBER, COMMAND_COUNTER_ID, counter, now_ms)
        if seq:
            self._suppressor.recorded(self._row, seq, counter, now_ms)
        return seq > 0
