"""The gate: what it admits, refuses, queues, cuts and counts, on loopback."""

import asyncio

from tidegate_tools.gate import Bucket, Gate, Settings


class Clock:
    """Seconds, set by hand."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def play(settings, story):
    """Run story(gate) with an echo server behind a gate."""

    async def echo(reader, writer):
        try:
            while data := await reader.read(1_024):
                writer.write(data)
        except OSError:
            pass
        writer.close()

    async def main():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        gate = Gate(("127.0.0.1", server.sockets[0].getsockname()[1]), settings)
        await gate.start()
        try:
            await asyncio.wait_for(story(gate), 20)
        finally:
            await gate.stop()
            server.close()

    asyncio.run(main())


async def ask(gate, wait_s=2.0):
    """What a client gets: the echo, 'reset', or 'silence'. Leaves an echoed connection open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    try:
        writer.write(b"x")
        data = await asyncio.wait_for(reader.read(1), wait_s)
    except asyncio.TimeoutError:
        writer.close()
        return "silence"
    except OSError:
        return "reset"
    return "echo" if data == b"x" else "reset"


def test_a_bucket_gives_its_burst_and_then_its_rate():
    clock = Clock()
    bucket = Bucket(Settings(rate=2, burst=3), clock)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now_s = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]


def test_a_costly_refusal_takes_from_what_comes_next_and_never_more_than_a_burst():
    clock = Clock()
    bucket = Bucket(Settings("costly", rate=1, burst=2, cost=0.3), clock)
    assert [bucket.take() for _ in range(50)].count(True) == 2
    clock.now_s = 2.9
    assert not bucket.take()
    clock.now_s = 3.5
    assert bucket.take()


def test_refuse_admits_the_burst_and_resets_the_rest():
    async def story(gate):
        assert [await ask(gate) for _ in range(4)] == ["echo", "echo", "reset", "reset"]
        assert gate.counts["attempts"] == 4 and gate.counts["refused"] == 2
        assert sum(gate.attempts_per_s.values()) == 4

    play(Settings(rate=0.001, burst=2), story)


def test_queue_serves_in_order_and_works_for_those_who_left():
    async def story(gate):
        assert await ask(gate, 0.05) == "silence"
        assert await ask(gate, 5) == "echo"
        assert gate.counts["abandoned"] == 1 and gate.counts["admitted"] == 1

    play(Settings("queue", rate=2), story)


def test_down_resets_and_stall_is_silent():
    async def story(gate):
        assert await ask(gate) == "reset"
        gate.settings.mode = "stall"
        assert await ask(gate, 0.2) == "silence"

    play(Settings("down"), story)


def test_cut_resets_what_stands():
    async def story(gate):
        reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
        writer.write(b"x")
        assert await reader.read(1) == b"x"
        assert gate.cut() == 2
        try:
            assert await reader.read(1) == b""
        except ConnectionResetError:
            pass

    play(Settings(), story)


def test_delay_and_stall_hold_the_bytes_back():
    async def story(gate):
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        assert await ask(gate) == "echo"
        assert loop.time() - start_s >= 0.2
        gate.settings.is_stalled = True
        assert await ask(gate, 0.4) == "silence"

    play(Settings(delay_ms=100), story)


def test_a_broker_that_is_away_is_a_reset_and_counted():
    async def story(gate):
        gate._target = ("127.0.0.1", 1)
        assert await ask(gate) == "reset"
        assert gate.counts["no_broker"] == 1

    play(Settings(), story)
