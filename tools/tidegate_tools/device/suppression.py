"""Twelve observations for scripts that measure suppression: values, and changes of each."""

from tidegate.diag.counters import Counters
from tidegate.limits import TICKS_MASK_MS
from tidegate.observe.catalogue import Catalogue
from tidegate.observe.sampler import Sampler
from tidegate.observe.suppress import Suppressor

# id, value, noise within its bound, another value beyond it
ROWS = (
    (201, 250, 4, 290), (206, 260, 4, 300), (501, 230_125, 900, 234_000),
    (502, 229_800, 900, 226_000), (503, 231_000, 900, 227_000), (507, 16_000, 200, 12_000),
    (508, 15_900, 200, 12_000), (509, 15_950, 200, 12_000), (513, 11_000, 90, 8_000),
    (553, 5_000, 4, 5_050), (710, 3, 0, 5), (809, -61, 2, -52),
)
IDS = [row[0] for row in ROWS]
EQUAL = [row[1] for row in ROWS]
OTHER = [row[3] for row in ROWS]
# A turn each; the same noise never comes twice in a row.
SHARES = (-4, 3, 1, -2, 4, -1, 2, -3)


def noisy():
    """Lists of values, one for each turn, all of them within their bounds."""
    return [[row[1] + row[2] * SHARES[(turn + place) % len(SHARES)] // 4
             for place, row in enumerate(ROWS)] for turn in range(len(SHARES))]


class Device:
    """A sampler in front of a log that never fails. `now_ms` wraps as the agent's ticks do."""

    def __init__(self, catalogue=None):
        self.seq = 0
        self.now_ms = 0
        catalogue = catalogue or Catalogue()
        self.suppressor = Suppressor(catalogue)
        self.counters = Counters()
        self.sampler = Sampler(catalogue, self.suppressor, self.append, self.counters)
        # A method taken as a value is made anew each time.
        self.offer = self.sampler.offer

    def append(self, log, kind, observation_id, value, at_ms):
        """Durable, and numbered."""
        self.seq += 1
        return self.seq

    def turn(self, values, step_ms):
        """One turn, `step_ms` after the one before, of all twelve."""
        self.now_ms = (self.now_ms + step_ms) & TICKS_MASK_MS
        self.sampler.begin_turn(self.now_ms)
        offer, ids = self.offer, IDS
        for index in range(12):
            offer(ids[index], values[index])
        self.sampler.end_turn()
