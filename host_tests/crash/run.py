"""The long run of power cuts: `make crash`, or one case again by its name."""

import argparse
import multiprocessing
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "firmware")]

from crash import fast  # noqa: E402
from crash.cases import STABILITY_NAMES, Sweep, Tally, replay  # noqa: E402
from crash.torn import OPERATION_NAMES, TORN_NAMES  # noqa: E402
from crash.workload import MEDIA  # noqa: E402

SINGLE_COUNT = 1_000_000
PAIR_COUNT = 200_000
# After so many-th cuts there are second ones: a fifth to a quarter as many as single ones.
PAIR_STRIDE = 128
LEVEL_NAMES = {1: "single cuts", 2: "second cuts"}


def sweep(work):
    """One workload with its cuts. Argument: (index of the medium, seed, stride, pair stride).
    Result: Tally."""
    index, seed, stride, pair_stride = work
    tally = Tally()
    Sweep(MEDIA[index], seed, tally, stride, pair_stride).run()
    return tally


def run(options):
    """Sweep workload after workload until there are enough cuts. Result: the Tally of all."""
    begun_s = time.monotonic()
    total = Tally()
    media = [at for at in range(len(MEDIA)) if options.medium in (None, MEDIA[at].name)]
    works = ((index, seed, options.stride, options.pair_stride)
             for seed in range(options.seed, 1 << 20) for index in media)
    with multiprocessing.Pool(options.jobs, fast.remember_crcs) as pool:
        for tally in pool.imap_unordered(sweep, works):
            total.faults += tally.faults
            for name, kind, _ in tally.faults:
                print(f"{kind}: {name}")
            for key, count in tally.counts.items():
                total.counts[key] = total.counts.get(key, 0) + count
            spent_s = time.monotonic() - begun_s
            print(f"{spent_s:6.0f} s  {total.total(1):>9,} single, {total.total(2):>8,} second, "
                  f"{len(total.faults)} faults", flush=True)
            is_enough = (total.total(1) >= options.count
                         and total.total(2) >= options.count * PAIR_COUNT // SINGLE_COUNT)
            is_enough = is_enough or total.faults and options.stop_at_first
            if is_enough or options.seconds and spent_s >= options.seconds:
                pool.terminate()
                break
    return total


def report(total):
    """Print the counts as a table, and the faults by kind with one case each."""
    for level, title in LEVEL_NAMES.items():
        print(f"\n{title}: {total.total(level):,}")
        for kind, operation in enumerate(OPERATION_NAMES):
            for mode, torn in enumerate(TORN_NAMES):
                for stability, name in enumerate(STABILITY_NAMES):
                    count = total.counts.get((level, kind, mode, stability))
                    if count:
                        print(f"  {operation:8} {torn:7} {name:9} {count:>9,}")
    by_kind = {}
    for name, kind, text in total.faults:
        by_kind.setdefault(kind, []).append((name, text))
    for kind, cases in sorted(by_kind.items()):
        name, text = min(cases, key=lambda case: len(case[0]))
        print(f"\n{len(cases)} x {kind}; {text}")
        print(f"  again: .venv/bin/python host_tests/crash/run.py --case {name}")


def main():
    """Exit status 0: as many cuts as asked for, and no fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=SINGLE_COUNT,
                        help="end after so many distinct single cuts, and a fifth as many pairs")
    parser.add_argument("--seconds", type=int, default=0, help="end after so long, 0: never")
    parser.add_argument("--seed", type=int, default=1, help="of the first workload")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--medium", help="only this one: " + ", ".join(m.name for m in MEDIA))
    parser.add_argument("--stride", type=int, default=1,
                        help="cut only every so many-th operation")
    parser.add_argument("--pair-stride", type=int, default=PAIR_STRIDE,
                        help="after every so many-th cut there are second ones")
    parser.add_argument("--stop-at-first", action="store_true",
                        help="end after the first workload with a fault")
    parser.add_argument("--case", help="make one case again, by its name")
    options = parser.parse_args()
    if options.case:
        replay(options.case)
        print("this case shows no fault")
        return 0
    total = run(options)
    report(total)
    if total.faults:
        print(f"\n{len(total.faults)} faults; seeds from {options.seed} on")
        return 1
    if total.total(1) < options.count and not options.seconds:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
