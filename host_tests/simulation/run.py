"""The long life of one device: `make soak`.

    run.py --days 30 --minutes 10 --seed 1 --json
"""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import conftest  # noqa: E402, F401  (the device's modules and umqtt.simple on the path)
from simulation.soak import Soak  # noqa: E402
from tidegate_tools import bench  # noqa: E402


def main():
    """Exit status 0: as many days as asked for, and no breach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="simulated days, at least")
    parser.add_argument("--minutes", type=float, default=10, help="wall time, at least")
    parser.add_argument("--seed", type=int, default=1, help="of the world")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    options = parser.parse_args()
    soak = Soak(options.seed)
    print("seed %d" % options.seed, file=sys.stderr)
    soak.live(options.days, 60 * options.minutes,
              lambda text: print(text, file=sys.stderr, flush=True))
    figures = soak.figures()
    status = 0
    if options.json:
        print(json.dumps({"seed": options.seed, "faults": soak.world.faults,
                          "breaches": soak.breaches,
                          "figures": [figure.to_json() for figure in figures]}))
        status = int(any(figure.is_broken for figure in figures))
    else:
        status = bench.show(figures, False)
    for breach in soak.breaches:
        print(breach, file=sys.stderr)
    return int(bool(status or soak.breaches))


if __name__ == "__main__":
    sys.exit(main())
