"""Is what a start no longer holds confirmed, or counted by the gap?"""

from crash.model import NO, NOTHING_GONE, TELEMETRY, covers, shown

# Sectors of these media hold fewer than 60 observations; a start makes way for at most two, and
# for one more with each block that fails.
GIVES_WAY_COUNT_MAX = 240


class Fault(Exception):
    """A promise was broken. Arguments: kind, a word or two; text, the facts."""

    def __init__(self, kind, text):
        super().__init__("%s: %s" % (kind, text))
        self.kind = kind


def compare_gone(log, found, each, first):
    """What is no longer held is confirmed, or in telemetry counted by the gap."""
    was_settled, was_gone = each.settled != NO, each.gone
    if found.gap is not None and found.gap.last >= first:
        raise Fault("gap", "log %d: it ends at %d, but %d is held" % (log, found.gap.last, first))
    first = max(first, each.first)
    if first - each.first > GIVES_WAY_COUNT_MAX:
        raise Fault("gave way", "log %d: all up to %d, before that only up to %d"
                    % (log, first - 1, each.first - 1))
    each.give_way(first, shown(found.ranges))
    each.known, each.unnoted = shown(found.ranges), 0
    gap = found.gap
    for low, high in _unconfirmed(found.ranges, first):
        if gap is not None and gap.first <= low and high <= gap.last:
            continue
        for seq in range(low, high + 1):
            if not found.geometry.flash.reprogram and covers(each.confirmed, seq, seq):
                # Erased before that was noted, where starts have used the reserve up.
                continue
            if each.must_hold(seq) and not (
                    log == TELEMETRY and gap is not None and gap.first <= seq <= gap.last):
                raise Fault("lost", "log %d seq %d gave way unconfirmed and uncounted; %r; gap %r"
                            % (log, seq, each.get(seq), gap and (gap.first, gap.last)))
    if log == TELEMETRY:
        _compare_gap(gap, found.ranges.watermark, each, (was_settled, was_gone, first))


def _compare_gap(gap, watermark, each, before):
    was_settled, was_gone, first = before
    if gap is None:
        if each.gone[0] and each.gone[3] > watermark:
            raise Fault("gap", "none is told, %r gave way" % (each.gone,))
        each.gone, each.settled = NOTHING_GONE, NO
        return
    low, high = each.gone[:2]
    if was_settled:
        # That the receiver was told of the last one may have been forgotten, or not.
        low, high = min(low, was_gone[0]), high + was_gone[1]
        if each.gone == was_gone and gap.first > was_gone[3]:
            # Another one, of what nothing is held of or whose confirmation was forgotten.
            low = 0
    if gap.count > high:
        # Of what gives way in a start, confirmations that were not yet noted are unknown.
        high += _known_again(each, first)
    if not low <= gap.count <= high:
        raise Fault("gap", "%d..%d with %d, not %d to %d"
                    % (gap.first, gap.last, gap.count, low, high))
    # Damaged ones before the first that is held may join it later.
    behind = [seq for seq in range(gap.last + 1, first) if not covers(each.known, seq, seq)]
    each.gone = (gap.count, gap.count + len(behind), gap.first, gap.last, max([gap.last] + behind))
    each.settled = NO


def _known_again(each, first):
    count = 0
    for seq in range(max(1, first - GIVES_WAY_COUNT_MAX), first):
        if not covers(each.known, seq, seq):
            count += 1
    return count


def _unconfirmed(ranges, end):
    """Intervals below `end` that a log shows as not confirmed."""
    found = []
    start = ranges.watermark + 1
    for low, high in ranges.ranges:
        if start < low and start < end:
            found.append((start, min(low, end) - 1))
        start = high + 1
    if start < end:
        found.append((start, end - 1))
    return found
