"""What is sent when, and what is confirmed by whom."""

import json

from tidegate.limits import (
    BACKLOG_WAIT_MS, LAG_PERIOD_MS, PAYLOAD_BYTES_MAX, TICKS_MASK_MS, UNECHOED_COUNT_MAX,
    WINDOW_COUNT_MAX,
)
from tidegate.observe.catalogue import LOG_NAMES, RECORDS, TELEMETRY
from tidegate.uplink.batch import Batch
from tidegate.uplink.codec_json import JsonCodec
from tidegate.uplink.cursors import Track
from tidegate.uplink.lag import Lag
from tidegate.uplink.pacing import Pacing

_TOPICS = ((RECORDS, False, "records"), (RECORDS, True, "records"),
           (TELEMETRY, False, "live"), (TELEMETRY, True, "history"))


class Uplink:
    """Two tracks for each log over one window of batches in flight.

    Live goes first, and one place of the window is kept for it. Arguments: spool, started; time,
    (anchor of this boot, monotonic); session, with can_publish and publish; device_id; is_echo,
    whether the receiver's echo confirms, else the PUBACK does; counters; codec, of the payloads.
    """

    def __init__(self, spool, time, session, device_id, is_echo, counters, codec=None):
        anchor, monotonic = time
        self._spool = spool
        self._session = session
        self._is_echo = is_echo
        self._counters = counters
        self.store_id = "".join("%02x" % byte for byte in spool.store_id)
        self._batch = Batch(codec or JsonCodec(), (device_id, self.store_id, spool.boot), anchor)
        self.tracks = [Track(spool.cursor(log), log, is_backlog)
                       for is_backlog in (False, True) for log in (RECORDS, TELEMETRY)]
        self._topics = {(log, is_backlog): ("tidegate/1/%s/%s" % (device_id, name)).encode()
                        for log, is_backlog, name in _TOPICS}
        self.lag = Lag(spool, anchor, monotonic)
        self.pacing = Pacing()
        self._unpaced = []
        self._in_flight = {}
        self._up_ms = self._lag_ms = 0
        self._unechoed_count = 0
        self.is_up = False

    def session_up(self, now_ms):
        """Set the split of each log. Result: {log name: {"first", "split"}} for the birth."""
        logs = {}
        self._in_flight.clear()
        self._unechoed_count = 0
        self._unpaced.clear()
        self.pacing.begin(now_ms)
        self._up_ms = now_ms
        self.is_up = True
        for log_index, log in enumerate(self._spool.logs):
            self._split(log_index)
            logs[LOG_NAMES[log_index]] = {"first": log.ranges.skip(1), "split": log.next_seq}
        return logs

    def session_down(self):
        """What was in flight will be sent again in the next session, under the same keys."""
        self._in_flight.clear()
        self.is_up = False

    def step(self, now_ms):
        """Send what may be sent now."""
        if not self.is_up:
            return
        if (now_ms - self._lag_ms) & TICKS_MASK_MS >= LAG_PERIOD_MS:
            self._lag_ms = now_ms
            self.lag.measure(now_ms)
        for track in self.tracks:
            while self._may_send(track, now_ms) and self._send(track, now_ms):
                pass

    def unconfirmed_count(self):
        """How many observations of both logs are not confirmed."""
        return self.lag.count(TELEMETRY) + self.lag.count(RECORDS)

    def on_puback(self, packet_id, now_ms):
        """The broker has a batch: its place in the window is free."""
        covered = self._in_flight.pop(packet_id, None)
        if covered is not None:
            log_index, first, last, backlog_count = covered
            self._counters.batches_confirmed += 1
            self.pacing.acknowledged(backlog_count)
            if not self._is_echo:
                self._confirm(log_index, first, last)
                self._pace(now_ms)

    def on_echo(self, payload, now_ms):
        """The receiver says what it has committed, SPEC section 6. Result: whether it was good.

        An echo for another store, or one that does not fit the form, confirms nothing.
        """
        try:
            echo = json.loads(payload)
            if echo["store"] != self.store_id:
                return False
            log = LOG_NAMES.index(echo["log"])
            ranges = [(1, echo["upto"])] + [(first, last) for first, last in echo["ahead"]]
            is_good = all(_is_seq(first) and _is_seq(last) and 1 <= first <= last + 1
                          for first, last in ranges)
        except (ValueError, KeyError, TypeError, RuntimeError):
            # RuntimeError: brackets nested deeper than the parser goes.
            return False
        if is_good:
            self._counters.echoes += 1
            for first, last in ranges:
                self._confirm(log, first, last)
            self._pace(now_ms)
            if echo.get("again") is True and self.is_up:
                self._split(log)
        return is_good

    def _split(self, log_index):
        """Live goes on from the head; all that is unconfirmed below it becomes backlog."""
        for track in self.tracks:
            if track.log_index == log_index:
                track.begin(self._spool.logs[log_index].next_seq)

    def _confirm(self, log, first, last):
        news_count = self._spool.logs[log].confirm(first, last)
        self._unechoed_count = max(0, self._unechoed_count - news_count)

    def _pace(self, now_ms):
        """Tell the pacing of each backlog batch that is now confirmed throughout."""
        waiting = []
        for batch in self._unpaced:
            log_index, first, last, count, sent_ms = batch
            if self._spool.logs[log_index].ranges.skip(first) > last:
                self.pacing.confirmed(count, (now_ms - sent_ms) & TICKS_MASK_MS, now_ms)
            else:
                waiting.append(batch)
        self._unpaced = waiting

    def _may_send(self, track, now_ms):
        topic = self._topics[track.log_index, track.is_backlog]
        if not self._session.can_publish(topic, PAYLOAD_BYTES_MAX):
            return False
        if not track.is_backlog:
            return len(self._in_flight) < WINDOW_COUNT_MAX
        return (len(self._in_flight) < WINDOW_COUNT_MAX - 1
                and self._unechoed_count < UNECHOED_COUNT_MAX
                and (now_ms - self._up_ms) & TICKS_MASK_MS >= BACKLOG_WAIT_MS
                and self.pacing.wait_ms(now_ms) == 0)

    def _send(self, track, now_ms):
        payload = self._batch.build(track, self.lag.member(track.log_index))
        if payload is None:
            return False
        topic = self._topics[track.log_index, track.is_backlog]
        batch = self._batch
        key = (self.store_id, LOG_NAMES[track.log_index], batch.first)
        packet_id = self._session.publish(topic, payload, False, now_ms, key)
        backlog_count = batch.count if track.is_backlog else 0
        self._in_flight[packet_id] = (track.log_index, batch.first, batch.last, backlog_count)
        self._unechoed_count += batch.count
        if backlog_count:
            self.pacing.sent(backlog_count)
            self._unpaced.append((track.log_index, batch.first, batch.last, batch.count, now_ms))
        self._counters.batches_sent += 1
        return True


def _is_seq(value):
    return isinstance(value, int) and not isinstance(value, bool)
