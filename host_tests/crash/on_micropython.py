"""A sample of the power cuts on any interpreter: SEED STRIDE PAIR_STRIDE, each a number.

Prints one line for each medium and, at a fault, the name of the case; then the exit status is 1.
"""

import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from crash.cases import Sweep, Tally  # noqa: E402
from crash.workload import MEDIA  # noqa: E402


def main(seed, stride, pair_stride):
    fault_count = 0
    for medium in MEDIA:
        tally = Tally()
        Sweep(medium, seed, tally, stride, pair_stride, laps=1).run()
        print("%s:seed%d: %d single, %d second cuts, %d faults" % (
            medium.name, seed, tally.total(1), tally.total(2), len(tally.faults)))
        for name, _, text in tally.faults[:3]:
            print("%s: %s" % (name, text))
        fault_count += len(tally.faults)
    sys.exit(1 if fault_count else 0)


main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
