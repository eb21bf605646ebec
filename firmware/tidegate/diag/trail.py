"""The trail: the last events, in words, for whoever comes to look."""

from tidegate.limits import TRAIL_COUNT_MAX

DEBUG, INFO, WARNING, ALARM = range(4)
LEVEL_NAMES = ("DEBUG", "INFO", "WARNING", "ALARM")


def has_doubled(before, count):
    """Whether a count that grew from `before` has reached another of 1, 2, 4, 8 ..

    What may come in floods is told then only, so that it cannot wash the trail away. Its highest
    bit is another one where it differs from `before` by more than `before`.
    """
    return before ^ count > before


class Trail:
    """Keeps the last TRAIL_COUNT_MAX events, and hands each to `write` as it happens.

    What is worth a line only while somebody looks is a DEBUG event: handed on, never kept.
    Arguments: monotonic, the time; write(line), takes one line of text without its end.
    Members: lines; shows_debug, whether anybody looks.
    """

    def __init__(self, monotonic, write):
        self._monotonic = monotonic
        self._write = write
        self.lines = []
        self.shows_debug = False

    def note(self, level, event, **facts):
        """Note an event: a word or two, and facts as key=value, in order of their keys."""
        if level == DEBUG and not self.shows_debug:
            return
        line = "%d %s %s" % (
            self._monotonic.total_ms(self._monotonic.now_ms), LEVEL_NAMES[level], event)
        for key in sorted(facts):
            line += " %s=%s" % (key, facts[key])
        if level != DEBUG:
            self.lines.append(line)
        if len(self.lines) > TRAIL_COUNT_MAX:
            self.lines.pop(0)
        self._write(line)
