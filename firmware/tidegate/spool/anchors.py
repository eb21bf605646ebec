"""The anchors of the boots that a spool still refers to: what tied each of them to UTC."""

from tidegate.limits import ANCHOR_COUNT_MAX


class Anchors:
    """At most ANCHOR_COUNT_MAX of them; the oldest boot is forgotten first.

    `boots` is {boot: (UTC of its moment 0 in ms since 1970, quality)}.
    """

    def __init__(self):
        self.boots = {}

    def put(self, boot, utc_zero_ms, quality, overrides=True):
        """Take the anchor of a boot, unless one is known and this one does not override it."""
        if boot in self.boots and not overrides:
            return
        self.boots[boot] = (utc_zero_ms, quality)
        if len(self.boots) > ANCHOR_COUNT_MAX:
            del self.boots[min(self.boots)]

    def get(self, boot):
        """(UTC of its moment 0 or None, quality) of a boot."""
        return self.boots.get(boot, (None, 0))

    def put_in(self, writer):
        """Write them into the note that was begun, the newest boots first, while it has room."""
        for boot in sorted(self.boots, reverse=True):
            if writer.room_bytes() < 14:
                break
            writer.put_varint(boot)
            writer.put_varint(self.boots[boot][0])
            writer.put_varint(self.boots[boot][1])
