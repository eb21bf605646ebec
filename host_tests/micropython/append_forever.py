"""Appends to a spool in a file until it is killed: FILE BLOCK_COUNT.

Prints `boot N` and then each seq once its append has returned; the value is 7 x seq.
"""

import sys

from tidegate.clock.monotonic import Monotonic
from tidegate.hal.nor import FileFlash
from tidegate.spool import frame
from tidegate.spool.spool import TELEMETRY, Spool


def say(text):
    sys.stdout.write(text + "\n")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def main(path, block_count):
    monotonic = Monotonic((1 << 30) - 1)
    monotonic.update(0)
    spool = Spool(FileFlash(path, block_count), monotonic)
    spool.recover()
    spool.start(b"12345678", 1, 0)
    say(f"boot {spool.boot}")
    now_ms = 0
    while True:
        now_ms = monotonic.update(now_ms + 10)
        next_seq = spool.logs[TELEMETRY].next_seq
        seq = spool.append(TELEMETRY, frame.NUMBER, 501, 7 * next_seq, now_ms)
        assert seq == next_seq
        say(str(seq))
        spool.idle(now_ms)


main(sys.argv[1], int(sys.argv[2]))
