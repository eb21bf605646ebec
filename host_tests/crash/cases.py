"""Every cut of a recorded workload, by name: `unit16once:seed3:op417:prefix:unstable`.

A second cut, in the start that follows the first, goes behind it: `..:op5:some:stable`.
"""

from crash.check import Fault, Reading, compare, examine
from fakes import Random
from crash.torn import (
    ALL, ERASE, NONE, PROGRAM, TORN_MODES, TORN_NAMES, TornFlash, change, redrawn, torn, torn_mask,
)
from crash.workload import MEDIA, Workload

STABLE, UNSTABLE = 0, 1
STABILITY_NAMES = ("stable", "unstable")
BOTH = (STABLE, UNSTABLE)
# How many bytes of a slot a reader looks at before it says that they are erased.
_ERASED_BYTES = 8
_NUMBER_TAG_MAX = 31
# After so many operations everything is read from the tail on again.
_FULL_EVERY = 16


class Cut:
    """A cut in one operation, and what the medium holds after it.

    `image` is what the next start reads, `region` what the operation was to change, `residue`
    what an earlier cut has left unstable, `state` the model's, `consumed` see `check.compare`.
    `stabilities` are those that make a case of their own: where nothing or all has changed and
    is firm, the case is that of the operation before or behind.
    """

    def __init__(self, operation, mode, region, residue, image):
        self.kind = operation[0]
        self.state = operation[3]
        self.mode = mode
        self.region = region
        self.residue = residue
        self.image = image
        self.stabilities = (UNSTABLE,) if mode == ALL or not region[2] else BOTH
        self.consumed = None

    def unstable(self, stability=UNSTABLE):
        """What later starts may read differently."""
        return self.residue + [self.region] if stability == UNSTABLE else self.residue

    def find_consumed(self, medium, data):
        """Set `consumed` where the slot of a number reads as neither whole nor erased."""
        offset, size, _ = self.region
        if self.kind != PROGRAM or offset % medium.block_bytes == 0:
            return
        log = 0 if offset < medium.telemetry_bytes else 1
        each = self.state.logs[log]
        slot = bytes(self.image[offset:offset + size])
        erased = b"\xff" * _ERASED_BYTES
        if (0 < data.lstrip(b"\xff")[0] <= _NUMBER_TAG_MAX and each.pending
                and self.mode != ALL and slot[:_ERASED_BYTES] != erased[:len(slot)]):
            self.consumed = (log, each.next_seq)


def cuts_of(medium, operation, flash, identity, modes=None):
    """The Cuts of an operation that differ from one another.

    Arguments: flash, before the operation; identity, numbers that name the operation; modes, to
    have only those.
    """
    found, masks = [], []
    offset, size, bits = change(flash.image, operation)
    if not bits and not flash.unstable:
        return found
    for mode in TORN_MODES[operation[0]]:
        chance = Random(mixed(identity + (mode,)))
        mask = torn_mask(mode, size, bits, chance)
        if mask in masks or not bits and mode != NONE or modes is not None and mode not in modes:
            continue
        masks.append(mask)
        image = flash.image
        if flash.unstable:
            image = redrawn(image, flash.unstable, chance, (offset, size))
        image = torn(image, offset, size, mask)
        cut = Cut(operation, mode, (offset, size, bits), flash.unstable, image)
        if not flash.unstable:
            cut.find_consumed(medium, operation[2])
        found.append(cut)
    return found


def mixed(numbers):
    """A seed from several numbers, the same on every interpreter."""
    seed = 1
    for number in numbers:
        seed = (seed * 1_000_003 + number + 1) & 0x3FFFFFFF
    return seed


def happen(flash, operation):
    """Let an operation of a journal happen to a flash."""
    kind, offset, data, _ = operation
    if kind == ERASE:
        flash.erase(offset // flash.block_bytes)
    else:
        flash.program(offset, data)


class Tally:
    """How many distinct cuts were made: {(level, kind, mode, stability): count}, level 1 for a
    single cut and 2 for a second one; and the faults, [(case name, kind, text)]."""

    def __init__(self):
        self.counts = {}
        self.faults = []

    def add(self, level, cut, stabilities):
        """A cut was made and judged."""
        for stability in stabilities:
            key = (level, cut.kind, cut.mode, stability)
            self.counts[key] = self.counts.get(key, 0) + 1

    def total(self, level):
        """All of a level."""
        return sum(count for key, count in self.counts.items() if key[0] == level)


class Sweep:
    """The cuts of one workload. Arguments: medium; seed; tally; stride, to take only every so
    many-th operation; pair_stride, after every so many-th cut there is a second one at each
    operation of the start that follows, 0 for none."""

    def __init__(self, medium, seed, tally, stride=1, pair_stride=24, laps=2):
        self.medium = medium
        self.seed = seed
        self.tally = tally
        self.pair_stride = pair_stride
        self.stride = stride
        self.reading = Reading()
        self._cut_count = seed
        self.name = "%s:seed%d" % (medium.name, seed)
        self.workload = Workload(medium, seed, compare, laps)

    def run(self):
        """Make them all. Faults are put into the tally; one for each operation is enough."""
        journal = self._record()
        flash = TornFlash(self.medium, self.medium.blank())
        for index, operation in enumerate(journal):
            if operation[1] % self.medium.block_bytes == 0 or index % _FULL_EVERY == 0:
                self.reading.forget()
            if (index + self.seed) % self.stride == 0:
                self._cut(index, operation, flash)
            happen(flash, operation)

    def _record(self):
        try:
            return self.workload.run()
        except Fault as fault:
            name = "%s:op%d:none:stable" % (self.name, len(self.workload.journal))
            self.tally.faults.append((name, fault.kind, str(fault)))
            return self.workload.journal

    def _cut(self, index, operation, flash):
        identity = (self.seed, index)
        for cut in cuts_of(self.medium, operation, flash, identity):
            name = "%s:op%d:%s" % (self.name, index, TORN_NAMES[cut.mode])
            self._cut_count += 1
            first = identity + (cut.mode,)
            journal = self._examine(name, cut, first, 1, cut.stabilities)
            if journal and self.pair_stride and self._cut_count % self.pair_stride == 0:
                for stability in cut.stabilities:
                    self._pair(name, cut, stability, journal, first + (stability,))

    def _examine(self, name, cut, identity, level, stabilities):
        try:
            journal = examine(self.medium, cut, mixed(identity), self.reading)
        except Exception as error:
            self.reading.forget()
            kind = getattr(error, "kind", error.__class__.__name__)
            name += ":" + STABILITY_NAMES[stabilities[-1]]
            self.tally.faults.append((name, kind, str(error)))
            return None
        self.tally.add(level, cut, stabilities)
        return journal

    def _pair(self, name, cut, stability, journal, identity):
        """A second cut at each operation of the start after a first one, in one of the modes."""
        name += ":" + STABILITY_NAMES[stability]
        flash = TornFlash(self.medium, cut.image, cut.unstable(stability))
        turn = self._cut_count // self.pair_stride
        for index, operation in enumerate(journal):
            modes = TORN_MODES[operation[0]]
            mode = modes[(turn + index) % len(modes)]
            self.reading.forget()
            for second in cuts_of(self.medium, operation, flash, identity + (index,), (mode,)):
                stabilities = second.stabilities
                if index == 0 and mode == NONE:
                    # With nothing of it done this is the first cut once more.
                    stabilities = (UNSTABLE,)
                self._examine("%s:op%d:%s" % (name, index, TORN_NAMES[mode]), second,
                              identity + (index, mode), 2, stabilities)
            happen(flash, operation)


def replay(name):
    """Make one case again, reading everything. Errors: whatever it raises; ValueError for a name
    that there is no case of."""
    parts = name.split(":")
    medium = [each for each in MEDIA if each.name == parts[0]][0]
    seed = int(parts[1][4:])
    journal = Workload(medium, seed, compare).run()
    flash = TornFlash(medium, medium.blank())
    identity = (seed,)
    for at in range(2, len(parts), 3):
        index, mode = int(parts[at][2:]), TORN_NAMES.index(parts[at + 1])
        stability = STABILITY_NAMES.index(parts[at + 2])
        for operation in journal[:index]:
            happen(flash, operation)
        identity += (index,)
        cuts = cuts_of(medium, journal[index], flash, identity, (mode,))
        if not cuts:
            raise ValueError("%s: there is no such case" % name)
        identity += (mode,)
        journal = examine(medium, cuts[0], mixed(identity), Reading())
        identity += (stability,)
        flash = TornFlash(medium, cuts[0].image, cuts[0].unstable(stability))
