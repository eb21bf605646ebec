"""`tidegate bench meter`: what listening to a serial meter takes of the heap."""

from tidegate_tools import bench_device
from tidegate_tools.bench import Figure

NAMES = ("heap allocated by 10,000 polls with a frame of 12 new values each, 32-bit",
         "heap kept by a serial meter, 32-bit")
BYTES = "bytes"


def run(note):
    """The figures. Argument: note(text), called before each step."""
    note("heap of a serial meter")
    try:
        found = bench_device.heap_meter()
    except bench_device.NotMeasured as error:
        why = "not measured: %s" % error
        return [Figure(NAMES[0], None, BYTES, 0, note=why),
                Figure(NAMES[1], None, BYTES, note=why)]
    basis = "%(taken)d frames taken, %(heard)d values handed on, %(flaws)d flaws" % found
    return [Figure(NAMES[0], found["allocated"], BYTES, 0, note=basis),
            Figure(NAMES[1], found["kept"], BYTES)]
