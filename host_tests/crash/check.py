"""Does a start show what the model holds? And cuts, each with the starts that follow it."""

from fakes import Random
from crash.gone import GIVES_WAY_COUNT_MAX, Fault, compare_gone
from crash.model import LOGS, covers, shown
from crash.torn import TornFlash, redrawn
from crash.workload import IDS, World, any_value, store_id

from tidegate.errors import SpoolError

# How far behind the last observation reading begins where nothing older can have changed.
NEAR_COUNT = 48
# A frame of these media has room for so many; one of 256 bytes for all that are remembered.
ANCHORS_PER_NOTE = 4


def compare(world, is_full=True, consumed=None):
    """Judge a world just started, and bring its state up to what was shown.

    Arguments: is_full, False to read only the newest observations; consumed, (log, seq) of an
    append under way whose slot reads as neither whole nor erased, where the rules of SPEC 7.5 say
    that a seq not shown is used up. Errors: Fault.
    """
    spool, state = world.spool, world.state.copy()
    if state.boot and spool.store_id != state.store_id:
        raise Fault("store id", "%r, not %r" % (spool.store_id, state.store_id))
    if spool.boot <= state.boot:
        raise Fault("boot repeated", "%d after %d" % (spool.boot, state.boot))
    state.boot, state.store_id = spool.boot, spool.store_id
    for log in LOGS:
        _compare_confirmed(log, spool.logs[log], state.logs[log])
        found = _compare_read(world, log, state, is_full)
        compare_gone(log, spool.logs[log], state.logs[log], found)
        _compare_next(log, spool.logs[log], state.logs[log], consumed)
    _compare_latest(world, state)
    _compare_anchors(spool, state)
    world.take(state)


def _compare_confirmed(log, found, state):
    """Never more than the receiver has, and at most what was not due less."""
    for first, last in shown(found.ranges):
        if not covers(state.confirmed, first, last):
            raise Fault("confirmed", "log %d shows %d..%d as confirmed, the receiver has %r"
                        % (log, first, last, state.confirmed))
    missing_count = 0
    for first, last in state.known:
        missing_count += found.ranges.missing_count(first, last)
    if missing_count > state.unnoted:
        raise Fault("unconfirmed again", "log %d: %d observations, %d were not yet due; %r, not %r"
                    % (log, missing_count, state.unnoted, shown(found.ranges), state.known))


def _compare_read(world, log, state, is_full):
    """All that was accepted, in order, and nothing else. Result: the first seq held."""
    each = state.logs[log]
    first = world.first_held(log)
    start = first if is_full else max(first, each.last - NEAR_COUNT)
    cursor = world.spool.cursor(log)
    cursor.seek(start)
    frame = cursor.frame
    before = start - 1
    while cursor.next():
        seq = cursor.seq
        fields = (cursor.boot, cursor.mono_base_ms + frame.delta_ms, frame.observation_id,
                  frame.value)
        if seq != before + 1:
            _compare_hole(log, cursor, each, before, seq)
        before = seq
        held = each.get(seq)
        if held is None:
            if (seq, fields) not in each.pending:
                raise Fault("invented", "log %d seq %d: %r" % (log, seq, fields))
            state.accept(log, seq, fields)
            each.pending = ()
        elif held != fields:
            raise Fault("changed", "log %d seq %d: %r, not %r" % (log, seq, fields, held))
    for seq in range(before + 1, each.last + 1):
        if each.must_hold(seq):
            raise Fault("lost", "log %d seq %d at the end, %r; read up to %d"
                        % (log, seq, each.get(seq), before))
    return first


def _compare_hole(log, cursor, each, before, seq):
    """Seqs that were passed over hold nothing, and the cursor says so."""
    if seq <= before:
        raise Fault("reordered", "log %d seq %d after %d" % (log, seq, before))
    for passed in range(before + 1, seq):
        # What was confirmed and oldest may be half erased already, for a head that is gone again;
        # where a unit takes one program and starts have used the reserve up, before that is noted.
        is_confirmed = not cursor.log.ranges.missing_count(passed, passed) or (
            not cursor.log.geometry.flash.reprogram and covers(each.confirmed, passed, passed))
        is_given_way = is_confirmed and passed < each.first + GIVES_WAY_COUNT_MAX
        if each.must_hold(passed) and not is_given_way:
            raise Fault("lost", "log %d seq %d, %r; read %d, then %d"
                        % (log, passed, each.get(passed), before, seq))
    hole = cursor.take_hole()
    if hole is None or hole[0] > before + 1 or hole[1] != seq - 1:
        raise Fault("hole", "log %d tells %r of what lies between %d and %d"
                    % (log, hole, before, seq))


def _compare_next(log, found, each, consumed):
    """A seq that was shown is not given out again, and few are skipped."""
    if found.next_seq <= each.last:
        raise Fault("seq reused", "log %d goes on with %d, %d was used"
                    % (log, found.next_seq, each.last))
    if consumed == (log, each.next_seq) and each.last < each.next_seq == found.next_seq:
        raise Fault("seq reused", "log %d gives %d out again, whose slot cannot be read"
                    % (log, found.next_seq))
    if found.next_seq > each.next_seq + 2:
        raise Fault("seqs skipped", "log %d goes on with %d, not %d"
                    % (log, found.next_seq, each.next_seq))
    each.next_seq = found.next_seq


def _compare_latest(world, state):
    latest = world.latest.all()
    if latest != state.latest:
        for observation_id in set(latest) | set(state.latest):
            got, held = latest.get(observation_id), state.latest.get(observation_id)
            if got != held and not (held and held[1] in state.logs[held[0]].damaged):
                raise Fault("latest", "id %d: %r, not %r" % (observation_id, got, held))
        state.latest = latest


def _compare_anchors(spool, state):
    """Every anchor that was noted, of boots whose observations are held."""
    pending = state.pending_anchor
    state.pending_anchor = None
    anchors = {}
    newest = sorted(state.anchors)[-ANCHORS_PER_NOTE:]
    for boot in state.anchors:
        got, held = spool.anchors.get(boot), state.anchors[boot]
        if got != held and pending != (boot, got):
            if boot in newest and _is_referred_to(state, boot):
                raise Fault("anchor", "boot %d: %r, not %r" % (boot, got, held))
            continue
        anchors[boot] = got
    if pending is not None and pending[0] not in anchors:
        got = spool.anchors.get(pending[0])
        if got == pending[1]:
            anchors[pending[0]] = got
    state.anchors = anchors


def _is_referred_to(state, boot):
    for each in state.logs:
        for seq in range(each.first, each.last + 1):
            fields = each.get(seq)
            if fields is not None and fields[0] == boot and not covers(each.confirmed, seq, seq):
                return True
    return False


def started(flash, state, number, reading, consumed=None):
    """A world on a flash that was cut, started and judged. Errors: Fault."""
    world = World(flash, state)
    try:
        world.recover()
        if flash.program_count or flash.erase_count:
            raise Fault("recover wrote", "a start may only read until it is asked to go on")
        world.start(store_id(number))
    except SpoolError as error:
        raise Fault("no start", str(error)) from None
    compare(world, reading.is_full(world.spool), consumed)
    return world


def exercise(world, chance):
    """What a device does first after a cut: a few observations, at times many."""
    count = 2 if chance.below(12) else 30
    for _ in range(count):
        world.wait(chance.below(3_000))
        row = IDS[chance.below(5)] if chance.below(3) == 0 else IDS[0]
        world.append(row, any_value(row, chance))
    row = IDS[5 + chance.below(3)]
    world.append(row, any_value(row, chance))
    if chance.below(4) == 0:
        log = chance.below(2)
        low = world.spool.logs[log].ranges.watermark + 1
        if low < world.spool.logs[log].next_seq:
            world.confirm(log, low, low + chance.below(80))
    world.idle()
    if chance.below(6) == 0:
        world.close()


class Reading:
    """Whether a start is read from the tail on or only its newest observations: the latter where
    everything else was read before under the same bounds, and only the head has changed since."""

    def __init__(self):
        self._keys = []

    def forget(self):
        """Other blocks than the head's may have changed."""
        self._keys = []

    def is_full(self, spool):
        """Ask, and take it as done."""
        key = []
        for log in spool.logs:
            key += [log.oldest, log.number]
        if key in self._keys:
            return False
        self._keys.append(key)
        return True


def examine(medium, cut, seed, reading):
    """Start twice after a Cut, with a few observations in between.

    The first start knows nothing of what is unstable, so both kinds of the cut, with the bits of
    its operation firm and with them unstable, share it; the second start is made for both where
    bits were left unstable until then. Arguments: seed, of what happens between; reading, a
    Reading. Result: the journal of the first start. Errors: Fault.
    """
    chance = Random(seed)
    journal = []
    flash = TornFlash(medium, cut.image, cut.unstable(), journal)
    world = started(flash, cut.state.branch(), 1_001, reading, cut.consumed)
    exercise(world, chance)
    state = world.state
    firm = [each for each in flash.unstable if each[:2] != cut.region[:2]]
    for unstable in [firm] if firm == flash.unstable else [firm, flash.unstable]:
        image = redrawn(flash.image, unstable, chance)
        started(TornFlash(medium, image, unstable), state.branch(), 1_002, reading)
    return journal
