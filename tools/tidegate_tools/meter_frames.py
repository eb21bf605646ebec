"""A meter's side of SPEC section 9: values into entries, entries into frames, frames into bytes.

Shares no code with the device, which takes them apart again. Pure.
"""

TYPE_VALUES = 1
NUMBER, TEXT, OPAQUE, PART = range(4)
HEAD_BYTES, CRC_BYTES = 10, 3
FRAME_BYTES_MAX = 512
ENTRIES_BYTES_MAX = FRAME_BYTES_MAX - HEAD_BYTES - CRC_BYTES
# Less than a frame holds: of these two fit the bytes of a second, and values beside them.
PART_BYTES_MAX = 400
STAMP_MASK_MS = (1 << 29) - 1
_COBS_PIECE_BYTES = 254


def varint(value):
    """SPEC 4b: 7 bits a byte, lowest first."""
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def crc24(data):
    """Bit by bit, from RFC 4880, section 6.1."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc


def cobs(data):
    """Without a byte 0x00."""
    coded = bytearray()
    for piece in bytes(data).split(b"\0"):
        while len(piece) >= _COBS_PIECE_BYTES:
            coded += b"\xff" + piece[:_COBS_PIECE_BYTES]
            piece = piece[_COBS_PIECE_BYTES:]
        coded += bytes((len(piece) + 1,)) + piece
    return bytes(coded)


def entries(observation_id, value):
    """One observation as entries: one, or as many as an opaque value has parts."""
    if isinstance(value, int):
        zigzag = 2 * value if value >= 0 else -2 * value - 1
        return [_entry(NUMBER, observation_id, varint(zigzag))]
    is_text = isinstance(value, str)
    data = value.encode() if is_text else bytes(value)
    if is_text or len(data) <= PART_BYTES_MAX:
        return [_entry(TEXT if is_text else OPAQUE, observation_id, varint(len(data)) + data)]
    return [
        _entry(PART, observation_id, varint(len(data)) + varint(at)
               + varint(len(data[at:at + PART_BYTES_MAX])) + data[at:at + PART_BYTES_MAX])
        for at in range(0, len(data), PART_BYTES_MAX)]


def _entry(kind, observation_id, data):
    return (observation_id | kind << 12).to_bytes(2, "little") + data


def packed(each_entry):
    """Entries, in order, as the contents of as few frames as hold them."""
    contents = [b""]
    for entry in each_entry:
        if len(contents[-1]) + len(entry) > ENTRIES_BYTES_MAX:
            contents.append(b"")
        contents[-1] += entry
    return contents


def frame(boot, seq, stamp_ms, content, frame_type=TYPE_VALUES):
    """A frame before it is coded. Arguments: content, its entries joined."""
    size = HEAD_BYTES + len(content) + CRC_BYTES
    data = size.to_bytes(2, "little") + bytes((frame_type, boot & 0xFF))
    data += (seq & 0xFFFF).to_bytes(2, "little")
    data += (stamp_ms & STAMP_MASK_MS).to_bytes(4, "little") + content
    return data + crc24(data).to_bytes(3, "big")


def on_line(data):
    """A frame as it goes over the line."""
    return b"\0" + cobs(data) + b"\0"
