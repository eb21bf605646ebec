"""How the agent itself is: what it watches of itself, tells of itself, and does about it."""

import sys

from tidegate.diag import boot, health, pressure, trail, watch
from tidegate.diag.crumbs import ENDED, Crumbs
from tidegate.diag.place import place_of
from tidegate.limits import (
    COLLECT_PERIOD_MS, COLLECT_WAIT_MS, CRASH_RETRY_MS, ERASE_AHEAD_SHARE, PROGRESS_LOOK_MS,
    TICKS_MASK_MS,
)
from tidegate.link import session
from tidegate.observe.catalogue import CRASH_ID, HEALTH_ID, TELEMETRY


class Vitals:
    """Joins boot, watch, progress, pressure and health with the agent they are of.

    Arguments: agent, with its trail and its spool started; ports; suppressor; store, of the
    configuration, whose generation is followed.
    """

    def __init__(self, agent, ports, suppressor, store):
        self._agent = agent
        self._store = store
        self._memory = ports.memory
        self._suppressor = suppressor
        number = agent.spool.boot
        self._crumbs = Crumbs(ports.scratch)
        self.boot = boot.Boot(ports.keep, self._crumbs, number, ports.reset_cause,
                              store.generation)
        self._crumbs.begin(number)
        self.watch = watch.Watch(ports.clock, self._crumbs, agent.trail)
        self.progress = watch.Progress(agent.trail)
        self.pressure = pressure.Pressure()
        self.health = health.Health(agent)
        now_ms = agent.monotonic.now_ms
        self._looked_ms = self._collected_ms = now_ms
        # Whether a turn failed while the session was at work.
        self._is_doubtful = False
        self._offered_ms = (now_ms - CRASH_RETRY_MS) & TICKS_MASK_MS
        self._begin()

    def _begin(self):
        note, found = self._agent.trail.note, self.boot
        note(trail.INFO, "boot", number=found.number, cause=found.cause_name().replace(" ", "-"))
        if found.crash_count:
            crash = found.crash
            self.health.is_due = True
            note(trail.ALARM, "crashed before", boot=crash["boot"], part=crash["part"],
                 how=crash["how"].replace(" ", "-"), at=crash["at"], count=found.crash_count)
        if found.is_safe:
            note(trail.ALARM, "safe mode: nothing is sampled")
        row = self._suppressor.index(HEALTH_ID)
        seq = self._suppressor.seq(row)
        if seq and not self._restore(seq):
            note(trail.ALARM, "health of before not found, counters begin anew", seq=seq)

    def _restore(self, seq):
        cursor = self._agent.spool.cursor(TELEMETRY)
        cursor.seek(seq)
        return (cursor.next() and cursor.frame.observation_id == HEALTH_ID
                and self.health.restore(cursor.frame.value))

    def born(self):
        """A session stands: the first of a boot tells how the device is."""
        if self._agent.counters.sessions == 1:
            self.health.is_due = True

    def sampled(self, now_ms):
        """In each turn that takes samples, before them, since these may fail: tell what is to be
        told, look at what gets on."""
        agent = self._agent
        up_s = agent.monotonic.total_ms(now_ms) // 1_000
        self._crumbs.lived(up_s)
        if self._is_doubtful:
            if agent.session.phase == session.UP:
                agent.session.close(now_ms)
            self._is_doubtful = False
        if self.boot.configure(self._store.generation) or self.boot.step(up_s):
            self.health.is_due = True
            agent.trail.note(trail.WARNING, "safe mode left")
        if self.boot.is_pending:
            self._tell_crash(now_ms)
        if self.health.look(now_ms):
            agent.sampler.offer(HEALTH_ID, self.health.observation(now_ms))
        if (now_ms - self._looked_ms) & TICKS_MASK_MS >= PROGRESS_LOOK_MS:
            self._looked_ms = now_ms
            self._look(now_ms)

    def _tell_crash(self, now_ms):
        """What is told is the last durable value of its id: a cut between the two tells nothing
        twice, and no crash is forgotten before."""
        if (now_ms - self._offered_ms) & TICKS_MASK_MS < CRASH_RETRY_MS:
            return
        self._offered_ms = now_ms
        text, suppressor = self.boot.text(), self._suppressor
        self._agent.sampler.offer(CRASH_ID, text)
        row = suppressor.index(CRASH_ID)
        if suppressor.differs(row, suppressor.rows[row], text) is None:
            self.boot.told()

    def _look(self, now_ms):
        agent = self._agent
        uplink, log = agent.uplink, agent.spool.logs[TELEMETRY]
        unconfirmed_count = uplink.unconfirmed_count()
        recorded = sum([each.next_seq for each in agent.spool.logs])
        room_bytes = log.block_bytes - log.offset
        self.progress.look(
            (not self.boot.is_safe,
             agent.session.phase == session.UP and unconfirmed_count and uplink.pacing.ceiling,
             log.number >= 0 and log.prepared < 0
             and room_bytes < log.block_bytes // ERASE_AHEAD_SHARE),
            (agent.counters.sampled, recorded - unconfirmed_count, log.number))
        if self.pressure.ease(now_ms):
            self._shrink("memory suffices")

    def idle(self, wait_ms):
        """Nothing is to be done for a while: the one place where the heap is swept."""
        now_ms = self._agent.monotonic.now_ms
        if (wait_ms >= COLLECT_WAIT_MS
                and (now_ms - self._collected_ms) & TICKS_MASK_MS >= COLLECT_PERIOD_MS):
            self._collected_ms = now_ms
            self.health.swept(self._memory.collect())

    def failed(self, error):
        """A turn ended with an exception. How far the session's work had come is not known: it
        ends, and the next one sends again what was not confirmed. An attempt has its budgets."""
        agent, part = self._agent, self.watch.part
        if part in (watch.LINK, watch.EXCHANGE):
            self._is_doubtful = True
        place = ""
        if isinstance(error, MemoryError):
            self.health.swept(self._memory.collect())
            self.pressure.short(agent.monotonic.now_ms)
            self._shrink("memory short")
        else:
            place = place_of(error)
        agent.trail.note(trail.ALARM, "turn failed", error=type(error).__name__,
                         part=watch.PART_NAMES[part], at=place)
        if hasattr(sys, "print_exception"):
            sys.print_exception(error)
        agent.counters.turns_failed += 1

    def _shrink(self, event):
        self._agent.uplink.shrink(self.pressure.level)
        self._agent.trail.note(trail.WARNING, event, count=self.pressure.count,
                               halved=self.pressure.level)

    def crashed(self, how, error):
        """The boot ends because of an exception. Arguments: how, of `diag.boot`; error."""
        try:
            self._keep_crash(how, error)
        except MemoryError:
            # Room for the record: of what the loop used nothing is needed any more.
            agent = self._agent
            agent.uplink = agent.session = agent.remote = agent.sampler = agent.verbs = None
            self._memory.collect()
            self._keep_crash(how, error)

    def _keep_crash(self, how, error):
        agent = self._agent
        up_s = agent.monotonic.total_ms(agent.monotonic.now_ms) // 1_000
        text = "%s: %s" % (type(error).__name__, error)
        self.boot.crashed(how, (text, place_of(error)), watch.PART_NAMES[self.watch.part], up_s,
                          agent.trail.lines)
        agent.trail.note(trail.ALARM, "crashed", how=how.replace(" ", "-"),
                         error=type(error).__name__)
        self.ended()

    def ended(self):
        """The boot ends by itself; a reset that follows is no crash."""
        self._crumbs.enter(ENDED)
