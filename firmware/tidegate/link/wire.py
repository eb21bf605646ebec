"""The wire: what umqtt.simple takes for its socket.

Outwards it gathers the many small writes of one packet, so that a packet is one send. Inwards
it hands out complete packets only. No call into umqtt.simple can block, because every read is
served from memory: from a packet that is already here, or from an answer laid ready. Of a publish
that is larger than the buffer the payload is dropped as it comes.
"""

from tidegate.errors import LinkError
from tidegate.limits import (
    PAYLOAD_BYTES_MAX, RX_BYTES_MAX, SKIPPED_BYTES_MAX, TX_BYTES_MAX, TX_KEPT_BYTES,
)
from tidegate.link import causes
from tidegate.link.codec import PUBLISH

_LENGTH_BYTES_MAX = 4


class Wire:
    """Buffers between umqtt.simple and a Stream; see `hal.ports.Stream`.

    Argument: tx_bytes, room for what goes out.
    Members to read: dropped_bytes, bytes of its payload that the packet of `next_packet` has lost;
    payload_room, where a payload may be made while there is room to publish the largest one: then
    nothing that waits stands there, and the publish moves it to where it belongs.
    """

    def __init__(self, tx_bytes=TX_BYTES_MAX):
        self._tx = bytearray(tx_bytes)
        self._rx = bytearray(RX_BYTES_MAX)
        self._tx_view = memoryview(self._tx)
        self._rx_view = memoryview(self._rx)
        self.payload_room = self._tx_view[tx_bytes - PAYLOAD_BYTES_MAX:]
        self.attach(None)

    def attach(self, stream):
        """Start afresh on a Stream."""
        self.stream = stream
        self._tx_start = self._tx_end = self._rx_start = self._rx_end = 0
        self._at = self._packet_end = 0
        self._skipped_bytes = self.dropped_bytes = 0
        self.lay_answer(b"")

    def detach(self):
        """Close the stream, if there is one."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    # What umqtt.simple calls.

    def connect(self, address):
        """Nothing: the stream is connected already."""

    def settimeout(self, seconds):
        """Nothing: this socket never waits."""

    def setblocking(self, flag):
        """Nothing: this socket never waits."""

    def close(self):
        """Nothing: the session closes the stream once its last bytes are out."""

    def write(self, data, count=None):
        """Take a piece of a packet."""
        count = len(data) if count is None else count
        end = self._tx_end + count
        if end > len(self._tx) and self._tx_start:
            end -= self._tx_start
            self._tx[:self._tx_end - self._tx_start] = self._tx[self._tx_start:self._tx_end]
            self._tx_start, self._tx_end = 0, end - count
        if end > len(self._tx):
            raise LinkError(causes.PROTOCOL, "packet above %d bytes" % len(self._tx))
        if count == len(data):
            self._tx[self._tx_end:end] = data
        else:
            for at in range(count):
                self._tx[self._tx_end + at] = data[at]
        self._tx_end = end
        return count

    def read(self, count):
        """Serve from the answer laid ready, else from the packet being decoded."""
        at = self._answer_at
        if at < len(self._pieces):
            piece = self._pieces[at]
            if len(piece) == count:
                self._answer_at = at + 1
                return piece
            self.lay_answer(b"".join(self._pieces[at:]))
            at = 0
        if at < len(self._answer):
            self._answer_at = at + count
            return self._answer[at:at + count]
        if self._at + count > self._packet_end:
            raise LinkError(causes.PROTOCOL, "packet shorter than its fields")
        data = bytes(self._rx_view[self._at:self._at + count])
        self._at += count
        return data

    # What the session calls.

    def lay_answer(self, data):
        """Have the next reads return `data`: the answer umqtt.simple would wait for."""
        self._answer, self._pieces = data, ()
        self._answer_at = 0

    def lay_pieces(self, pieces):
        """The same, in the pieces in which it will be read, so that a read makes no new one."""
        self._answer, self._pieces = b"", pieces
        self._answer_at = 0

    def room_bytes(self):
        """How large a packet can be written now; PUBACK and PINGREQ have room of their own."""
        if self._tx_start == self._tx_end:
            self._tx_start = self._tx_end = 0
        return len(self._tx) - TX_KEPT_BYTES - self._tx_end

    def free_bytes(self):
        """How many bytes more the buffer could hold, those for PUBACK and PINGREQ among them."""
        return len(self._tx) - self.pending_bytes()

    def pending_bytes(self):
        """How many bytes wait to be sent."""
        return self._tx_end - self._tx_start

    def flush(self):
        """Send what waits, as far as the system takes it. Result: whether bytes went out."""
        if self._tx_start == self._tx_end:
            return False
        count = self.stream.send(self._tx_view[self._tx_start:self._tx_end])
        self._tx_start += count
        return count > 0

    def fill(self):
        """Take what has arrived. Result: number of bytes. Errors: LinkError at the end."""
        if self._rx_start:
            count = self._rx_end - self._rx_start
            if count:
                self._rx_view[:count] = self._rx_view[self._rx_start:self._rx_end]
            self._rx_start, self._rx_end = 0, count
        if self._rx_end == RX_BYTES_MAX:
            return 0
        room = self._rx_view[self._rx_end:] if self._rx_end else self._rx_view
        count = self.stream.receive_into(room)
        if count == 0:
            raise LinkError(causes.CLOSED_BY_PEER)
        self._rx_end += count or 0
        return count or 0

    def next_packet(self):
        """First byte of the next complete packet, which `read` then serves; 0 if none is here.

        A publish that is larger than the buffer, up to SKIPPED_BYTES_MAX, is handed out without
        its payload once all of it has come.
        Errors: LinkError for another packet that is larger, or one that starts with 0.
        """
        start = self._rx_start
        length = 0
        if start < self._rx_end and not self._rx[start]:
            raise LinkError(causes.PROTOCOL, "packet of type 0")
        for i in range(_LENGTH_BYTES_MAX):
            if start + 1 + i >= self._rx_end:
                return 0
            byte = self._rx[start + 1 + i]
            length |= (byte & 0x7F) << (7 * i)
            if not byte & 0x80:
                break
        else:
            raise LinkError(causes.PROTOCOL, "remaining length of more than 4 bytes")
        end = start + 2 + i + length
        if end - start > RX_BYTES_MAX:
            return self._skip(start + 2 + i, end)
        if end > self._rx_end:
            return 0
        self.dropped_bytes = 0
        return self._found(start, end)

    def _found(self, start, end):
        self._at, self._packet_end = start, end
        self._rx_start = end
        return self._rx[start]

    def _skip(self, fields, end):
        """Drop what is here of the payload of a publish that begins at _rx_start.

        Arguments: fields, where those behind its length begin; end, where it would end if there
        were room. Result as of `next_packet`.
        """
        start = self._rx_start
        first = self._rx[start]
        if first & 0xF4 != PUBLISH or end - start > SKIPPED_BYTES_MAX:
            raise LinkError(causes.PROTOCOL, "packet of %d bytes" % (end - start))
        if self._rx_end < fields + 2:
            return 0
        # Behind the topic stands the packet id, where the QoS is 1.
        head_end = fields + 2 + (self._rx[fields] << 8 | self._rx[fields + 1]) + (first & 2)
        if head_end > end or head_end - start >= RX_BYTES_MAX:
            raise LinkError(causes.PROTOCOL, "topic that does not fit")
        here = self._rx_end - head_end
        left = end - head_end - self._skipped_bytes
        if here < left:
            if here > 0:
                self._skipped_bytes += here
                self._rx_end = head_end
            return 0
        # What is left of it moves up to what follows, and its length is made to fit.
        length = head_end - fields
        self._rx_view[start + left:head_end + left] = self._rx_view[start:head_end]
        for at in range(start + left + 1, fields + left):
            self._rx[at] = length & 0x7F | 0x80
            length >>= 7
        self._rx[fields + left - 1] &= 0x7F
        self.dropped_bytes, self._skipped_bytes = self._skipped_bytes + left, 0
        return self._found(start + left, head_end + left)

    def packet(self):
        """The packet `next_packet` found, without its first byte and its length byte."""
        return self._rx_view[self._at + 2:self._packet_end]

    def packet_id(self):
        """The packet id of that packet, where it holds nothing else; -1 where it is another."""
        at = self._at + 2
        return self._rx[at] << 8 | self._rx[at + 1] if at + 2 == self._packet_end else -1
