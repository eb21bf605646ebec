"""One MQTT session at a time: phases, liveness, packets in flight. No step ever blocks."""

from tidegate.errors import LinkError
from tidegate.limits import (
    AZURE_TOPIC_BYTES_MAX, CONNACK_MS_MAX, CONNECT_MS_MAX, HANDSHAKE_MS_MAX, PACKET_ID_MAX,
    PINGRESP_MS_MIN, RESOLVE_MS_MAX, SUBACK_MS_MAX, TICKS_MASK_MS, TURN_WAIT_MS_MAX, TX_BYTES_MAX,
    UNCONFIRMED_MS_MAX, WINDOW_COUNT_MAX,
)
from tidegate.link import causes, codec
from tidegate.link.wire import Wire

IDLE, RESOLVE, CONNECT, SECURE, CONNACK, SUBSCRIBE, UP = range(7)
PHASE_NAMES = ("idle", "resolve", "connect", "secure", "connack", "subscribe", "up")
# Phase: its budget in ms, and the cause when it overruns.
BUDGETS = {
    RESOLVE: (RESOLVE_MS_MAX, causes.DNS_TIMEOUT),
    CONNECT: (CONNECT_MS_MAX, causes.CONNECT_TIMEOUT),
    SECURE: (HANDSHAKE_MS_MAX, causes.HANDSHAKE_TIMEOUT),
    CONNACK: (CONNACK_MS_MAX, causes.CONNACK_TIMEOUT),
    SUBSCRIBE: (SUBACK_MS_MAX, causes.SUBACK_TIMEOUT),
}
_PACKET_OVERHEAD_BYTES = 9
_PACKETS_PER_STEP = 16
# Room for an answer, a ping and a goodbye.
_LAST_BYTES = 16


class Session:
    """Brings a session up, keeps it, and says why it ended.

    Arguments: network, the port; resolver, see `link.resolver`; profile, of `link.profiles`;
    simple, the module umqtt.simple; handler, an object with on_up(now_ms),
    on_down(phase, cause, now_ms), on_message(topic, payload, now_ms), on_puback(packet_id, now_ms)
    and on_oversized(topic, payload_bytes, now_ms) for a message larger than the buffer.
    Members: patience_ms, how long a server that took the connection may take over TLS and
    CONNACK each, 0 for the usual budgets.
    """

    def __init__(self, network, resolver, profile, simple, handler):
        self._network = network
        self._resolver = resolver
        self._profile = profile
        self._handler = handler
        self.wire = Wire(TX_BYTES_MAX - AZURE_TOPIC_BYTES_MAX + profile.topic_bytes_max)
        self._codec = codec.Codec(simple, self.wire, self._take_message)
        self._message = None
        self._in_flight = {}
        self._packet_id = 0
        self._window_count = WINDOW_COUNT_MAX
        self._is_leaving = False
        self._phase_ms = self._received_ms = self._sent_ms = self._pinged_ms = self._asked_ms = 0
        self._keep_alive_ms = 0
        self._server, self._address, self._request = None, None, None
        self.patience_ms = 0
        self.phase = IDLE
        # Taken as a value once: each time would leave garbage.
        self._work_each_step = self._work

    def open(self, server, request, now_ms):
        """Begin an attempt.

        Arguments: server, (host, port, whether with TLS); request, (identity, keep_alive_s,
        will topic, will, topics to subscribe to) with identity (client id, user, password); all
        of them bytes, user and password None for none.
        """
        self._server, self._request = server, request
        self._keep_alive_ms = request[1] * 1_000
        self._in_flight.clear()
        self._is_leaving = False
        self._enter(RESOLVE, now_ms)

    def close(self, now_ms):
        """End the session in order; what the system does not take at once is dropped."""
        if self.phase == UP:
            self._guard(self._say_goodbye, now_ms)
        if self.phase != IDLE:
            self._fail(causes.ENDED, now_ms)

    def wants_to_write(self):
        """Whether the stream is to be watched for writing: bytes wait, or it is connecting."""
        return self.phase == CONNECT or self.wire.pending_bytes() > 0

    def stream(self):
        """What to wait on, see `hal.ports.Network.wait`; None where there is none."""
        return self._resolver.datagrams if self.phase == RESOLVE else self.wire.stream

    def can_publish(self, payload_bytes):
        """Whether a publish of that size can be written now.

        After a session that ended with a publish unconfirmed there is one in flight at first,
        and one more with each confirmation.
        """
        if self._window_count < WINDOW_COUNT_MAX and len(self._in_flight) >= self._window_count:
            return False
        size = _PACKET_OVERHEAD_BYTES + self._profile.topic_bytes_max + payload_bytes
        return self.phase == UP and not self._is_leaving and self.wire.room_bytes() >= size

    def publish(self, topic, payload, retain, now_ms, key=None):
        """Write one publish, QoS 1; `can_publish` was True. Result: its packet id.

        Arguments: topic, a generic one; key, see `link.profiles.Generic.outward`.
        """
        profile = self._profile
        return self._write(profile.outward(topic, key), payload, retain and profile.retains,
                           now_ms)

    def _write(self, topic, payload, retain, now_ms):
        packet_id = self._next_packet_id()
        self._codec.publish(topic, payload, retain, packet_id)
        self._in_flight[packet_id] = now_ms
        return packet_id

    def step(self, now_ms):
        """Bounded work on whatever phase this is."""
        self._resolver.tend(now_ms)
        if self.phase != IDLE:
            self._guard(self._work_each_step, now_ms)

    def _guard(self, work, now_ms):
        """Any failure of the stream, the peer or umqtt.simple ends the session with its cause."""
        try:
            work(now_ms)
        except LinkError as error:
            self._fail(error.cause, now_ms)
        except OSError as error:
            self._fail(causes.of_os_error(error, self.phase <= CONNECT), now_ms)
        except (ValueError, IndexError, TypeError, AssertionError):
            self._fail(causes.PROTOCOL, now_ms)

    def _say_goodbye(self, now_ms):
        self._codec.disconnect()
        if self.wire.flush():
            self._sent_ms = now_ms

    def _work(self, now_ms):
        if self.phase == RESOLVE:
            host, port, _ = self._server
            number = self._resolver.resolve(host, now_ms)
            if number is not None:
                self._address = (number, port)
                self._enter(CONNECT, now_ms)
                self.wire.attach(self._network.open(self._address))
        if self.phase == CONNECT and self.wire.stream.is_connected():
            self._greet(now_ms)
        # TLS shakes hands when the first packet is to be sent.
        if self.phase == SECURE and self.wire.flush():
            self._received_ms = self._sent_ms = now_ms
            self._enter(CONNACK, now_ms)
        if self.phase >= CONNACK:
            self._exchange(now_ms)
        self._check_budget(now_ms)

    def _check_budget(self, now_ms):
        if self.phase in BUDGETS:
            budget_ms, cause = BUDGETS[self.phase]
            if self.phase in (SECURE, CONNACK):
                budget_ms = self.patience_ms or budget_ms
            if (now_ms - self._phase_ms) & TICKS_MASK_MS > budget_ms:
                raise LinkError(cause)

    def _greet(self, now_ms):
        """The connection stands: CONNECT, behind the handshake of TLS where that is wanted."""
        identity, keep_alive_s, will_topic, will, _ = self._request
        self._received_ms = self._sent_ms = self._pinged_ms = self._asked_ms = now_ms
        will_topic = self._profile.outward(will_topic)
        self._codec.connect(identity, keep_alive_s, will_topic, will)
        if self._server[2]:
            self._enter(SECURE, now_ms)
            self.wire.stream = self._network.secure(self.wire.stream, self._server[0])
        else:
            self._enter(CONNACK, now_ms)

    def _exchange(self, now_ms):
        if self.wire.fill():
            self._received_ms = now_ms
        for _ in range(_PACKETS_PER_STEP):
            if self.wire.free_bytes() < _LAST_BYTES:
                # A peer that does not read what we answer waits for us, not we for it.
                break
            first = self.wire.next_packet()
            if not first:
                break
            self._dispatch(first, now_ms)
            if self.phase == IDLE:
                return
        if self.phase == UP:
            self._check_liveness(now_ms)
            self._is_leaving = self._profile.is_due(now_ms)
            if self._is_leaving and not self._in_flight:
                self._say_goodbye(now_ms)
                raise LinkError(causes.RENEWED)
        if self.wire.flush():
            self._sent_ms = now_ms

    def _dispatch(self, first, now_ms):
        kind = first & 0xF0
        if kind == codec.CONNACK and self.phase == CONNACK:
            self._on_connack(self.wire.packet()[1], now_ms)
        elif kind == codec.SUBACK and self.phase == SUBSCRIBE:
            self._on_suback(self.wire.packet(), now_ms)
        elif kind == codec.PUBACK and self.wire.packet_id() >= 0:
            packet_id = self.wire.packet_id()
            if self.phase == UP and self._in_flight.pop(packet_id, None) is not None:
                self._window_count = min(self._window_count + 1, WINDOW_COUNT_MAX)
                self._handler.on_puback(packet_id, now_ms)
        elif kind == codec.PUBLISH and self.phase >= SUBSCRIBE and not first & 4:  # QoS 0 or 1
            self._message = None
            self._codec.receive()
            if self._message:
                self._hand_on(self._message[0], self._message[1], now_ms)
        elif kind != codec.PINGRESP:
            raise LinkError(causes.PROTOCOL, "packet 0x%02x in phase %s"
                            % (first, PHASE_NAMES[self.phase]))

    def _hand_on(self, topic, payload, now_ms):
        dropped_bytes = self.wire.dropped_bytes
        told = self._profile.inward(topic, None if dropped_bytes else payload)
        if told and dropped_bytes:
            self._handler.on_oversized(told[0], dropped_bytes, now_ms)
        elif told:
            self._handler.on_message(told[0], told[1], now_ms)

    def _take_message(self, topic, payload):
        self._message = (topic, payload)

    def _on_connack(self, code, now_ms):
        if code:
            raise LinkError(causes.CONNACK_CAUSES.get(code, causes.PROTOCOL))
        for topic in self._profile.subscriptions(self._request[4]):
            packet_id = self._next_packet_id()
            self._codec.subscribe(topic, packet_id)
            self._in_flight[packet_id] = now_ms
        self._enter(SUBSCRIBE, now_ms)

    def _on_suback(self, packet, now_ms):
        self._in_flight.pop(packet[0] << 8 | packet[1], None)
        if packet[2] > 2:
            raise LinkError(causes.SUBACK_REFUSED)
        if not self._in_flight:
            self._enter(UP, now_ms)
            self._resolver.reached(self._server[0], self._address[0])
            for topic in self._profile.questions:
                self._write(topic, b"", False, now_ms)
            self._handler.on_up(now_ms)

    def _check_liveness(self, now_ms):
        """A server that is silent for half of the keep-alive is asked, and left when it has been
        silent for three quarters: by the turn after which it would be later than that."""
        half_ms = self._keep_alive_ms >> 1
        quiet_ms = (now_ms - self._received_ms) & TICKS_MASK_MS
        unasked_ms = (now_ms - self._pinged_ms) & TICKS_MASK_MS
        is_asked = unasked_ms <= quiet_ms
        if (is_asked and quiet_ms >= half_ms + max(half_ms >> 1, PINGRESP_MS_MIN)
                - TURN_WAIT_MS_MAX and (now_ms - self._asked_ms) & TICKS_MASK_MS
                >= PINGRESP_MS_MIN - TURN_WAIT_MS_MAX):
            raise LinkError(causes.SILENT)
        for packet_id in self._in_flight:
            if (now_ms - self._in_flight[packet_id]) & TICKS_MASK_MS > UNCONFIRMED_MS_MAX:
                raise LinkError(causes.UNCONFIRMED)
        unsent_ms = (now_ms - self._sent_ms) & TICKS_MASK_MS
        if max(quiet_ms, unsent_ms) >= half_ms and unasked_ms >= half_ms:
            if not is_asked:
                self._asked_ms = now_ms
            self._pinged_ms = now_ms
            self._codec.ping()

    def _next_packet_id(self):
        """1..65535, never one that is in flight."""
        while True:
            self._packet_id = self._packet_id % PACKET_ID_MAX + 1
            if self._packet_id not in self._in_flight:
                return self._packet_id

    def _enter(self, phase, now_ms):
        self.phase = phase
        self._phase_ms = now_ms

    def _fail(self, cause, now_ms):
        phase = self.phase
        self.phase = IDLE
        self._resolver.cancel()
        if phase in (CONNECT, SECURE) and cause != causes.ENDED:
            self._resolver.failed()
        self.wire.detach()
        self._in_flight.clear()
        if cause == causes.UNCONFIRMED:
            self._window_count = 1
        self._handler.on_down(phase, cause, now_ms)
