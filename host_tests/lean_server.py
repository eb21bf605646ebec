"""An MQTT server and receiver in one that keeps nothing: memory that grows is the agent's.

Portable. It confirms each publish, and echoes each batch of codec `json` as committed.
"""

_CONNECT, _PUBLISH, _SUBSCRIBE, _PINGREQ = 0x10, 0x30, 0x80, 0xC0
_BUFFER_BYTES = 4_096


class LeanServer:
    """The port Network, and its only stream. Argument: world, with wait(wait_ms, is_ready).

    `up` may be set at any time: while it is not, sessions are cut and connections refused.
    """

    def __init__(self, world):
        self._world = world
        self.up = True
        self._is_open = self._stands = False
        self._rest = b""
        self._inbox = bytearray(_BUFFER_BYTES)
        self._size = 0
        self._packet_id = 0
        self.batch_count = 0

    # Network.

    def is_up(self):
        return True

    def name_servers(self):
        return ()

    def datagrams(self):
        raise AssertionError("the address is a number")

    def open(self, address):
        if not self.up:
            raise OSError(111)
        self._is_open, self._stands, self._rest, self._size = True, False, b"", 0
        return self

    def wait(self, stream, writing, wait_ms):
        self._world.wait(wait_ms, stream is not None and (self._size > 0 or not self.up))

    # Stream.

    def is_connected(self):
        return True

    def receive_into(self, buffer):
        if not self.up:
            return 0
        count = min(len(buffer), self._size)
        if not count:
            return None
        buffer[:count] = memoryview(self._inbox)[:count]
        self._inbox[: self._size - count] = self._inbox[count : self._size]
        self._size -= count
        return count

    def send(self, data):
        if not self.up:
            raise OSError(104)
        data = self._rest + bytes(data)
        at = 0
        while len(data) - at >= 2:
            length, shift, body = 0, 0, at + 1
            while body < len(data):
                length |= (data[body] & 0x7F) << shift
                shift += 7
                body += 1
                if data[body - 1] < 0x80:
                    break
            if body + length > len(data):
                break
            self._take(data[at], data[body : body + length])
            at = body + length
        taken, self._rest = len(data) - len(self._rest), data[at:]
        return taken

    def close(self):
        self._is_open = self._stands = False

    # Server.

    def stands(self):
        """Whether there is a session."""
        return self._is_open and self._stands and self.up

    def deliver(self, topic, payload):
        """Publish to the device."""
        self._packet_id = self._packet_id % 65_535 + 1
        size = 2 + len(topic) + 2 + len(payload)
        head = bytes((0x32, size & 0x7F | (0x80 if size > 0x7F else 0)))
        if size > 0x7F:
            head += bytes((size >> 7,))
        self._put(head + bytes((0, len(topic))) + topic
                  + bytes((self._packet_id >> 8, self._packet_id & 0xFF)) + payload)

    def _put(self, data):
        assert self._size + len(data) <= _BUFFER_BYTES, "the device does not read"
        self._inbox[self._size : self._size + len(data)] = data
        self._size += len(data)

    def _take(self, first, body):
        kind = first & 0xF0
        if kind == _CONNECT:
            self._put(b"\x20\x02\x00\x00")
        elif kind == _SUBSCRIBE:
            self._put(b"\x90\x03" + body[:2] + b"\x01")
            self._stands = True
        elif kind == _PINGREQ:
            self._put(b"\xd0\x00")
        elif kind == _PUBLISH:
            end = 2 + body[1]
            self._put(b"\x40\x02" + body[end : end + 2])
            self._echo(body[2:end], body[end + 2 :])

    def _echo(self, topic, payload):
        """What the batch holds is committed: all up to it, since it keeps no holes."""
        kind = topic.rsplit(b"/", 1)[1]
        if kind not in (b"live", b"history", b"records") or b'"snapshot"' in payload:
            return
        self.batch_count += 1
        log = b"records" if kind == b"records" else b"telemetry"
        first = _number(payload, payload.find(b'"seq":') + 6)
        last = payload.rfind(b"],[") + 3
        if last < 3:
            last = payload.find(b'"obs":[[') + 8
        last = first + (_number(payload, last) if last >= 8 else -1)
        store = payload.find(b'"store":"') + 9
        confirm = topic[: -len(kind)] + b"confirm"
        self.deliver(confirm, b'{"store":"%s","log":"%s","upto":0,"ahead":[[%d,%d]]}' % (
            payload[store : store + 16], log, first, last))


def _number(data, at):
    end = at
    while 48 <= data[end] <= 57:
        end += 1
    return int(data[at:end])
