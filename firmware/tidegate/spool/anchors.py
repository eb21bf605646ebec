"""The anchors of the boots that a spool still refers to: what tied each of them to UTC, or between
which moments one lies that never was."""

from tidegate.limits import ANCHOR_COUNT_MAX

RTC, SYNCED = 2, 3
# Codes beside the qualities, on flash: a boot without a tie that is known not to have begun
# before a moment; BOUNDED + n: and at most n ms after it.
FLOOR, BOUNDED = 4, 5
# Three varints: of 32 bits, of the years to 2100, of up to 35 years.
_ENTRY_BYTES_MAX = 5 + 6 + 6


class Anchors:
    """At most ANCHOR_COUNT_MAX of them; the oldest boot is forgotten first.

    `boots` is {boot: (UTC of its moment 0 in ms since 1970, quality or code)}.
    """

    def __init__(self):
        self.boots = {}
        self._floors = {}

    def put(self, boot, utc_zero_ms, quality, overrides=True):
        """Take the anchor of a boot, unless one is known and this one does not override it."""
        if boot in self.boots and not overrides:
            return
        self.boots[boot] = (utc_zero_ms, quality)
        if quality == SYNCED and boot in self._floors:
            self._bound(boot, utc_zero_ms - self._floors[boot])
        if len(self.boots) > ANCHOR_COUNT_MAX:
            oldest = min(self.boots)
            del self.boots[oldest]
            self._floors.pop(oldest, None)

    def get(self, boot):
        """(UTC of its moment 0 or None, quality) of a boot."""
        found = self.boots.get(boot, (None, 0))
        return found if found[1] < FLOOR else (None, 0)

    def bounds(self, boot):
        """Of a boot without a tie: (UTC in ms before which it did not begin, how many ms later it
        began at most), each None where that is unknown."""
        utc_ms, code = self.boots.get(boot, (None, 0))
        if code < FLOOR:
            return None, None
        return utc_ms, code - BOUNDED if code >= BOUNDED else None

    def follow(self, boot, before, end_ms):
        """A boot began when the one before was `end_ms` old, or older: where that was dated by a
        server, or is bounded, so is this one from below."""
        utc_ms, quality = self.boots.get(before, (None, 0))
        if utc_ms is None or quality == RTC:
            utc_ms = self._floors.get(before)
        if utc_ms is not None:
            self._floors[boot] = utc_ms + end_ms
            if boot not in self.boots:
                self.put(boot, utc_ms + end_ms, FLOOR)

    def _bound(self, boot, slack_ms):
        """A boot is dated: those without a tie right before it began at most so much later than
        it would have begun, had no time passed between them."""
        while self.boots.get(boot - 1, (None, 0))[1] >= FLOOR:
            boot -= 1
            code = BOUNDED + slack_ms if slack_ms >= 0 else FLOOR
            self.boots[boot] = (self.boots[boot][0], code)

    def put_in(self, writer):
        """Write them into the note that was begun while it has room: ties first, the newest boots
        first."""
        for is_tied in (True, False):
            for boot in sorted(self.boots, reverse=True):
                utc_ms, code = self.boots[boot]
                if (code < FLOOR) == is_tied and writer.room_bytes() >= _ENTRY_BYTES_MAX:
                    writer.put_varint(boot)
                    writer.put_varint(utc_ms)
                    writer.put_varint(code)
