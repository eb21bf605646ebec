"""Why a session did not come up, or ended: one word or two, and what back-off makes of it."""

# Outcomes of an attempt, as the table of `backoff` knows them. TIMEOUT: nobody answered.
# OVERLOAD: the server took the connection and then said nothing in time.
REFUSED, TIMEOUT, DNS, BUSY, OVERLOAD, AUTH, CLOCK, MOVED, BROKEN = range(9)
OUTCOME_NAMES = ("refused", "timeout", "dns", "busy", "overload", "auth", "clock", "moved",
                 "broken")
# How an outage began, as `backoff` knows it.
POWER_UP, LINK_LOST, SILENCE, CLOSED, LEFT = range(5)
LOSS_NAMES = ("power up", "link lost", "silence", "closed", "left")

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
HANDSHAKE_TIMEOUT = "no TLS handshake in time"
CERTIFICATE_UNKNOWN = "certificate of an unknown authority"
CERTIFICATE_HOST = "certificate of another host"
CERTIFICATE_EXPIRED = "certificate expired"
CERTIFICATE_EARLY = "certificate not yet valid"
CERTIFICATE_REFUSED = "certificate refused"
CLIENT_REFUSED = "own certificate refused"
TLS_REFUSED = "refused in the TLS handshake"
TLS_BROKEN = "TLS broken"
SERVER_MOVED = "server moved"
RESET = "connection reset"
CLOSED_BY_PEER = "closed by the server"
SILENT = "server silent"
UNCONFIRMED = "publish never confirmed"
PROTOCOL = "protocol broken"
ENDED = "ended by the agent"
RENEWED = "token renewed"
TIME_UNKNOWN = "time not known"

# Cause: the outcome of an attempt that failed with it, and how an outage began that it began.
# A connection closed before its CONNACK is how a cloud hub and a balancer without a server behind
# it say "busy".
TABLE = {
    LINK_DOWN: (TIMEOUT, LINK_LOST),
    DNS_FAILED: (DNS, SILENCE),
    DNS_TIMEOUT: (DNS, SILENCE),
    CONNECT_REFUSED: (REFUSED, CLOSED),
    CONNECT_FAILED: (TIMEOUT, SILENCE),
    CONNECT_TIMEOUT: (TIMEOUT, SILENCE),
    CONNACK_TIMEOUT: (OVERLOAD, SILENCE),
    CONNACK_BUSY: (BUSY, CLOSED),
    CONNACK_AUTH: (AUTH, CLOSED),
    CONNACK_REJECTED: (AUTH, CLOSED),
    SUBACK_TIMEOUT: (OVERLOAD, SILENCE),
    SUBACK_REFUSED: (AUTH, CLOSED),
    HANDSHAKE_TIMEOUT: (OVERLOAD, SILENCE),
    CERTIFICATE_UNKNOWN: (AUTH, CLOSED),
    CERTIFICATE_HOST: (AUTH, CLOSED),
    CERTIFICATE_EXPIRED: (AUTH, CLOSED),
    CERTIFICATE_EARLY: (CLOCK, CLOSED),
    CERTIFICATE_REFUSED: (AUTH, CLOSED),
    CLIENT_REFUSED: (AUTH, CLOSED),
    TLS_REFUSED: (BUSY, CLOSED),
    TLS_BROKEN: (BROKEN, CLOSED),
    SERVER_MOVED: (MOVED, CLOSED),
    RESET: (BUSY, CLOSED),
    CLOSED_BY_PEER: (BUSY, CLOSED),
    SILENT: (TIMEOUT, SILENCE),
    UNCONFIRMED: (OVERLOAD, SILENCE),
    PROTOCOL: (BROKEN, CLOSED),
    ENDED: (MOVED, LEFT),
    RENEWED: (MOVED, LEFT),
    TIME_UNKNOWN: (CLOCK, SILENCE),
}

CONNACK_CAUSES = {1: CONNACK_REJECTED, 2: CONNACK_REJECTED, 3: CONNACK_BUSY, 4: CONNACK_AUTH,
                  5: CONNACK_AUTH}

# errno of Linux, macOS and lwIP.
_REFUSED_CODES = (111, 61)
_RESET_CODES = (104, 54, 32, 103, 53)


def outcome(cause):
    """What back-off makes of an attempt that failed with `cause`."""
    return TABLE[cause][0]


def loss(cause):
    """How an outage began that began with `cause`."""
    return TABLE[cause][1]


def of_os_error(error, is_connecting):
    """The cause behind an OSError of a stream."""
    code = error.args[0] if error.args else 0
    if code in _REFUSED_CODES:
        return CONNECT_REFUSED
    if code in _RESET_CODES and not is_connecting:
        return RESET
    return CONNECT_FAILED if is_connecting else RESET
