"""The reference receiver: stores each key once, and echoes what it has committed.

The client library acknowledges a message to the broker when it arrives, before it is committed
here. That is no promise to anyone: what lets a device free its flash is the echo, and an echo is
made of committed rows only. A sink that is killed between the two has confirmed nothing, and the
device sends the same keys again.

What a device sent while no sink listened is gone, although the broker acknowledged it. A birth
that arrives retained is the sign: that session began before this sink listened. The echo that
answers it asks the device to send again what is not here; otherwise that would wait for the
device's next session.
"""

import asyncio
import logging
import random
import time
from dataclasses import dataclass

import aiomqtt

from tidegate_tools import shell
from tidegate_tools.decode import LOGS, PREFIX, UPWARD, Birth, decode
from tidegate_tools.errors import DecodeError
from tidegate_tools.store import Received

TRANSACTION_COUNT_MAX = 100
RETRY_S_MIN = 0.1
RETRY_S_MAX = 5.0
KEEP_ALIVE_S = 30
ANSWER_S_MAX = 5.0
# The broker's answers stand in line behind the messages for us: in a surge, seconds.
ECHO_S_MAX = 120.0
ECHOES_IN_FLIGHT_MAX = 1_000
# The library tells its troubles a second time, on standard error.
QUIET = logging.getLogger(__name__)
QUIET.setLevel(logging.CRITICAL + 1)
SUBSCRIPTIONS = [(PREFIX + "+/" + kind, 1) for kind in UPWARD]


@dataclass(frozen=True)
class Link:
    """Where the broker is, and the longest pause between two attempts to reach it."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    retry_s_max: float = RETRY_S_MAX


class Sink:
    """Moves messages from a broker into a Store.

    Arguments: store; link; say, called with one line of text when the link or a message is worth
    a word. `connected` is an asyncio.Event that is set while the subscriptions stand.
    """

    def __init__(self, store, link, say=lambda text: None):
        self._store = store
        self._link = link
        self._say = say
        self.connected = asyncio.Event()

    async def run(self):
        """Receives until cancelled; comes back by itself whenever the broker goes.

        Errors: StoreError where the database refuses: nothing is echoed then.
        """
        asyncio.get_running_loop().set_exception_handler(_ignore_lost_links)
        failures = 0
        while True:
            try:
                await self._connect_once()
            except aiomqtt.MqttError as error:
                if self.connected.is_set() or failures == 0:
                    self._say("the broker at %s:%d is away (%s): trying again"
                              % (self._link.host, self._link.port, error))
                failures = 1 if self.connected.is_set() else failures + 1
            finally:
                self.connected.clear()
            await asyncio.sleep(self._pause_s(failures))

    async def _connect_once(self):
        """One connection, from its beginning to its end. Errors: MqttError, StoreError."""
        cancelled = None
        try:
            async with self._client() as client:
                try:
                    await client.subscribe(SUBSCRIPTIONS)
                    self._say("receiving from %s:%d" % (self._link.host, self._link.port))
                    self.connected.set()
                    await Exchange(client, self._store, self._say).run()
                except asyncio.CancelledError as error:
                    cancelled = error
        finally:
            # Leaving may fail too: to be told to stop goes before whatever the link says then.
            if cancelled is not None:
                raise cancelled

    def _pause_s(self, failures):
        ceiling = min(self._link.retry_s_max, RETRY_S_MIN * 2 ** min(failures, 16))
        return random.uniform(ceiling / 2, ceiling)

    def _client(self):
        # The session stays with the broker, so that a sink that is away for a moment finds what
        # came meanwhile, where the broker keeps it. Its name belongs to the database.
        return aiomqtt.Client(
            self._link.host, self._link.port, username=self._link.username,
            password=self._link.password, clean_session=False, keepalive=KEEP_ALIVE_S,
            identifier="tidegate-sink-" + self._store.identity, timeout=ANSWER_S_MAX,
            max_inflight_messages=ECHOES_IN_FLIGHT_MAX, logger=QUIET)


class Exchange:
    """What happens on one connection: receive and commit on one hand, confirm on the other.

    The two hands are independent, so that a connection that ends is noticed at once, whatever
    answer is still awaited. Arguments: client, connected and subscribed; store; say.
    """

    def __init__(self, client, store, say):
        self._client = client
        self._store = store
        self._say = say
        # The newest echo of each stream that is to be sent.
        self._due = {}
        self._is_due = asyncio.Event()
        # Streams to be asked, and (device, store) asked, of sessions older than this connection.
        self._earlier = set()
        self._asked = set()

    async def run(self):
        """Errors: MqttError when the connection ends; StoreError."""
        hands = [asyncio.ensure_future(self._receive()), asyncio.ensure_future(self._confirm())]
        try:
            done, _ = await asyncio.wait(hands, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for hand in hands:
                await shell.end(hand)

    async def _receive(self):
        messages = self._client.messages
        while True:
            arrived = [self._take(await anext(messages))]
            # What came while the last commit was under way shares the next one.
            while len(messages) and len(arrived) < TRANSACTION_COUNT_MAX:
                arrived.append(self._take(await anext(messages)))
            items = [item for item in arrived if item is not None]
            if items:
                await self._commit(items)

    async def _commit(self, items):
        # Shielded: a commit under way when the sink is told to stop runs to its end.
        commit = asyncio.ensure_future(asyncio.to_thread(self._store.commit, items))
        try:
            echoes = await asyncio.shield(commit)
        except asyncio.CancelledError:
            await commit
            raise
        for echo in echoes:
            self._due[echo.device, echo.store, echo.log] = echo
            self._is_due.set()

    async def _confirm(self):
        """An echo does not wait for the answer to the one before: that comes behind whatever the
        broker holds for us, so one at a time would be one in the time of that whole line."""
        flying = set()
        try:
            while True:
                await self._is_due.wait()
                self._is_due.clear()
                due, self._due = self._due, {}
                for echo in due.values():
                    flying.add(asyncio.ensure_future(self._echo(echo)))
                    flying = await _landed(flying)
        finally:
            for each in flying:
                each.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _echo(self, echo):
        stream = (echo.device, echo.store, echo.log)
        is_again = stream in self._earlier
        self._earlier.discard(stream)
        payload = echo.payload(is_again, time.time_ns() // 1_000_000)
        await self._client.publish(echo.topic, payload, qos=1, timeout=ECHO_S_MAX)

    def _take(self, message):
        at_ms = time.time_ns() // 1_000_000
        topic = str(message.topic)
        if not message.payload:
            # A retained state that was cleared says nothing.
            return None
        try:
            content = decode(topic, message.payload)
        except DecodeError as error:
            self._say("refused a message on %s: %s" % (topic[:80], error))
            content = None
        if message.retain and isinstance(content, Birth):
            device = (content.device, content.store)
            if device not in self._asked:
                self._asked.add(device)
                self._earlier |= {(*device, log) for log in LOGS}
        return Received(at_ms, content)


async def _landed(flying):
    """Result: those still in flight, fewer than ECHOES_IN_FLIGHT_MAX. Errors: MqttError of one
    that failed."""
    while True:
        for each in [each for each in flying if each.done()]:
            flying.discard(each)
            each.result()
        if len(flying) < ECHOES_IN_FLIGHT_MAX:
            return flying
        await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)


def _ignore_lost_links(loop, context):
    """The client library leaves futures behind that nobody asks why they failed: we know why."""
    if not isinstance(context.get("exception"), aiomqtt.MqttError):
        loop.default_exception_handler(context)
