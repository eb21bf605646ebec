"""Asking time servers, one datagram at a time and without waiting."""

from tidegate.clock import sntp
from tidegate.config.servers import places
from tidegate.errors import LinkError
from tidegate.limits import (
    CLOCK_STEP_MS, DATAGRAM_BYTES_MAX, RESOLVE_MS_MAX, RESOLVE_POLL_MS, SNTP_AGAIN_MS,
    SNTP_AGAIN_MS_MAX, SNTP_ANSWER_MS_MAX, SNTP_FIRST_MS_MAX, SNTP_NEXT_MS, SNTP_PERIOD_MS,
    SNTP_POLL_MS, SNTP_PORT, SNTP_SLOWER_COUNT_MAX, TICKS_HALF_MS, TICKS_MASK_MS,
    TURN_WAIT_MS_MAX, UTC_MS_MAX, UTC_MS_MIN,
)

_DATAGRAMS_PER_STEP = 4


class TimeServers:
    """Several servers in turn.

    An answer that fits what servers said before counts by itself. One that would move the time by
    more than CLOCK_STEP_MS, or is the first, counts when the next one says the same: another
    server's, or this one's again where no other answers. With one server the first answer counts.

    Arguments: names, a list as of `config.servers`; network, the port;
    resolver, a `link.resolver.Resolver` of its own; random_below(n); random_bytes(n), fresh.
    Members to read: asked_count; trouble, why the last question came to nothing, "" where it did
    not; failed_count, how many did so in a row.
    """

    def __init__(self, names, network, resolver, random_below, random_bytes, now_ms):
        self._servers = places(names, SNTP_PORT)
        self._network = network
        self._resolver = resolver
        self._random_below, self._random_bytes = random_below, random_bytes
        self._index = 0
        self._denied = []
        self._slower_count = 0
        self._address = self._nonce = self._datagrams = self._candidate = None
        self._is_due = self._is_resolving = False
        self._begun_ms = self._asked_ms = self._due_ms = 0
        self.asked_count = self.failed_count = 0
        self.trouble = ""
        self._wait(random_below(SNTP_FIRST_MS_MAX), now_ms)

    def is_due(self, now_ms):
        """Whether `step` has something to do."""
        return self._datagrams is not None or self._is_resolving or not self._left_ms(now_ms)

    def step(self, now_ms, expected_ms):
        """Bounded work. To be called at least once in half a period of the ticks.

        Argument: expected_ms, UTC now as servers said before, None where none did.
        Result: UTC in ms at `now_ms` that is to be believed, or None.
        """
        if self._datagrams is not None:
            return self._listen(now_ms, expected_ms)
        if self._left_ms(now_ms) or not self._network.is_up() or len(self._denied) == len(
                self._servers):
            return None
        if not self._is_resolving:
            self._is_resolving = True
            self._begun_ms = now_ms
        host, port = self._servers[self._index]
        try:
            number = self._resolver.resolve(host, now_ms)
            if number is not None:
                self._ask((number, port), now_ms)
            elif (now_ms - self._begun_ms) & TICKS_MASK_MS > RESOLVE_MS_MAX:
                self._fail("name lookup timed out", now_ms, expected_ms)
        except LinkError as error:
            self._fail(error.cause, now_ms, expected_ms)
        except OSError:
            self._fail("no way there", now_ms, expected_ms)
        return None

    def wait_ms(self, now_ms):
        """How long until `step` has something to do."""
        if self._datagrams is not None:
            return SNTP_POLL_MS
        if len(self._denied) == len(self._servers) or not self._network.is_up():
            return TURN_WAIT_MS_MAX
        return RESOLVE_POLL_MS if self._is_resolving else self._left_ms(now_ms)

    def server(self):
        """The host that is asked now or next."""
        return self._servers[self._index][0]

    def _ask(self, address, now_ms):
        self._is_resolving = False
        self._address, self._nonce = address, self._random_bytes(sntp.NONCE_BYTES)
        self._asked_ms = now_ms
        self.asked_count += 1
        self._datagrams = self._network.datagrams()
        self._datagrams.send(sntp.request(self._nonce), address)

    def _listen(self, now_ms, expected_ms):
        late_ms = (now_ms - self._asked_ms) & TICKS_MASK_MS
        try:
            for _ in range(_DATAGRAMS_PER_STEP):
                arrived = self._datagrams.receive(DATAGRAM_BYTES_MAX)
                if arrived is None or late_ms > SNTP_ANSWER_MS_MAX:
                    break
                said = sntp.read(arrived[0], self._nonce) if arrived[1] == self._address else None
                if said is not None:
                    return self._judge(said, late_ms, now_ms, expected_ms)
        except OSError:
            self._fail("nobody listens there", now_ms, expected_ms)
            return None
        if late_ms >= SNTP_ANSWER_MS_MAX:
            self._fail("no answer in time", now_ms, expected_ms)
        return None

    def _judge(self, said, late_ms, now_ms, expected_ms):
        wrong, sent_ms, held_ms = said
        if wrong == sntp.DENY:
            self._denied.append(self._index)
        elif wrong == sntp.RATE:
            self._slower_count = min(self._slower_count + 1, SNTP_SLOWER_COUNT_MAX)
        utc_ms = sent_ms + (max(0, late_ms - held_ms) >> 1)
        if not wrong and not UTC_MS_MIN <= utc_ms < UTC_MS_MAX:
            wrong = "no such year"
        if wrong:
            self._fail(wrong, now_ms, expected_ms)
            return None
        if not self._is_believed(utc_ms, now_ms, expected_ms):
            if self._candidate is None:
                self.failed_count = 0
            self._candidate = (utc_ms, now_ms)
            self._fail("another time", now_ms, expected_ms)
            return None
        self._end()
        self._candidate = None
        self.failed_count, self.trouble = 0, ""
        self._wait(self._around(SNTP_PERIOD_MS << self._slower_count), now_ms)
        return utc_ms

    def _is_believed(self, utc_ms, now_ms, expected_ms):
        if expected_ms is None:
            if len(self._servers) == 1:
                return True
        elif abs(utc_ms - expected_ms) <= CLOCK_STEP_MS:
            return True
        if self._candidate is None:
            return False
        said_ms, at_ms = self._candidate
        return abs(utc_ms - said_ms - ((now_ms - at_ms) & TICKS_MASK_MS)) <= CLOCK_STEP_MS

    def _fail(self, why, now_ms, expected_ms):
        """The question came to nothing: the next server, and after each round a longer wait."""
        self._end()
        # Another number of that name, where it has several.
        self._resolver.failed()
        self.trouble = why
        self.failed_count += 1
        count = max(1, len(self._servers) - len(self._denied))
        wait_ms = SNTP_NEXT_MS
        if self.failed_count % count == 0:
            most_ms = SNTP_AGAIN_MS_MAX if expected_ms is None else SNTP_PERIOD_MS
            wait_ms = min(SNTP_AGAIN_MS << min(self.failed_count // count - 1, 12), most_ms)
        self._wait(self._around(wait_ms << self._slower_count), now_ms)

    def _end(self):
        """Give back what the question took; the next one goes to another server."""
        self._resolver.cancel()
        self._is_resolving = False
        if self._datagrams is not None:
            self._datagrams.close()
            self._datagrams = None
        for _ in self._servers:
            self._index = (self._index + 1) % len(self._servers)
            if self._index not in self._denied:
                break

    def _around(self, wait_ms):
        """Up to a quarter more."""
        return wait_ms + self._random_below(max(1, wait_ms >> 2))

    def _wait(self, wait_ms, now_ms):
        self._is_due = False
        self._due_ms = (now_ms + wait_ms) & TICKS_MASK_MS

    def _left_ms(self, now_ms):
        if not self._is_due:
            left_ms = (self._due_ms - now_ms) & TICKS_MASK_MS
            if 0 < left_ms < TICKS_HALF_MS:
                return left_ms
            self._is_due = True
        return 0
