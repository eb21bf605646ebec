"""The figures of link and uplink: what they are made of, on a small scale."""

import asyncio

import pytest

from tidegate_tools import bench, bench_link
from tidegate_tools.bench_link import Field, payload_bytes

from tidegate.limits import BATCH_COUNT_MAX
from tidegate.uplink.codec_json import JsonCodec
from tidegate.uplink.codec_packed import PackedCodec

ROWS = [(125 * n, 501 + n % 3, 230_000 + 613 * n % 2_048) for n in range(3 * BATCH_COUNT_MAX)]


def test_payload_bytes_are_those_of_full_batches():
    packed, readable = (payload_bytes(codec, ROWS) for codec in (PackedCodec(), JsonCodec()))
    assert 3 < packed < 8 < 16 < readable < 27
    assert payload_bytes(PackedCodec(), ROWS + ROWS[:5]) == packed, "the rest is no full batch"


def test_the_bench_is_one_of_the_benches():
    assert bench.BENCHES["link"] == bench_link.__name__


@pytest.mark.micropython
@pytest.mark.interop
def test_each_way_of_draining_confirms_all_of_it(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("".join("%d,%d,%d\n" % row for row in ROWS))

    async def measure():
        field = Field(tmp_path, path)
        await field.broker.start()
        try:
            return [await field.drain(mode, count, delay_ms) for mode, count, delay_ms in (
                ("ours", 300, 0), ("coalescing", 100, 0), ("plain", 3, 0), ("live", 600, 20))]
        finally:
            field.broker.kill()

    ours, coalescing, plain, live = asyncio.run(measure())
    assert [each["count"] for each in (ours, coalescing, plain, live)] == [300, 100, 3, 600]
    assert 300 * 3 < ours["stream_bytes"] < 300 * 12 and ours["batches"] == 5
    assert len(coalescing["times_us"]) == 50 and len(plain["times_us"]) == 3
    assert all(each >= 40_000 for each in live["delays_us"]), "nothing is faster than the gate"
