"""The POSIX board: the agent as a process of a host, set up by one JSON file.

    main.py CONFIG.json

`board` in that file is what would be soldered or provisioned elsewhere; `agent` is the factory's
part of the agent's configuration, see `config.store`. README.md beside this file lists the keys.
"""

import json
import sys

from tidegate.agent import Agent
from tidegate.config import store
from tidegate.errors import ConfigurationError, TidegateError
from tidegate.hal.heap import GarbageCollector
from tidegate.hal.nor import FileFlash
from tidegate.hal.posix import (
    PosixClock, PosixEntropy, PosixKeep, PosixScratch, PosixTerminal, PosixWatchdog,
)
from tidegate.hal.posix_network import PosixNetwork
from tidegate.limits import BLOCK_BYTES, COUNT53_MAX, WATCHDOG_MS
from tidegate.observe.catalogue import Catalogue
from tidegate.sources.journal import JournalSource

_RESET_POWER_ON, _RESET_WATCHDOG = 1, 3
# key: default (None: must be given), what it must be
_KEYS = {"flash_path": (None, "a text, the file that holds the spool"),
         "flash_bytes": (1_048_576, "a multiple of 4096 from 32768 to 1 GiB"),
         "clock": ({}, "a table of speed, 1 to 10000, wall_ms and utc_ms, both or neither"),
         "scenario_utc_ms": (0, "ms since 1970"),
         "source": ({"kind": "simulated", "seed": 1, "plug_s": 60, "unplug_s": 700}, "a table"),
         "journal_path": ("", "a text"),
         "name_servers": ([], 'a list of [address, port], such as ["192.0.2.1", 53]')}
_SOURCE_KEYS = {"simulated": ("seed", "plug_s", "unplug_s"), "replay": ("path",),
                "serial_meter": ("path",)}
_CLOCK_KEYS = ("speed", "wall_ms", "utc_ms")


class Ports:
    """The host's ports, by the names the agent knows."""

    name = "posix"

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
        self.memory = GarbageCollector()
        self.scratch = PosixScratch(settings["flash_path"] + ".scratch")
        self.reset_cause = _RESET_WATCHDOG if self.scratch.was_bitten else _RESET_POWER_ON
        self.watchdog = PosixWatchdog(self.clock, WATCHDOG_MS, self.scratch)


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
        return store.begin(PosixKeep(settings["flash_path"] + "."), text.get("agent"),
                           lambda found: _make(settings, found))
    except OSError as error:
        _refuse("%s or a file it names cannot be opened: %s" % (arguments[0], error))
    except (ValueError, AttributeError, RuntimeError) as error:
        # RuntimeError: brackets nested deeper than the parser goes.
        _refuse("%s is no JSON object: %s" % (arguments[0], error))
    except TidegateError as error:
        _refuse(str(error))


def _make(settings, found):
    """The agent and its ports with a configuration. Argument: found, a `config.store.Store`."""
    ports = Ports(settings, found.running)
    source = _source(settings)
    agent = Agent(ports, _journalled(source, settings["journal_path"]), found, _umqtt(),
                  settings["scenario_utc_ms"])
    if hasattr(source, "follow"):
        source.follow(agent.trail)
    return agent, ports


def _settings(given):
    if not isinstance(given, dict):
        raise ConfigurationError("board: must be given, a table of keys and values")
    for key in sorted(given, key=str):
        if key not in _KEYS:
            raise ConfigurationError("board.%s: no such key; known are %s"
                                     % (key, ", ".join(sorted(_KEYS))))
    settings = {}
    for key in sorted(_KEYS):
        default, meaning = _KEYS[key]
        settings[key] = given.get(key, default)
        if settings[key] is None or not _is_good(key, settings[key]):
            raise ConfigurationError("board.%s: must be %s" % (key, meaning))
    return settings


def _is_good(key, value):
    """Whether a value of `board` is what its key must be."""
    if key in ("flash_path", "journal_path"):
        # A path with a zero byte is none of the system's.
        return isinstance(value, str) and "\0" not in value and (value or key != "flash_path")
    if key == "flash_bytes":
        return _is_count(value, 32_768, 1 << 30) and value % BLOCK_BYTES == 0
    if key == "scenario_utc_ms":
        return _is_count(value)
    if key == "name_servers":
        return isinstance(value, list) and all(
            isinstance(each, list) and len(each) == 2 and isinstance(each[0], str)
            and _is_count(each[1], 1, 65_535) for each in value)
    if not isinstance(value, dict):
        return False
    return key == "source" or (
        all(name in _CLOCK_KEYS and _is_count(value[name]) for name in value)
        and 1 <= value.get("speed", 1) <= 10_000 and ("wall_ms" in value) == ("utc_ms" in value))


def _is_count(value, low=0, high=COUNT53_MAX):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _source(settings):
    """The source that is asked for; only that one is loaded."""
    wanted = dict(settings["source"])
    kind = wanted.pop("kind", None)
    keys = _SOURCE_KEYS.get(kind) if isinstance(kind, str) else None
    if keys is None:
        raise ConfigurationError("board.source.kind: one of %s" % ", ".join(sorted(_SOURCE_KEYS)))
    if sorted(wanted, key=str) != sorted(keys):
        raise ConfigurationError("board.source: %s takes %s" % (kind, ", ".join(keys)))
    if not isinstance(wanted.get("path", ""), str) or "\0" in wanted.get("path", ""):
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
