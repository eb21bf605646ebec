"""What the board starts: build the board, run the loop."""

import sys

import board
from tidegate.run import run

sys.exit(run(*board.build(sys.argv[1:])))
