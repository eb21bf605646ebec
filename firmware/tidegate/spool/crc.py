"""CRC-24 of RFC 4880 (OpenPGP), section 6.1, and where the CRCs of frames start. SPEC section 7."""

POLYNOMIAL = 0x864CFB
FIRST = 0xB704CE
CRC_BYTES = 3
SEQ_MASK = 0xFFFFFF
_LAP_MASK = 0x3FFF


def crc24_table():
    """The table of `crc24`: 256 small integers, made once for each spool."""
    table = []
    for value in range(256):
        crc = value << 16
        for _ in range(8):
            crc = ((crc & 0x7FFFFF) << 1) ^ (POLYNOMIAL if crc & 0x800000 else 0)
        table.append(crc)
    return tuple(table)


def crc24(table, crc, data, start, end):
    """CRC-24 of `data[start:end]`, going on from `crc`. No step of it exceeds 24 bits."""
    for i in range(start, end):
        crc = ((crc & 0xFFFF) << 8) ^ table[(crc >> 16) ^ data[i]]
    return crc


def put_crc(buffer, at, crc):
    """Store a CRC, most significant byte first."""
    buffer[at] = crc >> 16
    buffer[at + 1] = crc >> 8 & 0xFF
    buffer[at + 2] = crc & 0xFF


def has_crc(buffer, at, crc):
    """Whether that CRC stands at `at`."""
    return (buffer[at + 2] == crc & 0xFF and buffer[at + 1] == crc >> 8 & 0xFF
            and buffer[at] == crc >> 16)


def frame_seed(sector_number, boot):
    """Where the CRCs of a sector's frames start under a boot; the seq is XORed into it."""
    return (FIRST ^ (sector_number & _LAP_MASK) * 40_503 ^ (boot & _LAP_MASK) * 25_717) & SEQ_MASK
