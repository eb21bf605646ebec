"""The tracks on which observations leave: for each log, what is new and what is stored.

When a session comes up, the head of each log is its split. The live track sends what comes from
the split on, the backlog track what is unconfirmed below it, so each observation is sent once.
"""


class Track:
    """One of them.

    Arguments: cursor, of its log; log_index; is_backlog; topic. `limit` is the seq before which a
    backlog ends, None for a live track. `part_seq` is the seq of a value that is under way in
    parts, 0 for none, and `part_offset` where its next one begins.
    """

    def __init__(self, cursor, log_index, is_backlog, topic=b""):
        self.cursor = cursor
        self.log_index = log_index
        self.is_backlog = is_backlog
        self.topic = topic
        self.limit = None
        self._end = None
        self.part_seq = self.part_offset = 0

    def begin(self, split):
        """A session came up with its head at `split`."""
        self.part_seq = self.part_offset = 0
        if self.is_backlog:
            self.limit = split
            self.cursor.seek(self.cursor.log.ranges.skip(1))
        else:
            self.limit = None
            self.cursor.seek(split)

    def prepare(self):
        """Pass over what is confirmed. Result: whether there is something to send.

        A hole that was met is named first: the cursor stays behind it, and where what stands
        there is confirmed, or the live track's, the run ends before it has begun.
        """
        cursor = self.cursor
        if not self.is_backlog:
            return cursor.next_seq < cursor.log.next_seq
        ranges = cursor.log.ranges
        seq = ranges.skip(cursor.next_seq)
        if cursor.hole is not None:
            self._end = cursor.next_seq if seq != cursor.next_seq else ranges.end_before(seq)
        else:
            if seq != cursor.next_seq:
                cursor.seek(seq)
            self._end = ranges.end_before(seq)
        if self._end is None or self._end > self.limit:
            self._end = self.limit
        return cursor.hole is not None or seq < self._end

    def next(self):
        """Go to the next observation of this run. Result: False where the run ends."""
        cursor = self.cursor
        if self._end is None:
            return cursor.next()
        if cursor.next_seq >= self._end or not cursor.next():
            return False
        if cursor.seq < self._end:
            return True
        cursor.unread()
        if cursor.hole is not None and cursor.hole[1] >= self.limit:
            # What lies behind the split was the live track's to send.
            cursor.hole = (cursor.hole[0], self.limit - 1, cursor.hole[2])
        return False
