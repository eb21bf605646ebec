"""What the board starts: build the board, run the loop."""

import gc
import sys

# What compiling a module leaves behind stands between what stays. Collected as it comes, it
# leaves one free stretch in place of hundreds too short for a line of a file.
_IMPORT_GARBAGE_BYTES = 8_192
if hasattr(gc, "threshold"):
    gc.threshold(_IMPORT_GARBAGE_BYTES)

import board  # noqa: E402
from tidegate.run import run  # noqa: E402

built = board.build(sys.argv[1:])
if hasattr(gc, "threshold"):
    gc.threshold(-1)
sys.exit(run(*built))
