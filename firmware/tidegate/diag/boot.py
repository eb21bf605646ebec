"""Boots: why the last one ended, what is told of it, and when it is better to do less.

A crash is an exception that nobody caught, turns that failed one after the other, or a reset by
the watchdog. It is kept until it is an observation; one that finds another still waiting is only
counted. No clock is needed: of each crash it is kept how long its boot had lived, and from the
first of five crashes to the last there passed at least what the last four of these boots lived.
"""

import json

from tidegate.diag.crumbs import ENDED
from tidegate.diag.watch import PART_NAMES, WAIT
from tidegate.limits import (
    CRASH_COUNT_MAX, CRASH_LINE_BYTES, CRASH_SPAN_S, CRASH_TRAIL_COUNT, SAFE_S, TEXT_BYTES_MAX,
)

# Numbers of `machine.reset_cause()` on ESP32, which other boards translate to.
CAUSE_NAMES = ("unknown", "power on", "hard reset", "watchdog", "deep sleep", "soft reset")
WATCHDOG = 3
EXCEPTION, TURNS_FAILED, BITTEN = "exception", "turns failed", "watchdog"
_NAME = "crash"
_WORD_BYTES = 64
_PLACE_BYTES = 32
_LINE_BYTES_MIN = 24


class Boot:
    """This boot, and what is kept of those before it.

    Arguments: keep, the port; crumbs, of an earlier boot; number and cause of this boot;
    generation, a number that changes with the configuration. Members: is_safe; crash, the last
    one as a dict, or None; crash_count, how many this boot found; is_pending, whether one is to
    be told.
    """

    def __init__(self, keep, crumbs, number, cause, generation=0):
        self._keep = keep
        self.number = number
        self.cause = cause
        self._generation = generation
        self._lives, self.crash, self._more, self.is_pending = _parsed(
            keep.load(_NAME), generation)
        has_ended = crumbs.boot == number - 1 and crumbs.part == ENDED
        if cause == WATCHDOG and not has_ended:
            is_known = crumbs.boot == number - 1 and 0 <= crumbs.part < len(PART_NAMES)
            self._add(number - 1, max(0, crumbs.up_s) if is_known else 0, BITTEN, ("", ""),
                      PART_NAMES[crumbs.part] if is_known else "", ())
        self.crash_count = self._more + 1 if self.is_pending else 0
        lives = self._lives
        self.is_safe = len(lives) == CRASH_COUNT_MAX and sum(lives[1:]) <= CRASH_SPAN_S

    def cause_name(self):
        """The reset cause in words."""
        known = 0 <= self.cause < len(CAUSE_NAMES)
        return CAUSE_NAMES[self.cause] if known else "%d" % self.cause

    def crashed(self, how, error, part, up_s, lines):
        """This boot ends with a crash.

        Arguments: how, one of the words above; error, (text, place in the source); part, its
        name; up_s, how long the boot has lived; lines, of the trail.
        """
        self._add(self.number, up_s, how, error, part, lines)

    def _add(self, number, up_s, how, error, part, lines):
        crash = None
        if not self.is_pending:
            # First, since memory may run out: then nothing has changed.
            crash = {
                "boot": number, "up_s": up_s, "how": how, "error": plain(error[0], _WORD_BYTES),
                "at": plain(error[1], _PLACE_BYTES), "part": part,
                "trail": [plain(line, CRASH_LINE_BYTES) for line in lines[-CRASH_TRAIL_COUNT:]]}
        if part != PART_NAMES[WAIT]:
            # Idle when it came: firmwares of the ESP32 call a brown-out a watchdog's reset. And
            # were it a stuck wait for the network, safe mode would not help.
            self._lives.append(up_s)
            del self._lives[:-CRASH_COUNT_MAX]
        if crash is None:
            self._more += 1
        else:
            self.crash, self.is_pending = crash, True
        self._save()

    def text(self):
        """The crash that is to be told, as SPEC section 2 says, in TEXT_BYTES_MAX bytes."""
        crash = self.crash
        text = '{"boot":%d,"up_s":%d,"how":"%s","error":"%s","at":"%s","part":"%s"' % (
            crash["boot"], crash["up_s"], crash["how"], crash["error"], crash["at"],
            crash["part"])
        if self._more:
            text += ',"more":%d' % self._more
        text += ',"trail":['
        told = ""
        for line in reversed(crash["trail"]):
            room_bytes = TEXT_BYTES_MAX - len(text) - len(told) - len('"",]}')
            if room_bytes >= _LINE_BYTES_MIN:
                line = line[:min(room_bytes, _WORD_BYTES)]
                told = '"%s"%s%s' % (line, "," if told else "", told)
        return text + told + "]}"

    def told(self):
        """It is an observation now, and is not told again."""
        self.is_pending = False
        self._more = 0
        self._save()

    def step(self, up_s):
        """So long has this boot lived. Result: whether safe mode is left."""
        if self._lives and up_s >= (SAFE_S if self.is_safe else CRASH_SPAN_S):
            return self._forget()
        return False

    def configure(self, generation):
        """Another configuration is in force: crashes with the one before say nothing of it.

        Result: whether safe mode is left.
        """
        if generation == self._generation:
            return False
        self._generation = generation
        return self._forget()

    def _forget(self):
        was_safe, self.is_safe = self.is_safe, False
        self._lives = []
        self._save()
        return was_safe

    def _save(self):
        self._keep.save(_NAME, json.dumps({
            "lives": self._lives, "generation": self._generation, "crash": self.crash,
            "more": self._more, "pending": self.is_pending}).encode())


def _parsed(record, generation):
    """(lives, crash, more, whether it is to be told) of a kept record; nothing of a damaged one.

    What crashed with another configuration is told, but says nothing of this one.
    """
    try:
        kept = json.loads(record)
        crash = kept["crash"]
        if crash is not None:
            # What `text` needs.
            crash["boot"] + crash["up_s"]
            for name in ("how", "error", "at", "part"):
                crash[name] + ""
            [line + "" for line in crash["trail"]]
        lives = [0 + each for each in kept["lives"]] if kept["generation"] == generation else []
        return lives, crash, 0 + kept["more"], bool(kept["pending"]) and crash is not None
    except (ValueError, KeyError, TypeError):
        return [], None, 0, False


def plain(text, count):
    """The first characters of a text, with what JSON would escape left out."""
    return "".join([each if " " <= each <= "~" and each not in '"\\' else "?"
                    for each in text[:count]])
