"""Spool images for the tests of the host program, and the command line that reads them."""

import json

from tidegate.hal.nor import RamFlash
from tidegate.observe.catalogue import NUMBER, OPAQUE, RECORDS, TELEMETRY, TEXT
from tidegate_tools import cli
from tidegate_tools.bench_rig import Rig
from typer.testing import CliRunner

BLOCK_COUNT = 16
LOGS = ("telemetry", "records")
# What `two_boots` holds.
TELEMETRY_COUNT, RECORDS_COUNT, CONFIRMED_COUNT = 1_202, 2, 400


def run(*arguments, **options):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], **options)


def one_line(result):
    [line] = result.stderr.splitlines()
    assert result.exit_code == 2, result.output
    return line


def as_json(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


class Spooled:
    """A spool in a file; `held` is {(log, seq): (boot, mono, id, value)} of what was appended."""

    def __init__(self, path, medium=(1, True), block_count=BLOCK_COUNT):
        self.path = path
        self.flash = RamFlash(block_count, *medium)
        self.held = {}
        self.mount()

    def mount(self):
        self.rig = Rig(flash=self.flash)
        self.now_ms = 0

    def append(self, value, log=TELEMETRY, observation_id=501):
        self.now_ms += 1_000
        self.rig.at(self.now_ms)
        kind = NUMBER if isinstance(value, int) else TEXT if isinstance(value, str) else OPAQUE
        seq = self.rig.append((log, kind, observation_id, value))
        assert seq, "the log is full"
        self.held[LOGS[log], seq] = (self.rig.spool.boot, self.now_ms, observation_id, value)
        self.rig.idle()
        return seq

    def fill(self, count):
        for number in range(count):
            self.append(230_000 + number)

    def write(self):
        self.path.write_bytes(self.flash.image)
        return self.path

    def flip(self, offset, bit=0):
        self.flash.image[offset] ^= 1 << bit


def two_boots(path):
    """A Spooled with some of each kind in it, dated, in two boots; its file is written."""
    world = Spooled(path)
    world.append("2.4.1", observation_id=908)
    world.rig.date()
    world.fill(TELEMETRY_COUNT - 2)
    world.append(b"OCMF" * 150, RECORDS, 554)
    world.append(7, RECORDS, 811)
    world.rig.spool.logs[TELEMETRY].confirm(1, CONFIRMED_COUNT)
    world.rig.spool.close()
    world.mount()
    world.append(-5, observation_id=201)
    world.write()
    return world
