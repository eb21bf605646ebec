"""Why a session did not come up, or ended: one word or two, and what back-off makes of it."""

# Outcomes of an attempt, as `backoff` knows them.
REFUSED, TIMEOUT, BUSY, AUTH, CLOSED = range(5)

LINK_DOWN = "link down"
DNS_FAILED = "name not found"
DNS_TIMEOUT = "name lookup timed out"
CONNECT_REFUSED = "connection refused"
CONNECT_FAILED = "no route to the server"
CONNECT_TIMEOUT = "connect timed out"
CONNACK_TIMEOUT = "no CONNACK in time"
CONNACK_BUSY = "server unavailable"
CONNACK_AUTH = "not authorised"
CONNACK_REJECTED = "connection rejected"
SUBACK_TIMEOUT = "no SUBACK in time"
SUBACK_REFUSED = "subscription refused"
RESET = "connection reset"
CLOSED_BY_PEER = "closed by the server"
SILENT = "server silent"
UNCONFIRMED = "publish never confirmed"
PROTOCOL = "protocol broken"
ENDED = "ended by the agent"

OUTCOMES = {
    LINK_DOWN: REFUSED, DNS_FAILED: REFUSED, DNS_TIMEOUT: TIMEOUT, CONNECT_REFUSED: REFUSED,
    CONNECT_FAILED: REFUSED, CONNECT_TIMEOUT: TIMEOUT, CONNACK_TIMEOUT: TIMEOUT,
    CONNACK_BUSY: BUSY, CONNACK_AUTH: AUTH, CONNACK_REJECTED: AUTH, SUBACK_TIMEOUT: TIMEOUT,
    SUBACK_REFUSED: AUTH, RESET: CLOSED, CLOSED_BY_PEER: CLOSED, SILENT: CLOSED,
    UNCONFIRMED: CLOSED, PROTOCOL: CLOSED, ENDED: CLOSED,
}

CONNACK_CAUSES = {1: CONNACK_REJECTED, 2: CONNACK_REJECTED, 3: CONNACK_BUSY, 4: CONNACK_AUTH,
                  5: CONNACK_AUTH}

# errno of Linux, macOS and lwIP.
_REFUSED_CODES = (111, 61)
_RESET_CODES = (104, 54, 32, 103, 53)


def of_os_error(error, is_connecting):
    """The cause behind an OSError of a stream."""
    code = error.args[0] if error.args else 0
    if code in _REFUSED_CODES:
        return CONNECT_REFUSED
    if code in _RESET_CODES and not is_connecting:
        return RESET
    return CONNECT_FAILED if is_connecting else RESET
