"""The POSIX board: the agent as a process of a host, set up by one JSON file.

    main.py CONFIG.json

`board` in that file is what would be soldered or provisioned elsewhere; `agent` is the agent's
configuration, checked by `config.schema`. README.md beside this file lists the keys.
"""

import json
import sys

from tidegate.agent import Agent
from tidegate.config import schema
from tidegate.errors import ConfigurationError, TidegateError
from tidegate.hal.nor import FileFlash
from tidegate.hal.posix import (
    PosixClock, PosixEntropy, PosixKeep, PosixTerminal, PosixWatchdog,
)
from tidegate.hal.posix_network import PosixNetwork
from tidegate.limits import BLOCK_BYTES, WATCHDOG_MS
from tidegate.observe.catalogue import Catalogue
from tidegate.sources.journal import JournalSource

_RESET_POWER_ON = 1
# key: default (None: must be given)
_KEYS = {"flash_path": None, "flash_bytes": 1_048_576, "clock": {}, "scenario_utc_ms": 0,
         "source": {"kind": "simulated", "seed": 1, "plug_s": 60, "unplug_s": 700},
         "journal_path": "", "name_servers": []}
_SOURCE_KEYS = {"simulated": ("seed", "plug_s", "unplug_s"), "replay": ("path",),
                "serial_meter": ("path",)}


class Ports:
    """The host's ports, by the names the agent knows."""

    name = "posix"
    reset_cause = _RESET_POWER_ON

    def __init__(self, settings, configuration):
        clock = settings["clock"]
        self.clock = PosixClock(
            clock.get("speed", 1), clock.get("wall_ms"), clock.get("utc_ms"))
        self.entropy = PosixEntropy()
        self.flash = FileFlash(settings["flash_path"], settings["flash_bytes"] // BLOCK_BYTES)
        self.terminal = PosixTerminal()
        self.network = PosixNetwork(
            self.clock, _tls(configuration), settings["name_servers"], self.terminal)
        self.keep = PosixKeep(settings["flash_path"] + ".")
        self.watchdog = PosixWatchdog(self.clock, WATCHDOG_MS)


def build(arguments):
    """Argument: the command line, one path. Result: (Agent, Ports).

    Errors: SystemExit with status 2 after one line that says what to change.
    """
    if len(arguments) != 1:
        _refuse("usage: main.py CONFIG.json")
    try:
        with open(arguments[0]) as file:
            text = json.load(file)
        settings = _settings(text.get("board"))
        configuration = schema.check(text.get("agent"))
        ports = Ports(settings, configuration)
        source = _source(settings)
        agent = Agent(ports, _journalled(source, settings["journal_path"]), configuration,
                      _umqtt(), settings["scenario_utc_ms"])
        if hasattr(source, "follow"):
            source.follow(agent.trail)
    except OSError as error:
        _refuse("%s or a file it names cannot be opened: %s" % (arguments[0], error))
    except (ValueError, AttributeError) as error:
        _refuse("%s is no JSON object: %s" % (arguments[0], error))
    except TidegateError as error:
        _refuse(str(error))
    return agent, ports


def _settings(given):
    if not isinstance(given, dict):
        raise ConfigurationError("board: must be given, a table of keys and values")
    for key in sorted(given):
        if key not in _KEYS:
            raise ConfigurationError("board.%s: no such key; known are %s"
                                     % (key, ", ".join(sorted(_KEYS))))
    settings = dict(_KEYS)
    settings.update(given)
    if settings["flash_path"] is None:
        raise ConfigurationError("board.flash_path: must be given: file that holds the spool")
    return settings


def _source(settings):
    """The source that is asked for; only that one is loaded."""
    wanted = dict(settings["source"])
    kind = wanted.pop("kind", None)
    keys = _SOURCE_KEYS.get(kind)
    if keys is None:
        raise ConfigurationError("board.source.kind: one of %s" % ", ".join(sorted(_SOURCE_KEYS)))
    if sorted(wanted) != sorted(keys):
        raise ConfigurationError("board.source: %s takes %s" % (kind, ", ".join(keys)))
    if not isinstance(wanted.get("path", ""), str):
        raise ConfigurationError("board.source.path: a text, the path of the file or line")
    if kind == "simulated":
        from tidegate.sources.simulated import SimulatedSource
        return SimulatedSource(wanted["seed"], wanted["plug_s"], wanted["unplug_s"])
    if kind == "serial_meter":
        from tidegate.hal.posix_line import PosixLine
        from tidegate.sources.serial_meter import SerialMeter
        return SerialMeter(PosixLine(wanted["path"]), Catalogue())
    from tidegate.sources.replay import ReplaySource
    return ReplaySource(wanted["path"], Catalogue())


def _journalled(source, path):
    if not path:
        return source
    journal = open(path, "ab", 0)
    return JournalSource(source, lambda line: journal.write(line.encode()))


def _tls(configuration):
    """What the configuration trusts and shows; None where it wants no TLS."""
    if configuration["tls"] == "off":
        return None
    if sys.implementation.name == "micropython":
        from tidegate.hal.tls import Tls
    else:
        from tidegate.hal.tls_cpython import Tls
    ca_path = configuration["tls_ca"] if configuration["tls"] == "on" else ""
    return Tls(ca_path, configuration["tls_certificate"], configuration["tls_key"])


def _umqtt():
    try:
        import umqtt.simple
    except ImportError:
        raise ConfigurationError("umqtt.simple is not on the module path; run make setup")
    return umqtt.simple


def _refuse(line):
    sys.stderr.write(line + "\n")
    sys.exit(2)
