"""What an operator must be woken for, out of what a sink has stored. Pure.

An alert is raised when its condition comes true and cleared when it no longer holds, or, for
something that happened at one moment, after `event_s`. The thresholds are such that a pipeline
that falls behind is seen within 15 minutes, and a device that drains an old backlog is not.
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

LAG, OFFLINE, REPEATS, GAP, STORE, PIPELINE = (
    "lag", "offline", "repeats", "gap", "store", "pipeline")
KINDS = (LAG, OFFLINE, REPEATS, GAP, STORE, PIPELINE)
FLEET = ""


@dataclass(frozen=True)
class Thresholds:
    """`lag_s`: the oldest unconfirmed observation is that old, and older than `rising_s` before;
    `offline_s`: without a session that long; `repeats`: stored before, of all that came within
    `rising_s`, in per cent, and at least `repeats_least` of them; `delay_s`: live observations of
    half of the devices arrive that late; `event_s`: how long a gap or a new store is an alert.
    """

    lag_s: int = 300
    rising_s: int = 300
    offline_s: int = 30
    repeats_percent: int = 20
    repeats_least: int = 100
    delay_s: int = 60
    event_s: int = 3_600


class StreamState(NamedTuple):
    """One (device, store, log) as it stands; `delay_ms` is None where it cannot be told."""

    device: str
    store: str
    log: str
    stored: int
    repeats: int
    lag_age_s: int | None
    lag_count: int
    heard_ms: int
    delay_ms: int | None


class DeviceState(NamedTuple):
    device: str
    online: bool
    store: str
    changed_ms: int


class State(NamedTuple):
    """All of it at one moment: `streams`, `devices`; `gaps`, (device, log, GapRow)."""

    now_ms: int
    streams: list
    devices: list
    gaps: list


@dataclass(frozen=True)
class Event:
    """`change` is `raised` or `cleared`; `device` is empty for the whole fleet."""

    at_ms: int
    change: str
    kind: str
    device: str
    text: str

    def to_json(self):
        """A dict for json.dumps."""
        return asdict(self)


class Watch:
    """Compares each State with those before it.

    Argument: thresholds. `active` is {(kind, device, subject): text}.
    """

    def __init__(self, thresholds=None):
        self._thresholds = thresholds or Thresholds()
        self._before = []
        self._seen = None
        self._happened = {}
        self.active = {}

    def look(self, state):
        """Argument: state. Result: the Events since the last look, oldest first."""
        self._before.append(state)
        window_ms = 1_000 * self._thresholds.rising_s
        while len(self._before) > 1 and self._before[1].now_ms <= state.now_ms - window_ms:
            self._before.pop(0)
        found = {}
        for rule in (self._lag, self._offline, self._repeats, self._pipeline, self._news):
            found.update(rule(state))
        events = [self._event(state, "cleared", key, text)
                  for key, text in self.active.items() if key not in found]
        events += [self._event(state, "raised", key, text)
                   for key, text in found.items() if key not in self.active]
        self.active = found
        return events

    @staticmethod
    def _event(state, change, key, text):
        return Event(state.now_ms, change, key[0], key[1], text)

    def _earlier(self):
        """{(device, store, log): StreamState} of the beginning of the window."""
        return {stream[:3]: stream for stream in self._before[0].streams}

    def _lag(self, state):
        earlier = self._earlier()
        for stream in state.streams:
            old = earlier.get(stream[:3])
            age_s = stream.lag_age_s or 0
            is_rising = old is not None and old is not stream and (
                age_s > (old.lag_age_s or 0) and stream.lag_count >= old.lag_count)
            was_alert = (LAG, stream.device, stream[1:3]) in self.active
            if age_s >= self._thresholds.lag_s and (is_rising or was_alert and (
                    old is None or age_s >= (old.lag_age_s or 0))):
                yield (LAG, stream.device, stream[1:3]), (
                    "%s: %s is %d s behind and falling back, %d observations unconfirmed"
                    % (stream.device, stream.log, age_s, stream.lag_count))

    def _offline(self, state):
        for device in state.devices:
            away_s = (state.now_ms - device.changed_ms) // 1_000
            if not device.online and away_s >= self._thresholds.offline_s:
                yield (OFFLINE, device.device, ""), "%s is offline" % device.device

    def _repeats(self, state):
        earlier, totals = self._earlier(), {}
        for stream in state.streams:
            old = earlier.get(stream[:3])
            before = (old.stored, old.repeats) if old else (0, 0)
            stored, repeats = totals.get(stream.device, (0, 0))
            totals[stream.device] = (stored + stream.stored - before[0],
                                     repeats + stream.repeats - before[1])
        limits = self._thresholds
        for device, (stored, repeats) in totals.items():
            if repeats >= limits.repeats_least and (
                    repeats * 100 >= limits.repeats_percent * (stored + repeats)):
                yield (REPEATS, device, ""), (
                    "%s sends again what is stored: look for a confirmation that does not reach "
                    "it" % device)

    def _pipeline(self, state):
        """Late for half of those heard within the window: it is not the devices' clocks."""
        since_ms = state.now_ms - 1_000 * self._thresholds.rising_s
        delays_ms = sorted(stream.delay_ms for stream in state.streams
                           if stream.delay_ms is not None and stream.heard_ms >= since_ms)
        delay_ms = delays_ms[len(delays_ms) // 2] if delays_ms else 0
        if delay_ms >= 1_000 * self._thresholds.delay_s:
            yield (PIPELINE, FLEET, "late"), (
                "live observations arrive %d s late: broker or sink cannot keep up"
                % (delay_ms // 1_000))
        online = {device.device for device in state.devices if device.online}
        heard = [stream.heard_ms for stream in state.streams if stream.device in online]
        if heard and max(heard) < since_ms:
            yield (PIPELINE, FLEET, "silent"), (
                "nothing has been stored for %d s though %d devices are online: is the sink up?"
                % ((state.now_ms - max(heard)) // 1_000, len(online)))

    def _news(self, state):
        """Gaps and stores that were not there before; what stands at the first look is old."""
        stores = {(STORE, stream.device, stream.store): "%s has another store, %s: its flash was "
                  "replaced or erased" % (stream.device, stream.store)
                  for stream in state.streams}
        gaps = {(GAP, device, (log, gap.first, gap.last)): "%s: %d observations of %s are %s (seq "
                "%d to %d)" % (device, gap.count, log, gap.reason, gap.first, gap.last)
                for device, log, gap in state.gaps if gap.reason != "cut"}
        if self._seen is None:
            self._seen = set(stores) | set(gaps)
        known = {key[1] for key in self._seen if key[0] == STORE}
        for key, text in {**stores, **gaps}.items():
            if key not in self._seen:
                self._seen.add(key)
                if key[0] == GAP or key[1] in known:
                    self._happened[key] = (state.now_ms, text)
        for key, (at_ms, text) in list(self._happened.items()):
            if state.now_ms - at_ms >= 1_000 * self._thresholds.event_s:
                del self._happened[key]
            else:
                yield key, text
