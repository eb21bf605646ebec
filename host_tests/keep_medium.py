"""A medium for small records whose power fails in the middle of a save; portable.

Real ports rename, so that a record is the old or the new one. This one breaks that word in every
way: what relies on two copies must hold on it.
"""

from fakes import PowerCut, Random

# What stands in the place of a record whose save was cut.
OLD, NEW, NOTHING, PREFIX, GARBAGE = "old", "new", "nothing", "prefix", "garbage"
CUTS = (OLD, NEW, NOTHING, PREFIX, GARBAGE)


class CutKeep:
    """Arguments: records, those that stand there, copied; cut_at, the save that is cut, from 1, 0
    for none; how, of CUTS; failing, names whose saves fail; lying, names of which it is said that
    they are saved. After a cut nothing answers."""

    def __init__(self, records=(), cut_at=0, how=OLD, failing=(), lying=()):
        self.records = dict(records)
        self.cut_at = cut_at
        self.how = how
        self.failing = failing
        self.lying = lying
        self.save_count = 0
        self._is_off = False

    def load(self, name):
        if self._is_off:
            raise PowerCut
        return self.records.get(name, b"")

    def save(self, name, record):
        if self._is_off:
            raise PowerCut
        self.save_count += 1
        if self.save_count == self.cut_at:
            self._is_off = True
            if self.how != OLD:
                self.records[name] = {
                    NEW: record, NOTHING: b"", PREFIX: record[:len(record) * 2 // 3],
                    GARBAGE: Random(self.save_count).data(len(record)),
                }[self.how]
            raise PowerCut
        if name in self.failing:
            return False
        if name not in self.lying:
            self.records[name] = record
        return True
