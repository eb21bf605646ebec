"""`tidegate bench link`: what sending an observation costs, against the bounds of the project."""

import asyncio
import json
import statistics
import tempfile
from pathlib import Path

from tidegate_tools import bench_day, bench_device, paths
from tidegate_tools.bench import Figure
from tidegate_tools.bench_rig import BYTES, NUMBER, TELEMETRY
from tidegate_tools.broker import HOST, Broker, find_mosquitto
from tidegate_tools.errors import ProcessError
from tidegate_tools.gate import Gate, Settings

paths.use_device_modules()

from tidegate.clock.anchor import Anchor  # noqa: E402
from tidegate.clock.monotonic import Monotonic  # noqa: E402
from tidegate.hal.nor import RamFlash  # noqa: E402
from tidegate.limits import BATCH_COUNT_MAX, WINDOW_COUNT_MAX  # noqa: E402
from tidegate.spool.spool import Spool  # noqa: E402
from tidegate.uplink.batch import Batch  # noqa: E402
from tidegate.uplink.codec_json import JsonCodec  # noqa: E402
from tidegate.uplink.codec_packed import PackedCodec  # noqa: E402
from tidegate.uplink.cursors import Track  # noqa: E402

DAY_S = 3 * 3_600
DRAIN_COUNT, LIVE_COUNT = 20_000, 100_000
PLAIN_COUNT, COALESCING_COUNT, RTT_COUNT, TURN_COUNT = 60, 5_000, 20, 3
# One place of the window is kept for live.
BACKLOG_WINDOW = WINDOW_COUNT_MAX - 1
DELAY_MS = 50
HEAP_BYTES = 8 << 20
UNIX_HEAP = "64M"
UTC_MS = 1_768_500_000_000
KIB = 1_024
PER_OBSERVATION = "bytes"


def run(note=lambda step: None):
    """All figures of link and uplink. Argument: note, told each step. Result: list of Figure."""
    note("three hours of a charger")
    day = bench_day.live((BYTES,), DAY_S)
    rows = [(second * 1_000, row[2], row[3]) for second, turn in enumerate(day.turns)
            for row in turn if row[0] == TELEMETRY and row[1] == NUMBER]
    figures = payload_figures(rows) + heap_figures(note)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        path.write_text("".join("%d,%d,%d\n" % row for row in rows))
        return drain_figures(folder, path, note) + figures


class Field:
    """A broker, and a gate before it that delays, for scripts on MicroPython."""

    def __init__(self, folder, rows_path):
        self._folder, self._rows_path = folder, rows_path
        self.broker = Broker("mosquitto" if find_mosquitto() else "amqtt", folder)

    async def drain(self, mode, count, delay_ms=0):
        """What `device/drain.py` prints. Errors: ProcessError."""
        gate, port = None, self.broker.port
        if delay_ms:
            gate = Gate((HOST, port), Settings(delay_ms=delay_ms))
            await gate.start()
            port = gate.port
        try:
            return await self._drain(mode, count, port)
        finally:
            if gate is not None:
                # The connection ends at the gate when its last bytes are through.
                await asyncio.sleep(4 * delay_ms / 1_000)
                await gate.stop()

    async def _drain(self, mode, count, port):
        checkout = paths.find_checkout()
        asked = {"mode": mode, "host": HOST, "port": port, "count": count,
                 "rows": str(self._rows_path)}
        process = await asyncio.create_subprocess_exec(
            str(checkout.interpreter), "-X", "heapsize=" + UNIX_HEAP,
            str(bench_device.SCRIPTS / "drain.py"), json.dumps(asked),
            env={"MICROPYPATH": "%s:%s" % (checkout.firmware, checkout.libraries)},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        try:
            said, _ = await asyncio.wait_for(process.communicate(), bench_device.PATIENCE_S)
        except asyncio.TimeoutError:
            process.kill()
            raise ProcessError("the drain `%s` did not end" % mode) from None
        if process.returncode:
            raise ProcessError("the drain `%s` failed: %s" % (
                mode, " | ".join(said.decode().strip().splitlines()[-3:])))
        return json.loads(said)


def rate(found):
    """Observations a second."""
    return found["count"] * 1e6 / found["took_us"]


def drain_figures(folder, rows_path, note):
    """Ours against umqtt.simple, and at a round trip of 100 ms."""
    if not paths.find_checkout().interpreter.exists():
        return [Figure("drain of 20,000 stored observations, ours : umqtt.simple", None, "times",
                       4, 8, "higher", "not measured: run make setup")]

    async def measure():
        field = Field(folder, rows_path)
        await field.broker.start()
        found = {}
        try:
            for name, mode, count, delay_ms in (
                    *((side + str(turn), side, count, 0) for turn in range(TURN_COUNT)
                      for side, count in (("ours", DRAIN_COUNT),
                                          ("coalescing", COALESCING_COUNT))),
                    ("plain", "plain", PLAIN_COUNT, 0),
                    ("round trip", "coalescing", RTT_COUNT, DELAY_MS),
                    ("far", "ours", DRAIN_COUNT, DELAY_MS),
                    ("live", "live", LIVE_COUNT, DELAY_MS)):
                note("drain: %s" % name)
                found[name] = await field.drain(mode, count, delay_ms)
        finally:
            field.broker.kill()
        return field.broker.name, found

    broker, found = asyncio.run(measure())
    turns = sorted((rate(found["ours%d" % turn]) / rate(found["coalescing%d" % turn]), turn)
                   for turn in range(TURN_COUNT))
    ratio, turn = turns[TURN_COUNT // 2]
    ours, far = found["ours%d" % turn], found["far"]
    rtt_s = statistics.median(found["round trip"]["times_us"]) / 1e6
    limit = BACKLOG_WINDOW * BATCH_COUNT_MAX / rtt_s
    delays_s = sorted(each / 1e6 for each in found["live"]["delays_us"])
    p99_s = delays_s[len(delays_s) * 99 // 100]
    batch_s = BATCH_COUNT_MAX / rate(ours)
    return [
        Figure("drain, loopback, ours : umqtt.simple behind a coalescing socket",
               ratio, "times", 4, 8, "higher",
               "%.0f against %.0f observations/s, the median of %d turns (%.1f to %.1f); %s, "
               "MicroPython's Unix port" % (
                   rate(ours), rate(found["coalescing%d" % turn]), TURN_COUNT, turns[0][0],
                   turns[-1][0], broker)),
        Figure("drain, loopback, ours : umqtt.simple as it is", rate(ours) / rate(found["plain"]),
               "times", 500, 2_000, "higher", "%.1f observations/s" % rate(found["plain"])),
        Figure("share of window x batch / RTT at 100 ms", rate(far) / limit, "", 0.88, 0.95,
               "higher", "%.0f of %.0f observations/s at %.1f ms; the backlog's window is %d, the "
               "place kept for live is not counted" % (
                   rate(far), limit, 1_000 * rtt_s, BACKLOG_WINDOW)),
        Figure("bytes on the TCP stream per observation, packed, confirmations included",
               ours["stream_bytes"] / ours["count"], PER_OBSERVATION, 9, 7.5),
        Figure("live delay while 100,000 drain at 100 ms, p99 : 2 RTT + 1 batch time",
               p99_s / (2 * rtt_s + batch_s), "times", 1,
               note="%.0f ms of %.0f ms, to the PUBACK; median %.0f ms, %d live observations, "
               "%.0f observations/s" % (
                   1_000 * p99_s, 1_000 * (2 * rtt_s + batch_s),
                   1_000 * statistics.median(delays_s), len(delays_s), rate(found["live"]))),
    ]


def payload_figures(rows):
    """Payload bytes for each observation, envelope included, in batches that are full."""
    return [Figure("payload per numeric observation at batch 64, %s" % codec.name,
                   payload_bytes(codec, rows), PER_OBSERVATION, must, aim)
            for codec, must, aim in ((JsonCodec(), 27, 24), (PackedCodec(), 8, 6))]


def payload_bytes(codec, rows):
    """Mean over the full batches of a spool that holds `rows`, of (ms, id, value)."""
    monotonic = Monotonic((1 << 30) - 1)
    monotonic.update(0)
    spool = Spool(RamFlash(len(rows) * 16 // 4_096 + 16), monotonic)
    spool.recover()
    spool.start(bytes(range(8)), 1, 0)
    for ms, observation_id, value in rows:
        spool.append(TELEMETRY, NUMBER, observation_id, value, monotonic.update(ms))
        spool.idle(monotonic.now_ms)
    anchor = Anchor()
    anchor.offer(0, UTC_MS, 3)
    batch = Batch(codec, ("tg-000001", spool.store_id.hex(), 1), anchor)
    track = Track(spool.cursor(TELEMETRY), TELEMETRY, True)
    track.begin(len(rows) + 1)
    sizes = []
    while True:
        payload = batch.build(track, {"age_s": 5_000, "count": len(rows), "bytes": 12 * len(rows),
                                      "rate": 1_280, "drain_s": len(rows) // 1_280})
        if payload is None:
            return sum(sizes) / (len(sizes) * BATCH_COUNT_MAX)
        if batch.count == BATCH_COUNT_MAX:
            sizes.append(len(payload))


def heap_figures(note):
    """The 32-bit heap: what link and uplink keep, and what draining leaves."""
    figures = []
    for codec in ("packed", "json"):
        note("heap of link and uplink, %s" % codec)
        names = ("heap of link + uplink in use, 32-bit, window 8, batch 64, %s" % codec,
                 "heap allocated per observation drained, 32-bit, %s" % codec)
        try:
            kept = heap_of(codec)
        except bench_device.NotMeasured as error:
            why = "not measured: %s" % error
            figures += [Figure(names[0], None, "KiB", 12, 8, note=why),
                        Figure(names[1], None, PER_OBSERVATION, 12, 6, note=why)]
            continue
        figures += [
            Figure(names[0], kept["in_use"] / KIB, "KiB", 12, 8,
                   note="%(in_use)s bytes, %(idle)s before the first session" % kept),
            Figure(names[1], kept["drained"] / kept["drained_count"], PER_OBSERVATION, 12, 6,
                   note="%(drained)s bytes over %(drained_count)s" % kept)]
    return figures


def heap_of(codec):
    """What `device/heap_link.py` prints. Errors: NotMeasured, ProcessError."""
    node, folder = bench_device.webassembly()
    checkout = paths.find_checkout()
    with tempfile.TemporaryDirectory() as scratch:
        asked = Path(scratch) / "codec_asked.py"
        asked.write_text("from tidegate.uplink.codec_%s import %sCodec as Codec\n"
                         % (codec, codec.capitalize()))
        return bench_device._run(
            [node, bench_device.SCRIPTS / "on_webassembly.mjs", folder, checkout.firmware,
             HEAP_BYTES, bench_device.SCRIPTS / "heap_link.py",
             checkout.libraries / "umqtt" / "simple.py", asked], {})
