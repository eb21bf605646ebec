"""Why it is not sending, or that all is well: one verdict, in words, with what to do next.

docs/console.md lists them; host_tests/unit/test_console_verdict.py provokes each.
"""

from tidegate.limits import CONSOLE_SILENT_MS, CONSOLE_UNCONFIRMED_S, TICKS_MASK_MS
from tidegate.link import causes, session
from tidegate.observe.catalogue import LOG_NAMES, RECORDS, TELEMETRY

# key: (what is the case, what to do next)
TABLE = {
    "spool-aside": (
        "NOT KEEPING: the flash holds what this version cannot read",
        "a power cut loses all: save an image of the flash, then type factory-reset, or "
        "install the newer version"),
    "safe-mode": (
        "SAFE MODE: it crashed several times in a row, and samples nothing",
        "type errors and report, send both to the operator, then type reboot"),
    "records-full": (
        "LOSING RECORDS: their part of the flash is full and not confirmed",
        "get it on line, or type export and fetch the backlog"),
    "source-silent": (
        "NO SAMPLES: the charger has said nothing for a minute",
        "look at the cable to the metering controller, then at selftest"),
    "no-network": (
        "NOT SENDING: the charger's own network is down",
        "look at the access point, cable or SIM"),
    "starting": (
        "NOT SENDING yet: the first attempt since start is to come",
        "wait for the moment above"),
    "connecting": (
        "NOT SENDING yet: an attempt is under way",
        "wait some seconds, then type status again"),
    "held": (
        "SENDING live only: the operator holds the backlog back",
        "nothing to do here; ask the operator whether that is meant"),
    "unconfirmed": (
        "SENDING, but nothing is confirmed",
        "the charger is fine; ask the operator whether the receiver runs"),
    "draining": (
        "SENDING: live, and what an outage left behind",
        "leave it on; it is done in the time above"),
    "well": ("ALL IS WELL: it is sending, and nothing is left behind", "nothing to do"),
}

# By what back-off makes of a cause, unless the cause has a row of its own.
_OUTCOME_REMEDIES = {
    causes.REFUSED: "the server is down or a firewall refuses: check host and port, ask the "
                    "operator",
    causes.TIMEOUT: "look at the network between here and the server: router, firewall, SIM",
    causes.DNS: "check the host name in the configuration, and the name server of the network",
    causes.BUSY: "the server is overloaded: nothing to do here, it tries again by itself",
    causes.OVERLOAD: "the server is overloaded: nothing to do here, it tries again by itself",
    causes.AUTH: "check user, password, key or certificate in the configuration with the operator",
    causes.CLOCK: "give it the time: look at the command time, and at NTP in the network",
    causes.MOVED: "nothing to do: it goes on to the next server by itself",
    causes.BROKEN: "what answers is no MQTT server of ours: check host, port and tls",
}
_CAUSE_REMEDIES = {
    causes.LINK_DOWN: "look at the access point, cable or SIM",
    causes.CERTIFICATE_UNKNOWN: "the server is not who it should be, or tls_ca is old: check both",
    causes.CERTIFICATE_HOST: "the certificate is of another host: check host in the configuration",
    causes.CERTIFICATE_EXPIRED: "tell the operator that the server's certificate has expired",
    causes.CLIENT_REFUSED: "the server does not take this device's certificate: have it renewed",
    causes.SUBACK_REFUSED: "tell the operator: this device may not subscribe to its own topics",
    causes.UNCONFIRMED: "the server took a message and never confirmed it: ask the operator",
}


def remedy(cause):
    """What to do about a cause of `link.causes`."""
    return _CAUSE_REMEDIES.get(cause) or _OUTCOME_REMEDIES[causes.outcome(cause)]


def judge(agent, watch, now_ms):
    """Result: (key, what is the case, what to do next). A failed attempt has the key of its cause.

    Arguments: agent; watch, a `console.watch.Watch`; now_ms.
    """
    key = _key(agent, watch, now_ms)
    if key in TABLE:
        return (key,) + TABLE[key]
    return (key.replace(" ", "-"), "NOT SENDING: %s, in phase %s" % (key, watch.failed_phase),
            remedy(key))


def _key(agent, watch, now_ms):
    if watch.is_spool_aside():
        return "spool-aside"
    if agent.vitals.boot.is_safe:
        return "safe-mode"
    if agent.spool.logs[RECORDS].refused_count and agent.uplink.lag.count(RECORDS):
        return "records-full"
    if (now_ms - watch.sampled_ms) & TICKS_MASK_MS >= CONSOLE_SILENT_MS:
        return "source-silent"
    if agent.session.phase != session.UP:
        return _why_not(agent, watch)
    lags = [dict(agent.uplink.lag.member(log)) for log in range(len(LOG_NAMES))]
    is_behind = any(lag["count"] for lag in lags)
    if is_behind and not agent.uplink.pacing.ceiling:
        return "held"
    if any(lag["count"] and not lag["rate"] and (lag["age_s"] or 0) >= CONSOLE_UNCONFIRMED_S
           for lag in lags) and watch.up_s(now_ms) >= CONSOLE_UNCONFIRMED_S:
        return "unconfirmed"
    return "draining" if watch.backlog_count(TELEMETRY) or watch.backlog_count(RECORDS) else "well"


def _why_not(agent, watch):
    if not watch.is_linked():
        return "no-network"
    if watch.cause:
        return watch.cause
    return "starting" if agent.session.phase == session.IDLE else "connecting"
