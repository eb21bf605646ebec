"""What is sent when, and what is confirmed by whom."""

import json

from tidegate.limits import (
    BACKLOG_WAIT_MS, BATCH_COUNT_MAX, LAG_PERIOD_MS, PAYLOAD_BYTES_MAX, TICKS_MASK_MS,
    UNCONFIRMED_MS_MAX, UNECHOED_COUNT_MAX, WINDOW_COUNT_MAX, WINDOW_COUNT_MIN,
)
from tidegate.observe.catalogue import LOG_NAMES, RECORDS, TELEMETRY
from tidegate.uplink.batch import Batch
from tidegate.uplink.codec_json import JsonCodec
from tidegate.uplink.cursors import Track
from tidegate.uplink.lag import Lag
from tidegate.uplink.pacing import Pacing
from tidegate.uplink.snapshot import Snapshot

# In the order in which they may send: log, whether it is the backlog, the topic's last word.
_TRACKS = ((RECORDS, False, "records"), (TELEMETRY, False, "live"),
           (RECORDS, True, "records"), (TELEMETRY, True, "history"))


class Uplink:
    """Two tracks for each log over one window of batches in flight.

    Live goes first; one place of the window is kept for it, and one for the backlog. Arguments:
    spool, started; time, (anchor of this boot, monotonic); session, with can_publish and publish;
    device_id; is_echo, whether the receiver's echo confirms, else the PUBACK does; counters;
    codec, of the payloads; latest, see `Snapshot`.
    """

    def __init__(self, spool, time, session, device_id, is_echo, counters, codec=None,
                 latest=None):
        anchor, monotonic = time
        self._spool = spool
        self._session = session
        self._is_echo = is_echo
        self._counters = counters
        self.store_id = "".join("%02x" % byte for byte in spool.store_id)
        self._batch = Batch(
            codec or JsonCodec(), (device_id, self.store_id, spool.boot), anchor,
            [log.next_seq - 1 if found.is_cut else 0
             for log, found in zip(spool.logs, spool.report)])
        self.tracks = [
            Track(spool.cursor(log), log, is_backlog,
                  ("tidegate/1/%s/%s" % (device_id, name)).encode())
            for log, is_backlog, name in _TRACKS]
        self.lag = Lag(spool, anchor, monotonic)
        self.snapshot = Snapshot(spool, self.lag.probe, latest)
        self.pacing = Pacing()
        # Of each log store id, name, and first seq of the batch that is published.
        self._keys = [[self.store_id, name, 0] for name in LOG_NAMES]
        self._unpaced = []
        # Packet id: (track, first, last, count where it is backlog, part seq, when it was sent).
        self._in_flight = {}
        self._in_flight_count = [0, 0]
        self._up_ms = self._lag_ms = 0
        self._unechoed_count = 0
        self.told_ms = None
        # Fewer where memory is short.
        self.window_count = WINDOW_COUNT_MAX
        self.is_up = False

    def session_up(self, now_ms, is_elsewhere=False):
        """Set the split of each log, and have the live picture sent.

        Argument: is_elsewhere, whether the session before was with another server.
        Result: {log name: {"first", "split"}} for the birth.
        """
        self.snapshot.begin(is_elsewhere)
        logs = {}
        self._in_flight.clear()
        self._in_flight_count = [0, 0]
        # Sent in the session before, and not known to have arrived.
        self._counters.resent += self._unechoed_count
        self._unechoed_count = 0
        self._unpaced.clear()
        self.pacing.begin(now_ms)
        self._up_ms = now_ms
        self.is_up = True
        for log_index, log in enumerate(self._spool.logs):
            self.split(log_index)
            logs[LOG_NAMES[log_index]] = {"first": log.ranges.skip(1), "split": log.next_seq}
        return logs

    def session_down(self):
        """What was in flight will be sent again in the next session, under the same keys."""
        self._in_flight.clear()
        self._in_flight_count = [0, 0]
        self.is_up = False

    def step(self, now_ms):
        """Send what may be sent now."""
        if not self.is_up:
            return
        if (now_ms - self._lag_ms) & TICKS_MASK_MS >= LAG_PERIOD_MS:
            self._lag_ms = now_ms
            self.lag.measure(now_ms)
            self._pace(now_ms)
        self._send_snapshot(now_ms)
        for track in self.tracks:
            while self._may_send(track, now_ms) and self._send(track, now_ms):
                pass

    def shrink(self, level):
        """Take half of batches and window for each level above 0, and all of both at 0."""
        self._batch.count_max = BATCH_COUNT_MAX >> level
        self.window_count = max(WINDOW_COUNT_MIN, WINDOW_COUNT_MAX >> level)

    def unconfirmed_count(self):
        """How many observations of both logs are not confirmed."""
        return self.lag.count(TELEMETRY) + self.lag.count(RECORDS)

    def on_puback(self, packet_id, now_ms):
        """The broker has a batch: its place in the window is free."""
        covered = self._in_flight.pop(packet_id, None)
        if covered is not None:
            track, first, last, backlog_count, part_seq, _ = covered
            log_index = track.log_index
            self._in_flight_count[track.is_backlog] -= 1
            self._counters.batches_confirmed += 1
            if not self._is_echo:
                self._confirm(log_index, first, last)
                if part_seq and not self._is_under_way(log_index, part_seq):
                    self._confirm(log_index, part_seq, part_seq)
            if part_seq:
                # Its value is confirmed when all of it is there: the rest must not wait for that.
                self.pacing.forgotten(backlog_count)
            elif backlog_count:
                self._unpaced.append(covered)
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
            self.told_ms = echo.get("utc_ms") if _is_seq(echo.get("utc_ms")) else None
            for first, last in ranges:
                self._confirm(log, first, last)
            self._pace(now_ms)
            if echo.get("again") is True and self.is_up:
                self.split(log)
        return is_good

    def split(self, log_index):
        """Live goes on from the head; all that is unconfirmed below it becomes backlog."""
        for covered in self._unpaced:
            if covered[0].log_index == log_index:
                self.pacing.forgotten(covered[3])
        self._unpaced = [each for each in self._unpaced if each[0].log_index != log_index]
        for track in self.tracks:
            if track.log_index == log_index:
                self._abandon(log_index, track.part_seq)
                track.begin(self._spool.logs[log_index].next_seq)

    def _abandon(self, log_index, part_seq):
        """No more parts of a value come, so the PUBACKs of those before do not confirm it."""
        for packet_id, covered in list(self._in_flight.items()) if part_seq else ():
            if covered[0].log_index == log_index and covered[4] == part_seq:
                self._in_flight[packet_id] = covered[:4] + (0, covered[5])

    def _is_under_way(self, log_index, part_seq):
        """Whether a part of a value is not sent or not acknowledged."""
        for covered in self._in_flight.values():
            if covered[0].log_index == log_index and covered[4] == part_seq:
                return True
        return any(track.log_index == log_index and track.part_seq == part_seq
                   for track in self.tracks)

    def _confirm(self, log, first, last):
        news_count = self._spool.logs[log].confirm(first, last)
        self._unechoed_count = max(0, self._unechoed_count - news_count)

    def _pace(self, now_ms):
        """Tell the pacing of each backlog batch that is now confirmed throughout, and of each that
        should have been long ago: whatever became of it, others may go.

        `_unpaced` are those that the server has, as they stood in `_in_flight`.
        """
        place = 0
        while place < len(self._unpaced):
            track, first, last, count, _, sent_ms = self._unpaced[place]
            took_ms = (now_ms - sent_ms) & TICKS_MASK_MS
            if took_ms >= UNCONFIRMED_MS_MAX or self._spool.logs[
                    track.log_index].ranges.skip(first) > last:
                self.pacing.confirmed(count, took_ms, now_ms)
                self._unpaced.pop(place)
            else:
                place += 1

    def _may_send(self, track, now_ms):
        if not self._session.can_publish(PAYLOAD_BYTES_MAX):
            return False
        live_count, backlog_count = self._in_flight_count
        free_count = self.window_count - live_count - backlog_count
        if not track.is_backlog:
            # One place is the backlog's, however slow the server confirms what is live.
            return free_count > 0 and live_count < self.window_count - 1
        return (free_count > (1 if backlog_count else 0)
                and self._unechoed_count < UNECHOED_COUNT_MAX
                and (now_ms - self._up_ms) & TICKS_MASK_MS >= BACKLOG_WAIT_MS
                and self.pacing.wait_ms(now_ms) == 0)

    def _send_snapshot(self, now_ms):
        """One payload of it in a step; live goes on meanwhile."""
        if not self.snapshot.is_due() or not self._may_send(self.tracks[0], now_ms):
            return
        payload = self.snapshot.build(self._batch, self.lag)
        if payload is not None:
            track = self.tracks[0 if self.snapshot.log_index == RECORDS else 1]
            # No key: each of its observations is also sent under its own.
            self._publish(track, payload, None, 0, now_ms)

    def _send(self, track, now_ms):
        if not track.prepare():
            return False
        part_seq = track.part_seq
        payload = self._batch.build(track, self.lag.member(track.log_index))
        if payload is None:
            return False
        if part_seq and self._batch.first <= part_seq <= self._batch.last:
            # It gave way between two of its parts, and is named as a gap.
            self._abandon(track.log_index, part_seq)
        backlog_count = self._batch.count if track.is_backlog else 0
        key = self._keys[track.log_index]
        key[2] = self._batch.first
        self._publish(track, payload, key, backlog_count, now_ms)
        self._unechoed_count += self._batch.count
        if backlog_count:
            self.pacing.sent(backlog_count)
        return True

    def _publish(self, track, payload, key, backlog_count, now_ms):
        batch = self._batch
        packet_id = self._session.publish(track.topic, payload, False, now_ms, key)
        self._in_flight[packet_id] = (track, batch.first, batch.last, backlog_count,
                                      batch.part_seq, now_ms)
        self._in_flight_count[track.is_backlog] += 1
        self._counters.batches_sent += 1


def _is_seq(value):
    return isinstance(value, int) and not isinstance(value, bool)
