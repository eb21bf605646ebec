"""Scripted bad peers: each stands before a real broker and does one thing wrong, until told to
behave. `tidegate gate --play NAME` plays one by hand."""

import asyncio
import socket
import struct

from tidegate_tools.peer_scripts import SCRIPTS

HOST = "127.0.0.1"
CHUNK_BYTES = 65_536
# What fills the queue of a listener that never accepts, so that the next SYN is dropped.
FILLER_COUNT = 4


class Peer:
    """One listener. While `is_bad` it follows its script, else it forwards to the broker.

    Arguments: target, (host, port) of the broker; port, 0 for any; authority, of
    `certificates`, for the scripts of TLS; byte_s, how long one byte takes where a script is
    slow. Members: script, None while it behaves; attempts, connections taken; port; kept, what a
    script wants to remember from one connection to the next.
    """

    def __init__(self, target, port=0, authority=None, byte_s=1.0):
        self.target, self.port, self.authority = target, port, authority
        self.byte_s = byte_s
        self.script = None
        self.attempts = 0
        self.kept = []
        self._server = None
        self._tasks = {}
        self._fillers = []

    @property
    def is_bad(self):
        return self.script is not None

    async def behave(self):
        """Cut what stands and forward from now on."""
        self.script = None
        await self._listen_anew()

    async def play(self, name):
        """Cut what stands and follow the script of that name from now on."""
        self.script = SCRIPTS[name]
        self.kept.clear()
        await self._listen_anew()

    async def stop(self):
        self._stop_listening()
        self.cut()

    def cut(self):
        """Reset every connection."""
        tasks, self._tasks = self._tasks, {}
        for writer, task in tasks.items():
            reset(writer)
            task.cancel()

    def _stop_listening(self):
        if self._server is not None:
            self._server.close()
            self._server = None
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()

    async def _listen_anew(self):
        self._stop_listening()
        self.cut()
        script = self.script
        if script is not None and script.listens == "never" and self.port:
            return
        if script is not None and script.listens == "full":
            self._listen_full()
            return
        context = None
        if self.authority is not None and not (script and script.is_raw):
            fault = script.certificate if script else "good"
            context = self.authority.server(fault)
        self._server = await asyncio.start_server(self._take, HOST, self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    def _listen_full(self):
        """A listener whose queue is full: what comes gets no answer at all."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, self.port))
        listener.listen(0)
        self._fillers.append(listener)
        for _ in range(FILLER_COUNT):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((HOST, self.port))
            self._fillers.append(filler)

    async def _take(self, reader, writer):
        self.attempts += 1
        self._tasks[writer] = asyncio.current_task()
        script = self.script
        try:
            if script is not None and script.take is not None:
                await script.take(self, reader, writer)
            else:
                await self._forward(reader, writer, script)
        except (OSError, EOFError, asyncio.CancelledError):
            # Cut, or the other end has left.
            pass
        finally:
            self._tasks.pop(writer, None)
            writer.close()

    async def _forward(self, reader, writer, script):
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        up = script.up(self, far_writer) if script and script.up else far_writer.write
        down = script.down(self, writer) if script and script.down else writer.write
        pumps = [asyncio.ensure_future(pump(reader, up)),
                 asyncio.ensure_future(pump(far_reader, down))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in pumps:
                each.cancel()
            far_writer.close()


async def pump(reader, write):
    """Hand what comes to `write`, a function or a coroutine function, until the end."""
    try:
        while data := await reader.read(CHUNK_BYTES):
            waiting = write(data)
            if waiting is not None:
                await waiting
    except OSError:
        return


def reset(writer):
    """Close with a reset: no linger."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


class NameServer(asyncio.DatagramProtocol):
    """A name server for one name, on the UDP port of the same number as its peer.

    Arguments: number, what it answers; peer, whose script may say otherwise.
    """

    def __init__(self, peer, number=HOST):
        self._peer, self._number = peer, number
        self._transport = None
        self.port = None

    async def start(self):
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(HOST, self.port or self._peer.port))
        self.port = self._transport.get_extra_info("sockname")[1]

    def stop(self):
        self._transport.close()

    def datagram_received(self, data, sender):
        code = self._peer.script.name_code if self._peer.is_bad else 0
        if code is not None:
            self._transport.sendto(name_answer(data, code, self._number), sender)


def name_answer(query, code, number):
    """The answer to a query, RFC 1035: one number that holds 30 s, or a code of failure."""
    count = 0 if code else 1
    data = query[:2] + bytes((0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0)) + query[12:]
    if count:
        data += b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04" + socket.inet_aton(number)
    return data
