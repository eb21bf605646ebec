"""SPEC section 9 as vectors, for both interpreters: bytes of a line, and what is heard.

A vector: what it shows, the bytes in hexadecimal, the (id, value) handed on, what was counted.
`unit/test_meter_frames.py` holds the host's encoder to them.
"""

import binascii

from meter_world import Line, Listener

from tidegate.limits import METER_STEP_BYTES_MAX
from tidegate.observe.catalogue import Catalogue
from tidegate.sources.serial_meter import SerialMeter

VECTORS = (
    ("numbers",
     '0002180301010103e803010ff501da8b1cfb0109c6020601215200',
     ((501, 230125), (507, -5), (710, 3)),
     {}),
    ("edges of numbers",
     '00022903010101010101010f2303feffffffffffffffff0301021101020101027e01027f01028001'
     '6d32ea000002150401010110ffffff1f3603808080808040fa1d4000',
     ((803, 18446744073709551615), (513, 0), (513, -1),
      (513, 63), (513, -64), (513, 64),
      (822, 1099511627776)),
     {}),
    ("texts",
     '00021c030101010205010103d112108c1309322e3420c3a6e585855e8fc700',
     ((721, ''), (908, '2.4 æ充')),
     {}),
    ("an opaque value",
     '0002170301010102050101042a2207054f434d460104d9373e00',
     ((554, b'\x00OCMF\x00\x00'),),
     {}),
    ("cut short",
     '0002180301010103e803010ff501da8b1cfb0109c60206012152000002180401010103e803010ff5'
     '01da8b1cfb0109c602000002100401010203b80b0107f50104918c3800',
     ((501, 230125), (507, -5), (710, 3), (501, 2)),
     {'cut short': 1, 'lost': 1}),
    ("a wrong CRC",
     '0002180301010103e803010ff501da8b1cfb0109c60206012153000002100401010103d0070107f5'
     '010411a4e900',
     ((501, 2),),
     {'damaged': 1}),
    ("a length beyond the limit",
     '0005ffff01010103e803010ff501da8b1cfb0109c60206012152000002100401010103d0070107f5'
     '010411a4e900',
     ((501, 2),),
     {'too long': 1}),
    ("noise",
     '170003ffff010000420002180301010103e803010ff501da8b1cfb0109c6020601215200',
     ((501, 230125), (507, -5), (710, 3)),
     {'noise': 2}),
    ("a hole",
     '0002180301010103e803010ff501da8b1cfb0109c60206012152000002100401010303d0070107f5'
     '01046d140a00',
     ((501, 230125), (507, -5), (710, 3), (501, 2)),
     {'lost': 2}),
    ("a repeated frame",
     '0002180301010103e803010ff501da8b1cfb0109c60206012152000002180301010103e803010ff5'
     '01da8b1cfb0109c60206012152000002100401010103d0070107f5010411a4e90000021803010101'
     '03e803010ff501da8b1cfb0109c6020601215200',
     ((501, 230125), (507, -5), (710, 3), (501, 2)),
     {'repeated': 2}),
    ("a repeated stamp",
     '0002180301010103e803010ff501da8b1cfb0109c60206012152000002180401010103e803010ff5'
     '01da8b1cfb010bc60206a982bb00',
     ((501, 230125), (507, -5), (710, 3), (507, -6)),
     {'stamp repeated': 2}),
    ("a new boot",
     '000210060101ffff09010107f501020f17920000021003010101020a010107f50104115b9c000002'
     '10040102020205010107f5010664ee1200',
     ((501, 1), (501, 2), (501, 3)),
     {'lost': 2, 'restarted': 1}),
    ("a reserved type",
     '000210030201010205010107f5010269273200000210040101010206010107f5010458a33b00',
     ((501, 2),),
     {'foreign': 1}),
    ("an entry that is none",
     '000216030101010205010106f50102f5f107f6010260102600000210040101010206010107f50104'
     '58a33b00',
     ((501, 1), (501, 2)),
     {'malformed': 1}),
    ("an opaque value in parts",
     '000215030101010207010104d3320502030661626725f000000210040101010208010107c6020406'
     'a9f200000214040101020207010107d332050302630496ace000',
     ((710, 2), (723, bytearray(b'\x00abc\x00'))),
     {}),
    ("a missing part",
     '000215030101010207010104d3320502030661626725f000000210040101010208010107c6020406'
     'a9f200000213040101030207010106d33205040104ccb72e00',
     ((710, 2),),
     {'lost': 1, 'incomplete': 1}),
)


def check_meter_vectors():
    for name, text, heard, counts in VECTORS:
        data = binascii.unhexlify(text)
        for chunk_bytes in (1, 7, 1 << 20):
            listener = Listener(chunk_bytes).hear(data)
            assert listener.heard == list(heard), (name, listener.heard)
            assert listener.counts() == counts, (name, listener.counts())


def check_meter_turns():
    """A turn takes so many bytes and no more, whatever waits."""
    line = Line(b"\0" * (3 * METER_STEP_BYTES_MAX))
    source = SerialMeter(line, Catalogue())
    for left in (2, 1, 0, 0):
        source.step(0, lambda observation_id, value: None)
        assert len(line.waiting) == left * METER_STEP_BYTES_MAX


CHECKS = (check_meter_vectors, check_meter_turns)
