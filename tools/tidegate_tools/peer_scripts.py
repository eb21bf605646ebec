"""What each bad peer does, and what an agent is to say of it. Bytes of MQTT 3.1.1 by hand."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

PUBLISH, PUBACK, CONNACK, SUBACK, PINGRESP = 0x30, 0x40, 0x20, 0x90, 0xD0
FLOOD_COUNT, FLOOD_PAUSE_S = 200, 0.02
FLOOD_TOPIC = b"tidegate/1/tg-000001/cmd"
LARGEST_BYTES = 262_144


@dataclass(frozen=True)
class Script:
    """One way to be bad.

    Members: cause, the words in the agent's trail, "" where the session is to live on, two joined
    by " or " where it may be either; take,
    an async function of the whole connection; up and down, which make the function that gets
    what the agent or the broker sends; certificate, the fault of the server's; is_raw, no TLS
    below `take`; listens, "never" or "full"; name_code, what the name server fails with, None
    for silence; is_tls, needs an agent with TLS.
    """

    cause: str
    take: Callable | None = None
    up: Callable | None = None
    down: Callable | None = None
    certificate: str = "good"
    is_raw: bool = False
    listens: str = ""
    name_code: int | None = 0
    is_tls: bool = False


def split(data):
    """Whole packets at the start of `data`. Result: [packet], the bytes left over."""
    packets = []
    while True:
        length, end = 0, 1
        for shift in range(4):
            if end >= len(data):
                return packets, data
            byte = data[end]
            length |= (byte & 0x7F) << 7 * shift
            end += 1
            if byte < 0x80:
                break
        if end + length > len(data):
            return packets, data
        packets.append(data[:end + length])
        data = data[end + length:]


def packets(judge):
    """A `down` that gives each whole packet to judge(peer, packet, count) and sends on what that
    returns; `count` numbers the packets of the connection from 1."""

    def begin(peer, writer):
        rest, count = b"", 0

        def take(data):
            nonlocal rest, count
            found, rest = split(rest + data)
            for packet in found:
                count += 1
                writer.write(judge(peer, packet, count))

        return take

    return begin


async def silent(peer, reader, writer):
    """Neither read nor write."""
    await asyncio.Event().wait()


async def deaf(peer, reader, writer):
    """Read all, say nothing."""
    while await reader.read(4_096):
        pass


def connack(code):
    async def take(peer, reader, writer):
        await reader.read(4_096)
        writer.write(bytes((CONNACK, 2, 0, code)))
        await reader.read(4_096)

    return take


async def wants_certificate(peer, reader, writer):
    """Refuse who shows no certificate, and say so: the server of asyncio hangs up unsaid."""
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = peer.authority.server(wants_client=True).wrap_bio(coming, going, server_side=True)
    is_refused = False
    while not is_refused:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            is_refused = True
        writer.write(going.read())
        coming.write(await reader.read(4_096))


async def half_open(peer, reader, writer):
    """Forward until the session stands, then not a word, nor an end."""
    far_reader, far_writer = await asyncio.open_connection(*peer.target)
    try:
        heard = b""
        while not any(packet[0] == PUBACK for packet in split(heard)[0]):
            for source, sink in ((reader, far_writer), (far_reader, writer)):
                try:
                    data = await asyncio.wait_for(source.read(4_096), 0.05)
                except asyncio.TimeoutError:
                    continue
                sink.write(data)
                heard += data if sink is writer else b""
        await silent(peer, reader, writer)
    finally:
        far_writer.close()


def suback_refused(peer, packet, count):
    return packet[:-1] + b"\x80" if packet[0] == SUBACK else packet


def first_puback_withheld(peer, packet, count):
    if packet[0] == PUBACK and not peer.kept:
        peer.kept.append(packet)
        return b""
    return packet


def pings_only(peer, packet, count):
    return packet if packet[0] in (CONNACK, SUBACK, PINGRESP) else b""


def puback_unknown(peer, packet, count):
    if packet[0] != PUBACK:
        return packet
    return b"\x40\x02\xff\xf0" + packet + packet


def puback_late(peer, writer):
    """The first connection keeps its PUBACKs to itself and is cut; the next one gets them."""
    is_first = not peer.kept

    def take(data):
        found, take.rest = split(take.rest + data)
        for packet in found:
            if packet[0] == PUBACK and is_first:
                peer.kept.append(packet)
                if len(peer.kept) == 3:
                    peer.cut()
                    return
                continue
            writer.write(packet)
            if packet[0] == SUBACK and not is_first:
                writer.write(b"".join(peer.kept))

    take.rest = b""
    return take


def spoilt(data):
    """After the third PUBACK come other bytes."""

    def judge(peer, packet, count):
        peer.kept.append(packet[0])
        return data if peer.kept.count(PUBACK) == 3 else packet

    return judge


def command(packet_id, payload):
    """A PUBLISH of QoS 1 on the agent's command topic."""
    fields = len(FLOOD_TOPIC).to_bytes(2, "big") + FLOOD_TOPIC + packet_id.to_bytes(2, "big")
    head, length = bytearray((PUBLISH | 2,)), len(fields) + len(payload)
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes(head) + bytes((length,)) + fields + payload


def oversized(peer, packet, count):
    """Before the third PUBACK comes a command as large as the largest message of a service."""
    peer.kept.append(packet[0])
    if peer.kept.count(PUBACK) == 3 and packet[0] == PUBACK:
        return command(1, b" " * LARGEST_BYTES) + packet
    return packet


def reset_inside(peer, writer):
    """The third PUBACK ends in its middle, and with it the connection."""
    count = 0

    def take(data):
        nonlocal count
        found, take.rest = split(take.rest + data)
        for packet in found:
            count += packet[0] == PUBACK
            if count == 3:
                writer.write(packet[:2])
                asyncio.get_running_loop().call_later(0.05, peer.cut)
                count += 1
            elif count < 3:
                writer.write(packet)

    take.rest = b""
    return take


def slow(peer, writer):
    """One byte after the other."""

    async def take(data):
        for byte in data:
            writer.write(bytes((byte,)))
            await asyncio.sleep(peer.byte_s)

    return take


def flood(peer, writer):
    """Ten thousand commands a second from the moment the session stands: every other one asks
    for the longest answer there is, the rest are none."""
    payloads = (b'{"v":1,"id":"%d","verb":"status"}', b'{"id":"%d","do":"nothing"}')

    async def pour():
        for number in range(1, 1_000_000):
            if writer.is_closing():
                return
            for turn in range(FLOOD_COUNT):
                writer.write(command(number % 65_535 + 1, payloads[turn % 2] % number))
            await writer.drain()
            await asyncio.sleep(FLOOD_PAUSE_S)

    async def guarded():
        try:
            await pour()
        except OSError:
            pass

    def take(data):
        if not take.is_pouring and data[:1] == bytes((PUBACK,)):
            take.is_pouring = True
            take.task = asyncio.ensure_future(guarded())
        writer.write(data)

    take.is_pouring = False
    return take


SCRIPTS = {
    "dns-silent": Script("name lookup timed out", listens="never", name_code=None),
    "dns-fails": Script("name not found", listens="never", name_code=3),
    "syn-dropped": Script("connect timed out", listens="full"),
    "refused": Script("connection refused", listens="never"),
    "silent": Script("no CONNACK in time", silent),
    "tls-silent": Script("no TLS handshake in time", silent, is_raw=True, is_tls=True),
    "certificate-expired": Script("certificate expired", certificate="expired", is_tls=True),
    "certificate-host": Script("certificate of another host", certificate="host", is_tls=True),
    "certificate-authority": Script(
        "certificate of an unknown authority", certificate="authority", is_tls=True),
    "certificate-client": Script(
        "own certificate refused", wants_certificate, is_raw=True, is_tls=True),
    "connack-withheld": Script("no CONNACK in time", deaf),
    "connack-1": Script("connection rejected", connack(1)),
    "connack-2": Script("connection rejected", connack(2)),
    "connack-3": Script("server unavailable", connack(3)),
    "connack-4": Script("not authorised", connack(4)),
    "connack-5": Script("not authorised", connack(5)),
    "suback-refused": Script("subscription refused", down=packets(suback_refused)),
    "puback-withheld": Script("publish never confirmed", down=packets(first_puback_withheld)),
    "puback-unknown": Script("", down=packets(puback_unknown)),
    "puback-late": Script("connection reset", down=puback_late),
    "pings-only": Script("publish never confirmed", down=packets(pings_only)),
    "garbage": Script("protocol broken", down=packets(spoilt(b"\xf7\x13garbage garbage"))),
    "length-absurd": Script("protocol broken", down=packets(spoilt(b"\x32\xff\xff\x7f"))),
    "oversized": Script("", down=packets(oversized)),
    "half-open": Script("server silent", half_open),
    "reset-inside": Script("connection reset", down=reset_inside),
    # Which of the two depends on how much the broker has to say before its SUBACK.
    "slow-down": Script("no SUBACK in time or publish never confirmed", down=slow),
    "slow-up": Script("no SUBACK in time", up=slow),
    "flood": Script("", down=flood),
}
