"""Where alerts go: lines, JSON lines, an MQTT topic, a Prometheus endpoint."""

import asyncio
import json
import time
from datetime import datetime, timezone

import aiomqtt
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from tidegate_tools.alerts import KINDS, DeviceState, State, StreamState, Watch
from tidegate_tools.errors import ToolError
from tidegate_tools.sink import ANSWER_S_MAX, QUIET, Link

TOPIC = "tidegate/1/fleet/alerts"


def read_state(archive, now_ms):
    """The State of a sink's database. Argument: archive, an Archive. Errors: StoreError."""
    streams, gaps = archive.standing()
    return State(
        now_ms, [StreamState(*row) for row in streams],
        [DeviceState(each.device, each.online, each.store, each.changed_ms)
         for each in archive.devices().values()], gaps)


def line(event):
    """`2026-01-15 20:41:01 RAISED lag: ...`."""
    at = datetime.fromtimestamp(event.at_ms // 1_000, timezone.utc)
    return "%s %s %s: %s" % (at.strftime("%Y-%m-%d %H:%M:%S"), event.change.upper(), event.kind,
                             event.text)


class Metrics:
    """Health and lag of each device, for Prometheus. Argument: port, of an HTTP server on
    loopback or wherever `address` says. Errors: ToolError where the port is taken."""

    def __init__(self, port, address="127.0.0.1"):
        registry = CollectorRegistry()

        def gauge(name, text, *labels):
            return Gauge("tidegate_" + name, text, labels, registry=registry)

        self._lag_s = gauge("lag_age_seconds", "Age of the oldest unconfirmed observation.",
                            "device", "log")
        self._lag_count = gauge("lag_observations", "Observations not confirmed.",
                                "device", "log")
        self._online = gauge("device_online", "1 while the device has a session.", "device")
        self._delay_s = gauge("live_delay_seconds", "How late the last live batch arrived.",
                              "device", "log")
        self._alerts = gauge("alerts", "Alerts that stand.", "kind")
        self._looked_s = gauge("looked_at_seconds", "Unix time of the last look.")
        try:
            self._server, _ = start_http_server(port, address, registry)
        except OSError as error:
            raise ToolError("no metrics on port %d: %s" % (port, error.strerror)) from error

    def show(self, state, watch):
        """Have the gauges say what stands."""
        current = {each.device: each.store for each in state.devices}
        for stream in state.streams:
            if current.get(stream.device, stream.store) == stream.store:
                labels = (stream.device, stream.log)
                self._lag_s.labels(*labels).set(stream.lag_age_s or 0)
                self._lag_count.labels(*labels).set(stream.lag_count)
                if stream.delay_ms is not None:
                    self._delay_s.labels(*labels).set(stream.delay_ms / 1_000)
        for device in state.devices:
            self._online.labels(device.device).set(device.online)
        for kind in KINDS:
            self._alerts.labels(kind).set(sum(key[0] == kind for key in watch.active))
        self._looked_s.set(state.now_ms / 1_000)

    def close(self):
        """End the HTTP server."""
        self._server.shutdown()
        self._server.server_close()


def link_of(text):
    """A Link out of `HOST:PORT`. Errors: ToolError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ToolError("--publish %r: a host and a port, such as 127.0.0.1:1883" % text)
    return Link(host, int(port))


class Publisher:
    """Publishes events; a broker that is away costs a complaint, not the watch."""

    def __init__(self, link, say):
        self._link = link
        self._say = say

    async def publish(self, events):
        """One message an event on TOPIC, QoS 1."""
        try:
            async with aiomqtt.Client(
                    self._link.host, self._link.port, username=self._link.username,
                    password=self._link.password, timeout=ANSWER_S_MAX, logger=QUIET) as client:
                for event in events:
                    await client.publish(TOPIC, json.dumps(event.to_json()), qos=1)
        except aiomqtt.MqttError as error:
            self._say("%d alerts were not published, the broker at %s:%d is away (%s)"
                      % (len(events), self._link.host, self._link.port, error))


async def run(archive, watch, period_s, tell, publisher=None, metrics=None):
    """Looks every `period_s` until cancelled.

    Arguments: archive; watch; tell(event), for each; publisher and metrics, or None.
    Errors: StoreError.
    """
    assert isinstance(watch, Watch)
    while True:
        state = read_state(archive, time.time_ns() // 1_000_000)
        events = watch.look(state)
        for event in events:
            tell(event)
        if metrics is not None:
            metrics.show(state, watch)
        if events and publisher is not None:
            await publisher.publish(events)
        await asyncio.sleep(period_s)
