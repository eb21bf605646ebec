"""The agent: one turn is one call of `step`, which does bounded work and returns."""

from tidegate.clock.monotonic import Monotonic
from tidegate.clock.servers import TimeServers
from tidegate.config import reset
from tidegate.config.servers import servers
from tidegate.config.store import Store, load
from tidegate.configuring import Configuring
from tidegate.console.console import Console
from tidegate.diag import trail, watch
from tidegate.diag.counters import Counters
from tidegate.errors import SpoolError
from tidegate.hal.nor import RamFlash
from tidegate.limits import (
    DRAIN_POLL_MS, PHASE_COUNT, RESOLVE_POLL_MS, SAMPLE_PERIOD_MS, SPARE_BLOCK_BYTES,
    SPARE_BLOCK_COUNT, STORE_ID_BYTES, TICKS_MASK_MS, TURN_WAIT_MS_MAX,
)
from tidegate.link import profiles, session
from tidegate.link.backoff import Backoff
from tidegate.link.chance import Chance
from tidegate.link.endpoints import Endpoints
from tidegate.link.resolver import Resolver
from tidegate.observe.catalogue import LOG_NAMES, RECORDS, Catalogue
from tidegate.observe.policy import Policies
from tidegate.observe.sampler import Sampler
from tidegate.observe.suppress import Suppressor
from tidegate.presence import Presence
from tidegate.reconnect import Reconnect
from tidegate.remote import Remote
from tidegate.spool.crc import FIRST, crc24
from tidegate.spool.spool import Spool
from tidegate.timekeeping import Timekeeping
from tidegate.uplink.codecs import codec_of
from tidegate.uplink.uplink import Uplink
from tidegate.verbs import Verbs
from tidegate.vitals import Vitals


class Agent:
    """Joins all parts.

    Arguments: ports, an object with clock, entropy, flash, keep, memory, network, scratch,
    terminal, watchdog, name (of the board), reset_cause (a number); source, with
    step(elapsed_ms, emit), elapsed_ms counting from UTC moment `scenario_utc_ms`; configuration, a
    `config.store.Store`, or what the factory gave, on top of which what was set later is loaded;
    simple, the module umqtt.simple.
    Errors: SpoolError where the flash region is too small. One that holds something else, or a
    newer format, is set aside: the agent works in RAM and says so.
    """

    def __init__(self, ports, source, configuration, simple, scenario_utc_ms=0):
        store = configuration
        if not isinstance(store, Store):
            store = load(ports.keep, configuration)
        configuration = store.running
        self._ports = ports
        self._source = source
        self._scenario_utc_ms = scenario_utc_ms
        self.monotonic = Monotonic(ports.clock.ticks_mask_ms)
        self.monotonic.update(ports.clock.ticks_ms())
        self.counters = Counters()
        reset.finish(ports)
        self.console = Console(self, ports, configuration)
        self.trail = trail.Trail(self.monotonic, self.console.say)
        self.timekeeping = Timekeeping(ports.clock, self.monotonic, self.trail, self.counters)
        catalogue = Catalogue()
        self.policies = Policies(catalogue, configuration["policies"], ports.keep, self.trail)
        identity = configuration["device_id"].encode()
        suppressor = Suppressor(catalogue, crc24(FIRST, identity, 0, len(identity)) % PHASE_COUNT)
        self.suppressor = suppressor
        self.spool = self._start_spool(suppressor)
        chance = Chance(ports.entropy.random_bytes, identity)
        self.names = Resolver(ports.network, ports.keep, chance.below)
        self._ask_time_servers(configuration["time_servers"], chance.below)
        self.profile = profiles.make(configuration, chance.below)
        self.session = session.Session(ports.network, self.names, self.profile, simple, self)
        codec = codec_of(configuration["codec"], catalogue, self.session.wire.payload_room)
        self.uplink = Uplink(
            self.spool, (self.timekeeping.anchor, self.monotonic), self.session,
            configuration["device_id"], configuration["confirm"] == "echo", self.counters,
            codec, suppressor)
        self.presence = Presence(self, configuration["device_id"], ports.name)
        self.backoff = Backoff(chance.below)
        self.configuring = Configuring(self, store, suppressor)
        self.verbs = Verbs(self, suppressor)
        self.remote = Remote(self, suppressor, configuration["device_id"],
                             configuration["command_key"].encode(), ports.keep)
        self.endpoints = Endpoints(len(servers(configuration)), chance.below)
        self.reconnect = Reconnect(self, ports.network, configuration, suppressor)
        self.sampler = Sampler(
            catalogue, suppressor, self.spool.append, self.counters, self.trail)
        self.sampler.adopt(self.policies.rows())
        self._offer = self.sampler.offer
        self._sampled_ms = self.monotonic.now_ms - SAMPLE_PERIOD_MS
        self._told_refused_count = 0
        self.vitals = Vitals(self, ports, suppressor, store)
        self._watch = self.vitals.watch

    def step(self, ticks_ms):
        """One turn. Argument: the clock port's ticks. Result: ms until it has something to do."""
        now_ms = self.monotonic.update(ticks_ms)
        self._watch.begin(ticks_ms)
        self._sample(now_ms)
        self._watch.enter(watch.LINK)
        self.reconnect.step(now_ms)
        wait_ms = self._exchange(now_ms)
        self._watch.enter(watch.CONSOLE)
        wait_ms = min(wait_ms, self.console.step(now_ms))
        self._watch.end()
        return wait_ms

    def drain(self, ticks_ms):
        """A turn that takes no more samples and opens no session, before an orderly end.

        Result: ms until there is something to do; -1 when nothing is left that this session
        could still get confirmed.
        """
        now_ms = self.monotonic.update(ticks_ms)
        wait_ms = self._exchange(now_ms)
        if self.session.phase != session.UP or not self.uplink.unconfirmed_count():
            return -1
        return max(wait_ms, DRAIN_POLL_MS)

    def _exchange(self, now_ms):
        batch_count = self._batch_count()
        self._watch.enter(watch.EXCHANGE)
        self.timekeeping.step(now_ms)
        self.session.step(now_ms)
        self.uplink.step(now_ms)
        self.remote.step(now_ms)
        self.verbs.step(now_ms)
        self.configuring.step(now_ms)
        self.session.step(now_ms)
        self._watch.enter(watch.SPOOL)
        self.spool.idle(now_ms)
        # What went out or was confirmed has made room for more: go on until nothing moves.
        return self._wait_ms(now_ms) if self._batch_count() == batch_count else 0

    def _batch_count(self):
        return self.counters.batches_sent + self.counters.batches_confirmed

    def close(self):
        """End in order: what is confirmed is noted, the session says goodbye."""
        self.presence.leave(self.monotonic.now_ms)
        self.spool.close()
        self.trail.note(trail.INFO, "agent ended")

    def _ask_time_servers(self, names, random_below):
        ports = self._ports
        if names:
            self.timekeeping.servers = TimeServers(
                names, ports.network, Resolver(ports.network, ports.keep, random_below),
                random_below, ports.entropy.random_bytes, self.monotonic.now_ms)

    def _start_spool(self, suppressor):
        spool = Spool(self._ports.flash, self.monotonic, suppressor)
        try:
            was_blank = not spool.recover()
        except SpoolError as error:
            # What stands there may be a newer agent's: it is left as it is, and the charger boots.
            self.trail.note(trail.ALARM, "spool set aside, nothing survives a power cut",
                            why=str(error).replace(" ", "-"))
            spare = RamFlash(SPARE_BLOCK_COUNT, block_bytes=SPARE_BLOCK_BYTES)
            spool = Spool(spare, self.monotonic, suppressor)
            was_blank = not spool.recover()
        now_ms = self.monotonic.now_ms
        store_id = self._ports.entropy.random_bytes(STORE_ID_BYTES) if was_blank else b""
        spool.start(store_id, self._ports.reset_cause, now_ms)
        for log, found in zip(spool.logs, spool.report):
            self.trail.note(
                trail.WARNING if found.is_cut or found.lost_count else trail.INFO, "spool found",
                log=LOG_NAMES[log.geometry.log], boot=spool.boot, sectors=found.sector_count,
                read=found.observation_count, next_seq=log.next_seq,
                watermark=log.ranges.watermark, cut=int(found.is_cut), lost=found.lost_count,
                retired=len(found.retired))
        self.timekeeping.start(spool)
        return spool

    def _sample(self, now_ms):
        late_ms = (now_ms - self._sampled_ms) & TICKS_MASK_MS
        if late_ms < SAMPLE_PERIOD_MS:
            return
        on_time = late_ms < 2 * SAMPLE_PERIOD_MS
        self._sampled_ms = (self._sampled_ms + SAMPLE_PERIOD_MS if on_time else now_ms)
        self._sampled_ms &= TICKS_MASK_MS
        self.timekeeping.take()
        mono_ms = self.monotonic.total_ms(now_ms)
        elapsed_ms, utc_ms = mono_ms, self.timekeeping.time_ms(now_ms)
        if utc_ms is not None:
            elapsed_ms = utc_ms - self._scenario_utc_ms
        self.sampler.begin_turn(now_ms)
        self.vitals.sampled(now_ms)
        if not self.vitals.boot.is_safe:
            if hasattr(self._source, "turn"):
                self._source.turn(self.spool.boot, mono_ms)
            self._source.step(elapsed_ms, self._offer)
        self.sampler.end_turn()
        self._watch_records()
        if self.trail.shows_debug:
            self.trail.note(trail.DEBUG, "sampled", recorded=self.counters.recorded)

    def _watch_records(self):
        """Records that found no room are an alarm."""
        count = self.spool.logs[RECORDS].refused_count
        if trail.has_doubled(self._told_refused_count, count):
            self._told_refused_count = count
            self.trail.note(trail.ALARM, "records full, observations refused", count=count,
                            unconfirmed=self.uplink.unconfirmed_count())

    def _wait_ms(self, now_ms):
        wait_ms = SAMPLE_PERIOD_MS - ((now_ms - self._sampled_ms) & TICKS_MASK_MS)
        if self.session.phase == session.IDLE:
            wait_ms = min(wait_ms, self.backoff.wait_ms(now_ms))
        elif self.session.phase == session.RESOLVE:
            wait_ms = min(wait_ms, RESOLVE_POLL_MS)
        return max(0, min(wait_ms, self.timekeeping.wait_ms(now_ms), TURN_WAIT_MS_MAX))

    # What the session reports.

    def on_up(self, now_ms):
        """The session stands: birth first, then live, then the backlog."""
        self.counters.sessions += 1
        self.vitals.born()
        is_elsewhere = self.reconnect.up(now_ms)
        self.presence.born(self.uplink.session_up(now_ms, is_elsewhere), now_ms)
        self.trail.note(trail.INFO, "session up", session=self.presence.count)
        self.reconnect.report(now_ms)

    def on_down(self, phase, cause, now_ms):
        """The session ended, or an attempt failed."""
        self.uplink.session_down()
        self.console.watch.down(phase, cause, now_ms)
        self.reconnect.down(phase, cause, now_ms)

    def on_puback(self, packet_id, now_ms):
        """The server confirmed one publish."""
        if self.trail.shows_debug:
            self.trail.note(trail.DEBUG, "confirmed", packet=packet_id)
        self.uplink.on_puback(packet_id, now_ms)
        self.console.watch.on_puback(packet_id, now_ms)

    def on_message(self, topic, payload, now_ms):
        """A message of a topic this session subscribed to."""
        if self.trail.shows_debug:
            self.trail.note(trail.DEBUG, "received", size=len(payload))
        self.remote.take(topic, payload, now_ms)

    def on_oversized(self, topic, payload_bytes, now_ms):
        """One whose payload was larger than the buffer, and dropped."""
        self.remote.take(topic, None, now_ms, payload_bytes)
