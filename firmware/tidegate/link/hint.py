"""What the operator says about the size of the fleet: checked, clamped, kept, forgotten."""

import json

from tidegate.limits import (
    HINT_AGE_S_MAX, HINT_BYTES_MAX, HINT_LOOK_MS, HINT_RATE_OBS_MAX, HINT_REDATE_S,
    HINT_SAVE_MS_MIN, HINT_WINDOW_S_MAX, HINT_WINDOW_S_MIN, TICKS_MASK_MS,
)

# A hint is a tuple: window in s, backlog rate in observations/s or -1 for none, the moment it ends
# in s of Unix time or 0 for none, whether it says that there is an outage, and when it came in s
# of Unix time, 0 while the time was unknown.
WINDOW_S, RATE_OBS, UNTIL_S, IS_OUTAGE, RECEIVED_S = range(5)
_KEYS = ("window_s", "backlog_obs_per_s", "until", "outage", "received")
OK, NO_JSON, NO_WINDOW, BAD_RATE, BAD_UNTIL, BAD_OUTAGE, STALE, TOO_LONG, MISSING = (
    "", "no JSON object", "window_s absurd", "backlog_obs_per_s absurd", "until absurd",
    "outage absurd", "stale", "too long", "missing")
_RECORD = "hint"


def check(payload, now_s):
    """Read what came on the hint's topic.

    Arguments: payload, bytes, None where it was too large to be read; now_s, Unix time in s, 0
    while it is unknown.
    Result: (a hint or None, what is wrong with it as one of the words above).
    The window is clamped to HINT_WINDOW_S_MIN..MAX, so that a hint can slow a fleet but not
    silence it, and `until` to HINT_AGE_S_MAX from now.
    """
    if payload is None or len(payload) > HINT_BYTES_MAX:
        return None, TOO_LONG
    try:
        given = json.loads(payload)
    except ValueError:
        return None, NO_JSON
    if not isinstance(given, dict):
        return None, NO_JSON
    window_s = given.get("window_s")
    rate_obs = given.get("backlog_obs_per_s", -1)
    until_s = given.get("until", 0)
    is_outage = given.get("outage", False)
    if not _is_count(window_s) or window_s == 0:
        return None, NO_WINDOW
    if rate_obs != -1 and not _is_count(rate_obs):
        return None, BAD_RATE
    if not _is_count(until_s):
        return None, BAD_UNTIL
    if not isinstance(is_outage, bool):
        return None, BAD_OUTAGE
    window_s = max(HINT_WINDOW_S_MIN, min(window_s, HINT_WINDOW_S_MAX))
    rate_obs = min(rate_obs, HINT_RATE_OBS_MAX)
    if now_s and until_s:
        until_s = min(until_s, now_s + HINT_AGE_S_MAX)
    hint = (window_s, rate_obs, until_s, is_outage, now_s)
    return (None, STALE) if is_stale(hint, now_s) else (hint, OK)


def is_stale(hint, now_s):
    """Whether a hint has ended: past its `until`, or older than HINT_AGE_S_MAX.

    While the time is unknown it holds: after a blackout a whole street boots without the time,
    and that is when the window is needed most.
    """
    if not now_s:
        return False
    if hint[UNTIL_S] and now_s >= hint[UNTIL_S]:
        return True
    return bool(hint[RECEIVED_S]) and now_s - hint[RECEIVED_S] >= HINT_AGE_S_MAX


def to_bytes(hint):
    """The record to keep in flash."""
    return json.dumps(dict(zip(_KEYS, hint))).encode()


def from_bytes(record, now_s):
    """Read the record back. Result as of `check`: what was clamped when it came stays clamped."""
    hint, wrong = check(record, 0)
    if hint is None:
        return None, wrong
    received_s = json.loads(record).get("received", 0)
    if not _is_count(received_s):
        return None, BAD_UNTIL
    hint = hint[:RECEIVED_S] + (received_s,)
    return (None, STALE) if is_stale(hint, now_s) else (hint, OK)


class Kept:
    """The hint that holds, through a reboot. Argument: keep, the port.

    What changes often is kept at most once in HINT_SAVE_MS_MIN, so that no stream of hints wears
    the flash; then the newest one is.
    Members to read: hint, None for none.
    """

    def __init__(self, keep):
        self._keep = keep
        self._saved = self.hint = None
        self._was_saved = False
        self._saved_ms = self._looked_ms = 0

    def recall(self, now_s):
        """Look for the hint of an earlier boot. Result: what is wrong, as of `check`, or MISSING.

        Argument: now_s, Unix time in s, 0 while it is unknown.
        """
        record = self._keep.load(_RECORD)
        if not record:
            return MISSING
        self.hint, wrong = from_bytes(record, now_s)
        # What cannot be used is forgotten, as soon as something may be saved.
        self._saved = self.hint or ()
        return wrong

    def take(self, hint, now_ms):
        """That hint holds from now on, or none."""
        self.hint = hint
        self._save(now_ms)

    def is_due(self, now_ms):
        """Whether it is time to `look`."""
        return (now_ms - self._looked_ms) & TICKS_MASK_MS >= HINT_LOOK_MS

    def look(self, now_s, now_ms):
        """Result: whether the hint has ended. One that came without a date gets that of now."""
        self._looked_ms = now_ms
        hint = self.hint
        has_ended = hint is not None and is_stale(hint, now_s)
        if has_ended:
            self.hint = None
        elif hint is not None and now_s and not 0 < hint[RECEIVED_S] <= now_s:
            self.hint = hint[:RECEIVED_S] + (now_s,)
        self._save(now_ms)
        return has_ended

    def _save(self, now_ms):
        since_ms = (now_ms - self._saved_ms) & TICKS_MASK_MS
        is_early = self._was_saved and since_ms < HINT_SAVE_MS_MIN
        if is_early or _is_as_good(self._saved, self.hint):
            return
        if self._keep.save(_RECORD, to_bytes(self.hint) if self.hint else b""):
            self._saved = self.hint
        self._was_saved, self._saved_ms = True, now_ms


def _is_as_good(saved, hint):
    """Whether what is saved needs no renewal: the same, and not much older."""
    if not saved or not hint:
        return saved == hint
    is_near = abs(hint[RECEIVED_S] - saved[RECEIVED_S]) < HINT_REDATE_S
    return is_near and saved[:RECEIVED_S] == hint[:RECEIVED_S]


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
