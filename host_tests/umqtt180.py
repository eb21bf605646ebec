"""A stand-in for umqtt.simple 1.8.0: the shape of its interface, as far as the agent meets it.

Where it differs from 1.3.4: `connect` takes a timeout, which it sets on the socket before it
connects; `ssl` is a context that wraps with the server's name; an empty user counts as none;
`unsubscribe` exists; a subscription's length may take more than one byte. Everything else works
as umqtt.simple does: small writes, an answer awaited inside the call, `setblocking(True)` on
each message that is awaited.
"""

import socket
import struct


class MQTTException(Exception):
    pass


class MQTTClient:
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=None):
        self.client_id = client_id
        self.server = server
        self.port = port or (8883 if ssl else 1883)
        self.user = user
        self.pswd = password
        self.keepalive = keepalive
        self.ssl = ssl
        self.sock = None
        self.pid = 0
        self.cb = None
        self.will = None

    def set_callback(self, function):
        self.cb = function

    def set_last_will(self, topic, msg, retain=False, qos=0):
        assert 0 <= qos <= 2
        assert topic
        self.will = (topic, msg, retain, qos)

    def connect(self, clean_session=True, timeout=None):
        self.sock = socket.socket()
        self.sock.settimeout(timeout)
        self.sock.connect(socket.getaddrinfo(self.server, self.port)[0][-1])
        if self.ssl:
            self.sock = self.ssl.wrap_socket(self.sock, server_hostname=self.server)
        flags = 2 if clean_session else 0
        fields = [self.client_id]
        if self.will:
            topic, msg, retain, qos = self.will
            flags |= 0x04 | qos << 3 | (0x20 if retain else 0)
            fields += [topic, msg]
        if self.user:
            flags |= 0xC0
            fields += [self.user, self.pswd]
        self.sock.write(b"\x10")
        self._length(10 + sum(2 + len(field) for field in fields))
        self.sock.write(b"\x00\x04MQTT\x04" + struct.pack("!BH", flags, self.keepalive))
        for field in fields:
            self._string(field)
        answer = self.sock.read(4)
        assert answer[0] == 0x20 and answer[1] == 2
        if answer[3]:
            raise MQTTException(answer[3])
        return answer[2] & 1

    def disconnect(self):
        self.sock.write(b"\xe0\x00")
        self.sock.close()

    def ping(self):
        self.sock.write(b"\xc0\x00")

    def publish(self, topic, msg, retain=False, qos=0):
        self.sock.write(bytes((0x30 | qos << 1 | (1 if retain else 0),)))
        self._length(2 + len(topic) + (2 if qos else 0) + len(msg))
        self._string(topic)
        if qos:
            self.pid += 1
            self.sock.write(struct.pack("!H", self.pid))
        self.sock.write(msg)
        if qos:
            assert qos == 1
            while True:
                if self.wait_msg() == 0x40:
                    assert self.sock.read(1) == b"\x02"
                    if self.sock.read(2) == struct.pack("!H", self.pid):
                        return

    def subscribe(self, topic, qos=0):
        assert self.cb is not None
        self._about_topic(0x82, topic, bytes((qos,)))
        answer = self._awaited(0x90, 4)
        if answer[3] == 0x80:
            raise MQTTException(answer[3])

    def unsubscribe(self, topic):
        self._about_topic(0xA2, topic, b"")
        self._awaited(0xB0, 3)

    def wait_msg(self):
        first = self.sock.read(1)
        self.sock.setblocking(True)
        if first is None:
            return None
        if first == b"":
            raise OSError(-1)
        if first == b"\xd0":
            assert self.sock.read(1) == b"\x00"
            return None
        if first[0] & 0xF0 != 0x30:
            return first[0]
        length, shift = 0, 0
        while True:
            digit = self.sock.read(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                break
        topic_length = struct.unpack("!H", self.sock.read(2))[0]
        topic = self.sock.read(topic_length)
        length -= topic_length + 2
        if first[0] & 6:
            packet_id = self.sock.read(2)
            length -= 2
        self.cb(topic, self.sock.read(length))
        if first[0] & 6 == 2:
            self.sock.write(b"\x40\x02" + packet_id)
        elif first[0] & 6 == 4:
            raise AssertionError
        return first[0]

    def check_msg(self):
        self.sock.setblocking(False)
        return self.wait_msg()

    def _about_topic(self, first, topic, tail):
        self.pid += 1
        self.sock.write(bytes((first,)))
        self._length(2 + 2 + len(topic) + len(tail))
        self.sock.write(struct.pack("!H", self.pid))
        self._string(topic)
        self.sock.write(tail)

    def _awaited(self, kind, count):
        while True:
            if self.wait_msg() == kind:
                answer = self.sock.read(count)
                assert answer[1] << 8 | answer[2] == self.pid
                return answer

    def _length(self, length):
        while length > 0x7F:
            self.sock.write(bytes((length & 0x7F | 0x80,)))
            length >>= 7
        self.sock.write(bytes((length,)))

    def _string(self, data):
        self.sock.write(struct.pack("!H", len(data)))
        self.sock.write(data)
