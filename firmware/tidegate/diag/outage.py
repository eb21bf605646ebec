"""An outage as the operator is told of it once it is over. SPEC section 2, observation 4003."""

from tidegate.limits import OUTAGE_MS_MIN, TEXT_BYTES_MAX

POWER_UP = "power up"
# What stands behind the causes: those there is no room for, and the place of the server.
_REST_BYTES = len(',"other":99999},"server":99}')


class Outage:
    """Counts what fails between two sessions; the time before the first one is an outage, too.

    Causes are those of `link.causes`. Argument: mono_ms, ms since this boot's moment 0.
    """

    def __init__(self, mono_ms):
        self.lost(POWER_UP, mono_ms)

    def lost(self, cause, mono_ms):
        """A session ended with this cause."""
        self._how = cause
        self._began_ms = mono_ms
        self._attempt_count = 1
        self._causes = {}

    def failed(self, cause):
        """An attempt ended with this cause."""
        self._attempt_count += 1
        self._causes[cause] = self._causes.get(cause, 0) + 1

    def report(self, mono_ms, utc_ms, server):
        """The session is back.

        Arguments: mono_ms; utc_ms, now since 1970, or None while it is unknown; server, its place
        in the list. Result: JSON text of at most TEXT_BYTES_MAX bytes, or "" where there is
        nothing to tell: it was short, or the board has just started and nothing failed.
        """
        span_ms = mono_ms - self._began_ms
        if span_ms < OUTAGE_MS_MIN or self._how == POWER_UP and not self._causes:
            return ""
        if utc_ms is None:
            text = '{"ms":%d' % span_ms
        else:
            text = '{"from":%d,"to":%d' % (utc_ms - span_ms, utc_ms)
        text += ',"lost":"%s","attempts":%d,"causes":{' % (self._how, self._attempt_count)
        return text + self._told(TEXT_BYTES_MAX - len(text) - _REST_BYTES) + (
            '},"server":%d}' % server)

    def _told(self, room_bytes):
        """The causes, the most frequent first, as far as there is room for their names."""
        told, other_count = "", 0
        for count, cause in sorted([(-self._causes[cause], cause) for cause in self._causes]):
            each = '%s"%s":%d' % ("," if told else "", cause, -count)
            if len(told) + len(each) > room_bytes:
                other_count -= count
            else:
                told += each
        return told + ',"other":%d' % other_count if other_count else told
