"""SPEC section 2 once more, with plain integers that never wrap: what must be reported.

It shares no code with the device's suppression, and runs on both interpreters. Pure.
"""

from tidegate_tools.suppression_model import Bucket, Line, Quantity

FUSE_COUNT, FUSE_REFILL_MS = 60, 120_000
SHARED_COUNT, SHARED_REFILL_MS = 30, 240_000
RUN_QUIET_MS, RUN_COUNT_MAX = 60_000, 8
SUPPRESSED_ID = 4_002
CONTEXT = {710: 553, 721: 553, 723: 553}
REPORTED = "recorded"
# Verdicts under which a sample may be off by more than its bound.
EXCUSED = ("settling", "fused", "full")


class State:
    """One observation. `last` is None before its first report, else (value,)."""

    def __init__(self, quantity):
        self.quantity = quantity
        self.last = None
        self.boot(None)

    def boot(self, now_ms):
        """Nothing but the last report survives."""
        self.reported_ms = None
        self.beat_ms = now_ms
        self.was_beat = self.is_due = False
        self.newest = self.held = self.away_ms = self.stamped = self.line = None
        self.bucket = None
        # Of a deadband: the ends of its swing, on which side of its bound the last report lay (2:
        # its middle), and whether the middle is wanted.
        self.side, self.swings = 0, False
        self.ends = self.last and self.last * 2
        if self.last is not None and self.quantity.is_number:
            self.is_zero = abs(self.last[0]) <= self.quantity.zero_band
            self.line = Line(self.last[0], None)


class Rules:
    """Argument: rows, of a catalogue; phase of the device, 0..1023; accept(id, value, at_ms),
    asked for each report, says whether it became durable.
    """

    def __init__(self, rows, accept, phase=0):
        self.states = {row[0]: State(Quantity(row)) for row in rows}
        self._order = [row[0] for row in rows]
        self.accept = accept
        self._phase = phase
        self.boot()

    def boot(self):
        """Power returns."""
        self.now_ms = None
        self._runs = {}

    def begin(self, now_ms):
        """A turn begins."""
        if self.now_ms is None:
            self._shared = Bucket(SHARED_COUNT, SHARED_REFILL_MS, now_ms)
            for state in self.states.values():
                state.boot(now_ms)
                refill_ms = FUSE_REFILL_MS
                if state.quantity.policy == "trend":
                    refill_ms = min(refill_ms, state.quantity.hold_ms)
                state.bucket = Bucket(FUSE_COUNT, refill_ms, now_ms)
        self.now_ms = now_ms
        for state in self.states.values():
            due_ms = self._beat_due_ms(state)
            state.is_due = state.is_due or due_ms is not None and now_ms >= due_ms

    def _beat_due_ms(self, state):
        wait_ms = state.quantity.heartbeat_ms
        if not wait_ms or state.last is None:
            return None
        if not state.was_beat:
            wait_ms -= wait_ms // 2_048 * self._phase
        return state.beat_ms + wait_ms

    def sample(self, observation_id, value, stamp=None):
        """One sample. Result: the word for what became of it."""
        state = self.states.get(observation_id)
        if state is None or not state.quantity.accepts(value):
            verdict = "refused"
        elif stamp is not None and state.stamped == (stamp, value):
            verdict = "repeated"
        else:
            if stamp is not None:
                state.stamped = (stamp, value)
            verdict = self._judge(state, bytes(value) if isinstance(value, bytearray) else value)
            state.seen_ms = self.now_ms
        if verdict in ("fused", "full", "repeated", "refused"):
            self._run(observation_id, verdict)
        return verdict

    def _judge(self, state, value):
        quantity = state.quantity
        if state.last is None:
            return self._report(state, value, self.now_ms, True)
        if quantity.policy == "trend":
            return self._judge_trend(state, value)
        stands = self._stands_for(state, value)
        if quantity.policy == "deadband" and value != state.last[0]:
            state.ends = min(state.ends[0], value), max(state.ends[1], value)
            stands = stands and (
                state.is_zero and quantity.zero_band > 0 or not self._is_wanted(state, value))
        if not stands:
            verdict = self._report(state, value, self.now_ms, self._passes(state, value))
            if verdict in ("settling", "fused") or verdict == "full" and state.newest:
                self._keep(state, value)
            return verdict
        state.newest = None
        if state.is_due:
            return self._report(state, value, self.now_ms, True, True)
        return "unchanged" if value == state.last[0] else "within_bound"

    def _stands_for(self, state, value):
        """Whether a deadband's or exact last report says enough of a value."""
        quantity, last, band = state.quantity, state.last[0], state.quantity.zero_band
        if not quantity.is_number:
            return value == last
        if quantity.policy == "exact" or value == last:
            return value == last
        if band and state.is_zero:
            return abs(value) <= band + band // 4
        crosses = band and (abs(value) <= band or (value < 0) != (last < 0))
        return not crosses and abs(value - last) <= quantity.bound(last)

    def _passes(self, state, value):
        band = state.quantity.zero_band
        if not state.quantity.settle_ms:
            return True
        if not band:
            return False
        is_zero = abs(value) <= band
        return is_zero != state.is_zero or not is_zero and (value < 0) != (state.last[0] < 0)

    def _judge_trend(self, state, value):
        now_ms = self.now_ms
        if not state.line.reaches(value, now_ms):
            verdict = self._report(state, state.held[0], state.held[1], False)
            if verdict != REPORTED:
                self._keep(state, value)
                return verdict
        state.newest = None
        self._hold(state, value, now_ms)
        if state.is_due or state.away_ms is not None and self._is_held_long(state):
            verdict = self._report(state, value, now_ms, False, state.away_ms is None)
            if verdict != "settling":
                return verdict
        return "unchanged" if value == state.last[0] else "within_bound"

    def _hold(self, state, value, at_ms):
        bound = state.quantity.bound(state.line.value)
        state.held = (value, at_ms)
        state.line.pass_by(value, at_ms, bound)
        if abs(value - state.line.value) <= bound:
            state.away_ms = None
        elif state.away_ms is None:
            state.away_ms = at_ms

    def _keep(self, state, value):
        state.newest = (value,)

    def _settle_wait_ms(self, state):
        if state.reported_ms is None:
            return 0
        return max(0, state.reported_ms + state.quantity.settle_ms - self.now_ms)

    def _fuse_wait_ms(self, state):
        return min(state.bucket.wait_ms(self.now_ms), self._shared.wait_ms(self.now_ms))

    def _report(self, state, value, at_ms, passes, is_beat=False):
        if not passes and self._settle_wait_ms(state):
            return "settling"
        if self._fuse_wait_ms(state):
            return "fused"
        if state.quantity.id in CONTEXT:
            self._flush(self.states.get(CONTEXT[state.quantity.id]))
        if not self._record(state, value, at_ms, is_beat):
            return "full"
        bucket = self._shared if state.bucket.wait_ms(self.now_ms) else state.bucket
        bucket.take(self.now_ms)
        return REPORTED

    def _record(self, state, value, at_ms, is_beat):
        if not self.accept(state.quantity.id, value, at_ms):
            return False
        band = state.quantity.zero_band
        if state.quantity.is_number:
            was_zero = state.last is not None and state.is_zero
            state.is_zero = abs(value) <= band or (
                was_zero and band > 0 and abs(value) <= band + band // 4)
            state.line = Line(value, at_ms)
            self._swing(state, value)
        state.last = (value,)
        state.reported_ms = state.beat_ms = self.now_ms
        state.was_beat, state.is_due = is_beat, False
        state.newest = state.held = state.away_ms = None
        return True

    def _is_wanted(self, state, value):
        """Whether a value is the middle of a swing that wants one."""
        low, high = state.ends
        spare = 2 * state.quantity.bound(state.last[0]) - (high - low)
        return state.swings and spare >= 0 and 4 * abs(2 * value - low - high) <= max(spare, 1)

    def _swing(self, state, value):
        if state.last is None or state.quantity.policy != "deadband":
            state.ends = (value, value)
            return
        last = state.last[0]
        bound = state.quantity.bound(last)
        state.ends = min(state.ends[0], value), max(state.ends[1], value)
        if abs(value - last) <= bound:
            if self._is_wanted(state, value):
                state.side, state.swings = 2, False
            return
        side = 1 if value > last else -1
        is_back = state.side not in (0, side)
        if state.ends[1] - state.ends[0] > 2 * bound:
            state.ends, state.swings = (min(last, value), max(last, value)), False
        fits = state.ends[1] - state.ends[0] <= 2 * bound
        state.swings = fits and (state.swings or is_back)
        state.side = side

    def _let_go(self, state, passes):
        newest = state.newest
        verdict = self._report(state, state.held[0], state.held[1], passes)
        if verdict == REPORTED and newest is not None:
            self._hold(state, newest[0], state.seen_ms)
        return verdict

    def _flush(self, state):
        if state is None or state.quantity.policy != "trend":
            return
        for _ in range(2):
            is_told = state.held is None or state.held[0] == state.last[0] and not state.newest
            if is_told or self._let_go(state, True) != REPORTED:
                return

    def end(self):
        """A turn ends."""
        for observation_id in self._order:
            self._attend(self.states[observation_id])
        for key in sorted(self._runs):
            count, last_ms = self._runs[key]
            if self.now_ms - last_ms >= RUN_QUIET_MS:
                del self._runs[key]
                self._warn(key, count)

    def _attend(self, state):
        if state.newest is not None and state.quantity.policy == "trend":
            self._let_go(state, False)
        elif state.newest is not None:
            value = state.newest[0]
            self._report(state, value, state.seen_ms, self._passes(state, value))
        elif state.away_ms is not None and self._is_held_long(state):
            self._let_go(state, False)

    def _is_held_long(self, state):
        return self.now_ms >= state.away_ms + state.quantity.hold_ms

    def _run(self, observation_id, verdict):
        key = (observation_id, verdict)
        if key in self._runs:
            self._runs[key] = (self._runs[key][0] + 1, self.now_ms)
        elif len(self._runs) < RUN_COUNT_MAX:
            self._runs[key] = (1, self.now_ms)
            self._warn(key, 1)

    def _warn(self, key, count):
        state = self.states.get(SUPPRESSED_ID)
        if key[1] == "fused" and state is not None:
            self._record(state, "%d %d" % (key[0], count), self.now_ms, False)
