"""The backlog as lines of text that survive any terminal log. SPEC section 11.

Each line stands for itself: it says which batch it is a piece of, and carries two CRCs, so that
lines of several passes complete one another. A batch is the very payload that MQTT would carry.
"""

import binascii

from tidegate.observe.catalogue import LOG_NAMES
from tidegate.uplink.batch import Batch
from tidegate.uplink.codec_json import JsonCodec
from tidegate.uplink.cursors import Track

_PIECE_BYTES = 33
# A pass must say the same as the one before: what changes with time is left out.
_LAG = {"age_s": None, "count": 0, "bytes": 0, "rate": 0, "drain_s": None}


def line_of(text):
    """A line with its mark and its own CRC."""
    return "#%08x %s\n" % (binascii.crc32(text.encode()), text)


def export(agent, device_id, log_index, first_seq):
    """Lines of what is unconfirmed, from `first_seq` of log `log_index` on to the last one of the
    last log. Result: an iterator of texts."""
    heads = [log.next_seq for log in agent.spool.logs]
    store = agent.uplink.store_id
    for index in range(log_index, len(LOG_NAMES)):
        log = agent.spool.logs[index]
        begin = max(first_seq if index == log_index else 1, 1)
        yield line_of("begin %s %s %s %d %d %d" % (
            device_id, store, LOG_NAMES[index], begin, heads[index] - 1,
            log.ranges.missing_count(begin, heads[index] - 1) if begin < heads[index] else 0))
    codec = JsonCodec()
    for index in range(log_index, len(LOG_NAMES)):
        track = Track(agent.spool.cursor(index), index, True)
        track.begin(heads[index])
        if index == log_index and first_seq > 1:
            track.cursor.seek(agent.spool.logs[index].ranges.skip(first_seq))
        cut_seqs = [log.next_seq - 1 if found.is_cut else 0
                    for log, found in zip(agent.spool.logs, agent.spool.report)]
        batch = Batch(codec, (device_id, store, agent.spool.boot), agent.timekeeping.anchor,
                      cut_seqs)
        while True:
            payload = batch.build(track, _LAG)
            if payload is None:
                break
            for line in _lines(LOG_NAMES[index][0], batch.first, payload):
                yield line
    yield line_of("end %s %s" % (device_id, store))


def _lines(log, first, payload):
    """A batch in pieces: log, first seq, piece, pieces, CRC of the batch, base64."""
    crc = binascii.crc32(payload)
    count = (len(payload) + _PIECE_BYTES - 1) // _PIECE_BYTES
    # The codec's buffer is the export's own: a piece may wait for the terminal.
    for place in range(count):
        data = bytes(payload[place * _PIECE_BYTES:(place + 1) * _PIECE_BYTES])
        yield line_of("%s %d %d/%d %08x %s" % (
            log, first, place + 1, count, crc, binascii.b2a_base64(data).decode().rstrip("\n")))
