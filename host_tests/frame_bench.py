"""Frames written and read back by themselves, without a log, for their tests."""

from tidegate.hal.nor import RamFlash
from tidegate.spool import frame
from tidegate.spool.frame import FrameWriter
from tidegate.spool.reader import FrameReader

NEUTRAL = 0x0F0F0F


def flash_of(unit, reprogram=True):
    """A flash of one block, whose frames are padded to the unit where it takes one program."""
    return RamFlash(1, unit, reprogram)


def build(writer, observation, offset=0, seed=0x123456):
    """A view of what is to be programmed from the unit on in which `offset` lies."""
    kind, delta_ms, observation_id, value = observation
    writer.begin(offset)
    if kind == frame.NUMBER:
        end = writer.number(delta_ms, observation_id, value)
    else:
        data = value.encode() if kind == frame.TEXT else value
        end = writer.data(kind, delta_ms, observation_id, data)
    writer.finish(seed)
    assert offset - writer.start + writer.end == end
    return writer.view()


def store(flash, observations, seeds):
    """Program observations one behind the other. Result: the offset of each, and the end."""
    writer = FrameWriter(flash, 0)
    offsets = [0]
    for observation, seed in zip(observations, seeds, strict=True):
        view = build(writer, observation, offsets[-1], seed)
        if offsets[-1] - writer.start + len(view) > flash.block_bytes:
            break
        flash.program(offsets[-1] - writer.start, view)
        offsets.append(offsets[-1] + writer.end - writer.start)
    return offsets


def read(flash, offset=0, seed=0x123456, end=None):
    """(result, the fields read or None) of the frame at `offset`."""
    reader = FrameReader(flash)
    size = reader.read(offset, end or flash.block_bytes, seed, NEUTRAL)
    if size <= 0:
        return size, None
    reader.read_value()
    return size, (reader.kind, reader.delta_ms, reader.observation_id, reader.value)
