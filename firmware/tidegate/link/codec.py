"""umqtt.simple as the MQTT codec: it makes our packets and takes incoming publishes apart.

umqtt.simple waits for the answer to CONNECT, SUBSCRIBE and PUBLISH inside the call. Here an
answer is laid ready before each call, so that the packet is only written; the true answers are
read from the wire when they come. Works with 1.3.4 (2017) and 1.8.0 (2026) unchanged.
"""

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 0x20, 0x30, 0x40, 0x90, 0xD0


class Codec:
    """Packets of one session at a time.

    Arguments: simple, the module umqtt.simple, whose sockets become the wire; wire;
    on_message(topic, payload), called for each incoming publish: it may only take note.
    """

    def __init__(self, simple, wire, on_message):
        self._simple = simple
        self._wire = wire
        self._on_message = on_message
        self._client = None
        self._packet_id = bytearray(2)
        self._puback = (bytes((PUBACK,)), b"\x02", self._packet_id)

    # The two members of the socket module that umqtt.simple uses.

    def socket(self, *_):
        """The wire."""
        return self._wire

    def getaddrinfo(self, *_):
        """No lookup: the stream is connected already."""
        return ((0, 0, 0, "", None),)

    def connect(self, identity, keep_alive_s, will_topic, will):
        """Write CONNECT, clean session; all but the keep-alive are bytes.

        Argument: identity, (client id, user, password), the last two None for none.
        """
        client_id, user, password = identity
        client = self._simple.MQTTClient(client_id, "", 1, user, password, keep_alive_s)
        client.set_callback(self._on_message)
        client.set_last_will(will_topic, will, True, 1)
        self._wire.lay_answer(b"\x20\x02\x00\x00")
        # For each connect anew: the sessions of one process share the module.
        self._simple.socket = self
        client.connect(True)
        self._client = client

    def subscribe(self, topic, packet_id):
        """Write SUBSCRIBE for QoS 1. Argument: topic, bytes."""
        self._client.pid = packet_id - 1
        self._wire.lay_answer(bytes((SUBACK, 3, packet_id >> 8, packet_id & 0xFF, 1)))
        self._client.subscribe(topic, 1)

    def publish(self, topic, payload, retain, packet_id):
        """Write PUBLISH for QoS 1. Arguments: topic and payload, bytes."""
        self._client.pid = packet_id - 1
        self._packet_id[0], self._packet_id[1] = packet_id >> 8, packet_id & 0xFF
        self._wire.lay_pieces(self._puback)
        self._client.publish(topic, payload, retain, 1)

    def ping(self):
        """Write PINGREQ."""
        self._client.ping()

    def disconnect(self):
        """Write DISCONNECT."""
        self._client.disconnect()

    def receive(self):
        """Take apart the PUBLISH that is next on the wire; its PUBACK is written."""
        self._client.wait_msg()
