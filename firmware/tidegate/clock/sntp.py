"""The bytes of SNTP: a question for the time, and its answer. Pure.

Source: RFC 4330 sections 3 to 5 and 8, RFC 5905 sections 7.3, 7.4 and 11.2. All is compared on
integers: seconds since 1900 modulo 2^32, and fractions of 2^32.
"""

from tidegate.limits import SNTP_ROOT_MS_MAX

PACKET_BYTES = 48
NONCE_BYTES = 8
# What is wrong with an answer; RATE, DENY and RSTR are kisses of death.
OK, RATE, DENY, UNFIT = "", "asked too often", "denied", "not synchronised"
_CLIENT, _SERVER = 0x23, 4
_VERSIONS = (3, 4)
_UNSYNCHRONISED = 3
_STRATUM_MAX = 15
_KISSES = {b"RATE": RATE, b"DENY": DENY, b"RSTR": DENY}
# Seconds from 1900 to 1970; an era is 2^32 s. With the highest bit it is 1968 .. 2036.
_TO_1970_S = 2_208_988_800
_ERA_S = 1 << 32


def request(nonce):
    """The datagram that asks. Argument: nonce, NONCE_BYTES bytes that nobody can guess.

    It stands where a client's own time would stand, which is nobody's business.
    """
    return bytes((_CLIENT,)) + bytes(PACKET_BYTES - NONCE_BYTES - 1) + nonce


def read(data, nonce):
    """Take an answer apart.

    Arguments: data, bytes; nonce, of the question.
    Result: None where it is no answer to that question, else (what is wrong with it or OK, UTC in
    ms since 1970 at which it was sent, ms between its arrival at the server and that).
    """
    if (len(data) < PACKET_BYTES or data[0] & 7 != _SERVER or data[0] >> 3 & 7 not in _VERSIONS
            or data[24:32] != nonce):
        return None
    stratum = data[1]
    if stratum == 0:
        return _KISSES.get(bytes(data[12:16]), UNFIT), 0, 0
    root_ms = (_short_ms(data, 4) >> 1) + _short_ms(data, 8)
    if (data[0] >> 6 == _UNSYNCHRONISED or stratum > _STRATUM_MAX or root_ms > SNTP_ROOT_MS_MAX
            or data[40:48] == bytes(8)):
        return UNFIT, 0, 0
    sent_ms = _utc_ms(data, 40)
    return OK, sent_ms, max(0, sent_ms - _utc_ms(data, 32))


def _short_ms(data, at):
    """Seconds and a fraction of 16 bits each; what is negative is huge."""
    return (data[at] << 8 | data[at + 1]) * 1_000 + ((data[at + 2] << 8 | data[at + 3])
                                                     * 1_000 >> 16)


def _utc_ms(data, at):
    seconds = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
    if not data[at] & 0x80:
        seconds += _ERA_S
    part = (data[at + 4] << 8 | data[at + 5]) * 1_000
    return (seconds - _TO_1970_S) * 1_000 + (part + 0x8000 >> 16)
