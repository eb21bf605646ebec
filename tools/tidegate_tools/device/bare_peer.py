"""Network, keep and broker in one, for scripts that count what others keep of the heap."""

_KEPT_RANGE_COUNT = 16
_ZERO = 0x30


def _find(data, pattern, start, end):
    """Where `pattern` begins in `data`; -1 where it does not. Takes nothing of the heap."""
    size, first = len(pattern), pattern[0]
    for at in range(start, end - size + 1):
        if data[at] == first:
            same = 1
            while same < size and data[at + same] == pattern[same]:
                same += 1
            if same == size:
                return at
    return -1


def _number(data, at):
    """The digits that begin there."""
    value = 0
    while _ZERO <= data[at] <= _ZERO + 9:
        value = value * 10 + data[at] - _ZERO
        at += 1
    return value


class EchoPeer:
    """A broker that takes all, with a receiver behind it that echoes each batch of codec json.

    It has the members of the ports network, stream and keep that the agent asks for; `is_owing`
    says whether something waits to be read.
    """

    def __init__(self, device_id):
        self._confirm_topic = ("tidegate/1/%s/confirm" % device_id).encode()
        self._owed = b""
        self._stored = {"telemetry": [], "records": []}
        self.up = True
        self.batch_count = self.open_count = 0

    def load(self, _name):
        """Nothing was kept."""
        return b""

    def save(self, _name, _record):
        """It is durable."""
        return True

    def is_up(self):
        """The own link."""
        return self.up

    def name_servers(self):
        """None: the server is a number."""
        return []

    def datagrams(self):
        """Nobody answers one."""
        raise OSError(101)

    def open(self, _address):
        """This."""
        self.open_count += 1
        self._owed = b""
        return self

    def is_connected(self):
        """Always."""
        return True

    def close(self):
        """Nothing to give back."""

    def is_owing(self):
        """Whether bytes wait."""
        return bool(self._owed)

    def send(self, data):
        """Take whole packets, which is how the wire gives them."""
        if not self.up:
            raise OSError(104)
        at = 0
        while at < len(data):
            kind, flags, end, shift, length = data[at] & 0xF0, data[at] & 6, at + 1, 0, 0
            while True:
                byte = data[end]
                length |= (byte & 0x7F) << shift
                shift += 7
                end += 1
                if not byte & 0x80:
                    break
            at = end + length
            self._take(kind, flags, data, end, at)
        return at

    def receive_into(self, buffer):
        """What is owed."""
        if not self.up:
            raise OSError(104)
        count = min(len(buffer), len(self._owed))
        if not count:
            return None
        buffer[:count] = self._owed[:count]
        self._owed = self._owed[count:]
        return count

    def _take(self, kind, flags, data, start, end):
        if kind == 0x10:
            self._owed += b"\x20\x02\x00\x00"
        elif kind == 0x80:
            self._owed += bytes((0x90, 3, data[start], data[start + 1], 1))
        elif kind == 0xC0:
            self._owed += b"\xd0\x00"
        elif kind == 0x30:
            at = start + 2 + (data[start] << 8 | data[start + 1])
            if flags:
                self._owed += bytes((0x40, 2, data[at], data[at + 1]))
            seq_at = _find(data, b'"seq":', at, end)
            obs_at = _find(data, b'"obs":[[', at, end)
            if seq_at > 0 and obs_at > 0 and _find(data, b'"snapshot"', at, end) < 0:
                self._echo(data, at, end, _number(data, seq_at + 6), obs_at + 8)

    def _echo(self, data, start, end, first, obs_at):
        last = first
        while obs_at > 0:
            last = first + _number(data, obs_at)
            obs_at = _find(data, b"],[", obs_at, end)
            obs_at = obs_at + 3 if obs_at > 0 else -1
        is_records = _find(data, b'"records"', start, end) > 0
        log = "records" if is_records else "telemetry"
        ranges = self._stored[log]
        ranges.append((first, last))
        ranges.sort()
        at = 1
        while at < len(ranges):
            if ranges[at][0] <= ranges[at - 1][1] + 1:
                ranges[at - 1] = (ranges[at - 1][0], max(ranges[at - 1][1], ranges.pop(at)[1]))
            else:
                at += 1
        at = _find(data, b'"store":"', start, end) + 9
        is_whole = ranges[0][0] == 1
        ahead = ",".join("[%d,%d]" % each for each in ranges[is_whole:][:_KEPT_RANGE_COUNT])
        text = '{"store":"%s","log":"%s","upto":%d,"ahead":[%s]}' % (
            str(bytes(data[at:at + 16]), "ascii"), log, ranges[0][1] if is_whole else 0, ahead)
        body = self._confirm_topic + text.encode()
        size = 2 + len(body)
        self.batch_count += 1
        self._owed += (bytes((0x30, size & 0x7F | 0x80, size >> 7, 0, len(self._confirm_topic)))
                       + body)
