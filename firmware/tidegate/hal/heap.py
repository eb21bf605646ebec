"""The heap of the interpreter, on boards and hosts alike."""

import gc
import sys


class GarbageCollector:
    """The interpreter's heap; see `hal.ports.Memory`."""

    def collect(self):
        """See `hal.ports.Memory.collect`. CPython does not know, and needs no sweep."""
        if sys.implementation.name != "micropython":
            return -1
        gc.collect()
        return gc.mem_free()
