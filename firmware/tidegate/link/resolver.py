"""Names into numbers without waiting: servers asked in turn, answers kept as long as they hold,
the last number that led to a session kept for ever."""

import json

from tidegate.errors import LinkError
from tidegate.limits import (
    DATAGRAM_BYTES_MAX, KEPT_ADDRESS_COUNT_MAX, RESOLVE_AGAIN_MS, RESOLVE_KEPT_MS,
    RESOLVE_TTL_S_MAX, RESOLVE_TTL_S_MIN, TICKS_MASK_MS,
)
from tidegate.link import causes, dns

_RECORD = "addresses"
_DATAGRAMS_PER_STEP = 4


class Resolver:
    """One lookup at a time.

    Arguments: network and keep, the ports; random_below(n), an integer of 0..n-1.
    Members to read: datagrams, to wait on, None where nothing is asked; trouble, the cause why
    the last number is an old one, "" where it is fresh.
    """

    def __init__(self, network, keep, random_below):
        self._network = network
        self._keep = keep
        self._random_below = random_below
        self._kept = _read(keep.load(_RECORD))
        self._host = ""
        self._numbers = []
        self._answered = ()
        self._found_ms = self._ttl_ms = 0
        self._id = self._asked_count = 0
        self._asked = b""
        self._servers = ()
        self._begun_ms = self._asked_ms = 0
        self.datagrams = None
        self.trouble = ""

    def resolve(self, host, now_ms):
        """The number of a host as dotted text, or None while servers are asked.

        Call again until it answers, or `cancel`. Errors: LinkError where the name cannot be
        looked up and has no number from before.
        """
        if _is_number(host):
            return host
        if host == "localhost":
            return "127.0.0.1"
        self.tend(now_ms)
        if host != self._host:
            self._host, self._numbers, self._answered = host, [], ()
        if self._numbers:
            return self._numbers[0]
        try:
            found = self._look_up(now_ms)
        except LinkError as error:
            self.cancel()
            return self._old(error.cause)
        if found is None and (now_ms - self._begun_ms) & TICKS_MASK_MS >= RESOLVE_KEPT_MS:
            found = self._kept.get(host)
            self.trouble = causes.DNS_TIMEOUT if found else ""
        if found is not None:
            self.cancel()
        return found

    def cancel(self):
        """Nobody waits for the answer any more."""
        if self.datagrams is not None:
            self.datagrams.close()
            self.datagrams = None

    def tend(self, now_ms):
        """To be called at least once in half a period of the ticks: what is too old goes."""
        if self._numbers and (now_ms - self._found_ms) & TICKS_MASK_MS > self._ttl_ms:
            self._numbers = []

    def failed(self):
        """Nobody was reached at the number: another of that name, or ask again."""
        self._numbers = self._numbers[1:]

    def reached(self, host, number):
        """A session came up there: keep the number through a reboot.

        While the one that is kept still is a number of that name it stays, so that a name whose
        numbers take turns wears no flash.
        """
        kept = self._kept.get(host)
        if _is_number(host) or kept == number or kept in self._answered:
            return
        if host not in self._kept and len(self._kept) >= KEPT_ADDRESS_COUNT_MAX:
            self._kept.clear()
        self._kept[host] = number
        self._keep.save(_RECORD, json.dumps(self._kept).encode())

    def _old(self, cause):
        number = self._kept.get(self._host)
        if number is None:
            raise LinkError(cause)
        self.trouble = cause
        return number

    def _look_up(self, now_ms):
        if self.datagrams is None:
            self._begin(now_ms)
        round_count = max(self._asked_count - 1, 0) // len(self._servers)
        wait_ms = RESOLVE_AGAIN_MS << min(round_count, 3)
        if not self._asked_count or (now_ms - self._asked_ms) & TICKS_MASK_MS >= wait_ms:
            self._ask(now_ms)
        for _ in range(_DATAGRAMS_PER_STEP):
            try:
                arrived = self.datagrams.receive(DATAGRAM_BYTES_MAX)
            except OSError:
                # Nobody listens there; the next server is asked in its turn.
                return None
            if arrived is None:
                return None
            data, sender = arrived
            said = dns.answer(data, self._id, self._asked)
            if said is not None and sender in self._servers:
                return self._judge(said, now_ms)
        return None

    def _begin(self, now_ms):
        self.trouble = ""
        self._servers = self._network.name_servers()
        self._begun_ms = now_ms
        self._asked_count = 0
        self._id = self._random_below(1 << 16)
        try:
            self._asked = dns.question(self._host)
        except ValueError:
            raise LinkError(causes.DNS_FAILED)
        if not self._servers:
            raise LinkError(causes.DNS_FAILED, "no name server is known")
        self.datagrams = self._network.datagrams()

    def _ask(self, now_ms):
        server = self._servers[self._asked_count % len(self._servers)]
        self._asked_count += 1
        self._asked_ms = now_ms
        try:
            self.datagrams.send(dns.query(self._id, self._asked), server)
        except OSError:
            # No way there: as good as no answer.
            pass

    def _judge(self, said, now_ms):
        code, numbers, ttl_s = said
        if numbers:
            self._numbers = numbers
            self._answered = tuple(numbers)
            self._found_ms = now_ms
            self._ttl_ms = 1_000 * max(RESOLVE_TTL_S_MIN, min(ttl_s, RESOLVE_TTL_S_MAX))
            self.trouble = ""
            return numbers[0]
        if code in (dns.FOUND, dns.NO_NAME) or self._asked_count >= len(self._servers):
            raise LinkError(causes.DNS_FAILED)
        self._ask(now_ms)
        return None


def _is_number(host):
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)


def _read(record):
    try:
        kept = json.loads(record)
    except ValueError:
        return {}
    if not isinstance(kept, dict):
        return {}
    return {host: number for host, number in kept.items()
            if isinstance(number, str) and _is_number(number)}
