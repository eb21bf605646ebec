"""What a demo is asked to do, checked before anything starts."""

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tidegate_tools import timeline
from tidegate_tools.broker import check_broker
from tidegate_tools.errors import ToolError
from tidegate_tools.paths import Checkout, find_checkout

SOURCES = ("simulated", "serial_meter")


@dataclass(frozen=True)
class Options:
    """As given on the command line; None where the default is to be worked out."""

    speed: int | None = None
    trace: Path | None = None
    broker: str = "amqtt"
    source: str = "simulated"
    noise: float = 0.0
    seed: int | None = None
    cut_s: float | None = None
    keep: Path | None = None
    firmware: Path | None = None
    interpreter: Path | None = None


@dataclass(frozen=True)
class Setup:
    """A demo that can start: every path exists and is absolute. `folder` is its work folder.

    `source` is where the samples come from, `noise` of the line, where there is one to it.
    """

    plan: timeline.Plan
    source: dict
    noise: float
    broker: str
    seed: int
    firmware: Path
    interpreter: Path
    checkout: Checkout
    folder: Path
    is_folder_ours: bool

    def discard(self):
        """Removes the work folder, unless the user named it."""
        if self.is_folder_ours:
            shutil.rmtree(self.folder, ignore_errors=True)


def prepare(options):
    """Options into a Setup; the work folder is made last. Errors: ToolError."""
    check_broker(options.broker)
    plan, source, seed = _script(options)
    checkout = find_checkout()
    firmware = Path(options.firmware or checkout.firmware).resolve()
    if not (firmware / "main.py").is_file():
        raise ToolError("%s holds no main.py: --firmware names the folder of the agent" % firmware)
    interpreter = find_interpreter(options.interpreter, checkout)
    folder = make_folder(options.keep)
    return Setup(plan, source, options.noise, options.broker, seed, firmware, interpreter,
                 checkout, folder, options.keep is None)


def _script(options):
    seed = secrets.randbelow(1 << 30) if options.seed is None else options.seed
    if options.source not in SOURCES:
        raise ToolError("unknown source '%s': --source is one of %s"
                        % (options.source, ", ".join(SOURCES)))
    if options.noise and options.source != "serial_meter":
        raise ToolError("noise needs a line: use --source serial_meter with --noise")
    if options.trace is not None:
        if options.source != "simulated":
            raise ToolError("a trace is a source of its own: leave out --source or --trace")
        path = Path(options.trace).resolve()
        if not path.is_file():
            raise ToolError("there is no trace %s: TRACE or --trace names a CSV file" % path)
        plan = timeline.replayed(timeline.trace_seconds(path), options.speed, options.cut_s)
        return plan, {"kind": "replay", "path": str(path)}, seed
    plan = timeline.simulated(options.speed, options.cut_s)
    source = {"kind": options.source, "seed": seed, "plug_s": plan.plug_s,
              "unplug_s": plan.unplug_s}
    return plan, source, seed


def find_interpreter(given, checkout):
    """Absolute path of a MicroPython: the one given, else the checkout's. Errors: ToolError."""
    path = Path(given) if given is not None else checkout.interpreter
    found = shutil.which(path)
    if found is None:
        raise ToolError("%s is no interpreter: `make demo` sets one up, or name one with "
                        "--interpreter" % path)
    # Not resolved: a link of a virtual environment is more than what it points at.
    return Path(os.path.abspath(found))


def make_folder(keep):
    """The work folder: `keep`, which must be new or empty, else a temporary one. Errors:
    ToolError."""
    if keep is None:
        try:
            return Path(tempfile.mkdtemp(prefix="tidegate-"))
        except OSError as error:
            raise ToolError("no folder for temporary files can be made (%s): name one with --keep"
                            % error.strerror) from None
    folder = Path(keep).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ToolError("the folder %s is not empty: name a new one with --keep" % folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ToolError("the folder %s cannot be written: %s" % (folder, error.strerror)) from None
    return folder
