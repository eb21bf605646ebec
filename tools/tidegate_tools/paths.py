"""Where things lie in the checkout, and access to the device's own modules."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tidegate_tools.errors import ToolError


@dataclass(frozen=True)
class Checkout:
    """The folders of one checkout that the host program uses.

    `root` holds `firmware/`, `boards/` and, after the set-up, `.build/`.
    """

    root: Path

    @property
    def firmware(self):
        return self.root / "firmware"

    @property
    def board(self):
        return self.root / "boards" / "posix"

    @property
    def libraries(self):
        return self.root / ".build" / "lib"

    @property
    def interpreter(self):
        return self.root / ".build" / "bin" / "micropython"


def find_checkout(starts=None):
    """The checkout around this file, else around the working folder.

    Arguments: starts, the folders from which to look upwards. Errors: ToolError.
    """
    if starts is None:
        starts = (Path(__file__).resolve().parent, Path.cwd())
    for start in starts:
        for folder in (start, *start.parents):
            if (folder / "firmware" / "tidegate" / "limits.py").is_file():
                return Checkout(folder)
    raise ToolError("no Tidegate checkout here: run this inside the folder that holds firmware/")


def use_device_modules():
    """Makes `import tidegate` find the device's modules of the checkout; may be called often."""
    folder = str(find_checkout().firmware)
    if folder not in sys.path:
        sys.path.append(folder)
