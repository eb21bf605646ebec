"""What a watchdog's reset leaves to be found: which part of which boot was running, and when."""

import struct

# Magic, part, boot, s since the boot began.
_FORM = "<3sBII"
_MAGIC = b"tgc"
ENDED = 255


class Crumbs:
    """Says in memory that outlives a reset what the agent is doing; allocates nothing.

    Argument: scratch, the port. Members: boot, part and up_s of what an earlier boot left, -1
    where it left nothing; an earlier boot that has ended by itself left part ENDED.
    """

    def __init__(self, scratch):
        self._scratch = scratch
        self._record = bytearray(struct.calcsize(_FORM))
        found = scratch.load()
        self.boot = self.part = self.up_s = -1
        if len(found) == len(self._record) and found[:3] == _MAGIC:
            _, self.part, self.boot, self.up_s = struct.unpack(_FORM, found)

    def begin(self, boot):
        """What is said from here on is of this boot."""
        struct.pack_into(_FORM, self._record, 0, _MAGIC, 0, boot, 0)

    def enter(self, part):
        """A part begins; a number of 0..255."""
        self._record[3] = part
        self._scratch.save(self._record)

    def lived(self, up_s):
        """So long has this boot lived, in s; what comes next says it."""
        struct.pack_into("<I", self._record, 8, up_s)
