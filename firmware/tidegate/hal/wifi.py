"""Wi-Fi with a supervision of its own: it joins, watches, and joins again, a step at a time.

What the driver does by itself is switched off where it can be: it joins again without an end after
a wrong password, and not at all after a lost address. Nothing here blocks but `scan`.
"""

from tidegate.diag import trail
from tidegate.limits import (
    TICKS_MASK_MS, WIFI_ADDRESS_MS_MAX, WIFI_JOIN_MS_MAX, WIFI_LOOK_MS, WIFI_PAUSE_MS_MAX,
    WIFI_PAUSE_MS_MIN, WIFI_RESTART_COUNT,
)

OFF, PAUSED, JOINING, UP = 0, 1, 2, 3
STATE_NAMES = ("off", "paused", "joining", "up")
NO_ADDRESS, TIMED_OUT, LOST, ADDRESS_LOST, DRIVER = (
    "no-address", "no-answer", "network-lost", "address-lost", "driver")
_NONE = ("0.0.0.0", "")


class Wifi:
    """A link of `hal.sockets.ChipNetwork`.

    Arguments: station, a `network.WLAN`; failures, {what its `status()` says: cause}; networks,
    [(name, password)] of the factory, tried in order; random_below(n), an integer of 0..n-1.
    Members: state; cause of the last failure, "" for none; join_count, lost_count; rssi_dbm, None
    while unknown; networks, all that are tried; used, the one of them that was last up, or None.
    """

    def __init__(self, station, failures, networks, random_below):
        self._station = station
        self._failures = failures
        self._given = [tuple(each) for each in networks]
        self.networks = self._given
        self.used = self._tried = None
        self._has_others = False
        self._random_below = random_below
        self._trail = None
        self.state = OFF
        self.cause = ""
        self.rssi_dbm = None
        self.join_count = self.lost_count = self.failure_count = 0
        self._wait_ms = 0
        self._since_ms = self._looked_ms = 0

    def follow(self, events):
        """Note in that trail what happens."""
        self._trail = events

    def state_name(self):
        """The state as a word."""
        return STATE_NAMES[self.state]

    def is_up(self):
        """Whether there is an address, as the last step has seen it."""
        return self.state == UP

    def name_servers(self):
        """The number of the name server that the network gave, "" for none."""
        server = self._station.ifconfig()[3] if self.state == UP else ""
        return "" if server in _NONE else server

    def adopt(self, networks):
        """Try these from now on, [(name, password)], before the factory's, which stay behind them.

        From the next step on, beginning with the first one.
        """
        self.networks = networks + [each for each in self._given if each not in networks]
        self._has_others = self.state != OFF

    def scan(self):
        """[(name as bytes, signal in dBm, channel)] of the networks around, strongest first.

        Blocks for up to 4 s and may drop the link: only for a technician who asks for it.
        """
        found = [(name, rssi_dbm, channel)
                 for name, _, channel, rssi_dbm, _, _ in self._station.scan()]
        return sorted(found, key=lambda row: -row[1])

    def step(self, ticks_ms):
        """See to it. Argument: ticks of the board's clock."""
        now_ms = ticks_ms & TICKS_MASK_MS
        waited_ms = (now_ms - self._since_ms) & TICKS_MASK_MS
        try:
            if self._has_others:
                self._leave(now_ms)
            elif self.state == UP:
                self._watch(now_ms)
            elif self.state == JOINING:
                self._look(now_ms, waited_ms)
            elif self.state == OFF or waited_ms >= self._wait_ms:
                self._join(now_ms)
        except OSError as error:
            # A driver in a state of its own: only switching it off and on helps.
            self._fail(DRIVER, now_ms, error=str(error).replace(" ", "-"))
            self._restart()

    def _leave(self, now_ms):
        """Go to the first of other networks, after a pause in which everybody sees that the one
        before is gone."""
        self._has_others = False
        self.failure_count = 0
        self.rssi_dbm = None
        self._wait_ms = WIFI_PAUSE_MS_MIN
        self._enter(PAUSED, now_ms)
        self._note(trail.INFO, "wifi has other networks", count=len(self.networks))
        try:
            self._station.disconnect()
        except OSError:
            self._restart()

    def _join(self, now_ms):
        if not self.networks:
            return
        station = self._station
        if self.state == OFF:
            station.active(True)
        self._tried = self.networks[self.failure_count % len(self.networks)]
        self._enter(JOINING, now_ms)
        station.connect(self._tried[0], self._tried[1])

    def _look(self, now_ms, waited_ms):
        """How far joining has come."""
        station = self._station
        if station.isconnected() and station.ifconfig()[0] not in _NONE:
            self.join_count += 1
            self.failure_count = 0
            self.cause = ""
            self.used = self._tried
            self._enter(UP, now_ms)
            self._measure(now_ms)
            self._note(trail.INFO, "wifi up", address=station.ifconfig()[0],
                       rssi_dbm=self.rssi_dbm)
            return
        cause = self._failures.get(station.status())
        if cause is None and waited_ms >= WIFI_JOIN_MS_MAX + (
                WIFI_ADDRESS_MS_MAX if station.isconnected() else 0):
            cause = NO_ADDRESS if station.isconnected() else TIMED_OUT
        if cause is not None:
            self._fail(cause, now_ms)
            station.disconnect()
            if self.failure_count % WIFI_RESTART_COUNT == 0:
                self._restart()

    def _watch(self, now_ms):
        """That it is still there."""
        station = self._station
        is_joined = station.isconnected()
        if not is_joined or station.ifconfig()[0] in _NONE:
            self.lost_count += 1
            self.rssi_dbm = None
            self._fail(ADDRESS_LOST if is_joined else LOST, now_ms)
            station.disconnect()
        elif (now_ms - self._looked_ms) & TICKS_MASK_MS >= WIFI_LOOK_MS:
            self._measure(now_ms)

    def _measure(self, now_ms):
        self._looked_ms = now_ms
        self.rssi_dbm = self._station.status("rssi")

    def _fail(self, cause, now_ms, **facts):
        """Pause before the next try: a moment at first, up to a minute; a street comes apart."""
        self.cause = cause
        self.failure_count += 1
        wait_ms = min(WIFI_PAUSE_MS_MIN << min(self.failure_count - 1, 8), WIFI_PAUSE_MS_MAX)
        self._wait_ms = wait_ms // 2 + self._random_below(wait_ms // 2)
        self._enter(PAUSED, now_ms)
        self._note(trail.WARNING, "wifi failed", cause=cause, wait_ms=self._wait_ms, **facts)

    def _restart(self):
        """Switch the driver off; the next try switches it on."""
        try:
            self._station.active(False)
            self._station.active(True)
        except OSError:
            pass

    def _enter(self, state, now_ms):
        self.state = state
        self._since_ms = now_ms

    def _note(self, level, event, **facts):
        if self._trail is not None:
            self._trail.note(level, event, **facts)
