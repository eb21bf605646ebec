"""How a board of silicon becomes an agent: its factory file, its ports, its source.

`factory.json` is what `tidegate provision` writes: `board`, what is soldered or near, and `agent`,
the agent's configuration.
"""

import json
import sys

from tidegate.agent import Agent
from tidegate.config import networks, store
from tidegate.errors import ConfigurationError, TidegateError
from tidegate.hal.files import board_keep
from tidegate.link.chance import Chance
from tidegate.link.session import UP
from tidegate.observe.catalogue import Catalogue

FACTORY_PATH = "/factory.json"
_SOURCES = ("simulated", "serial_meter")
# key: default
_KEYS = {"wifi": [], "country": "", "watchdog": True, "interrupt": True, "modem": False,
         "source": {"kind": "simulated", "seed": 1, "plug_s": 60, "unplug_s": 700}}


def build(make_ports, open_line, simple):
    """The agent and its ports.

    Arguments: make_ports(settings, configuration), which gives the ports; open_line(), the serial
    line of a meter; simple, the module umqtt.simple.
    Errors: SystemExit with status 2 after one line that says what to change.
    """
    try:
        settings, given = read(FACTORY_PATH)
        return store.begin(board_keep(), given,
                           lambda found: _make(make_ports, open_line, simple, settings, found))
    except TidegateError as error:
        sys.stderr.write(str(error) + "\n")
        sys.exit(2)


def _make(make_ports, open_line, simple, settings, found):
    """(agent, ports) with a configuration. Argument: found, a `config.store.Store`."""
    ports = make_ports(settings, found.running)
    wifi = getattr(ports.network, "wifi", None)
    if wifi is not None:
        wifi.adopt(networks.kept(found))
    source = _source(settings["source"], open_line)
    agent = Agent(ports, source, found, simple)
    for each in (source, ports.network):
        if hasattr(each, "follow"):
            each.follow(agent.trail)
    ports.watchdog = Prover(ports, agent)
    return agent, ports


class Prover:
    """The watchdog, which also shows by the light whether a session stands, and at the first one
    keeps the tree that reached it.

    See `loader`; code that is frozen into the firmware has no tree.
    """

    def __init__(self, ports, agent):
        self._watchdog, self._led = ports.watchdog, ports.led
        self._agent = agent
        self._is_proven = False

    def feed(self):
        """See `hal.ports.Watchdog.feed`."""
        self._watchdog.feed()
        is_up = self._agent.session.phase == UP
        if self._led is not None:
            self._led.show(is_up)
        if is_up and not self._is_proven:
            self._is_proven = True
            try:
                import loader
            except ImportError:
                return
            loader.keep()


def chance(entropy, configuration):
    """random_below(n) for what is not the agent's: an integer of 0..n-1."""
    return Chance(entropy.random_bytes, configuration["device_id"].encode()).below


def read(path):
    """(board's settings, agent's part) of a factory file. Errors: ConfigurationError."""
    try:
        with open(path) as file:
            text = json.load(file)
    except OSError:
        raise ConfigurationError("there is no %s on the board: run tidegate provision, then"
                                 " tidegate deploy" % path)
    except ValueError as error:
        raise ConfigurationError("%s is no JSON object: %s" % (path, error))
    if not isinstance(text, dict) or not isinstance(text.get("board", {}), dict):
        raise ConfigurationError("%s: must be a table with the tables board and agent" % path)
    settings = dict(_KEYS)
    for key, value in text.get("board", {}).items():
        if key not in _KEYS:
            raise ConfigurationError("board.%s: no such key; known are %s"
                                     % (key, ", ".join(sorted(_KEYS))))
        if not isinstance(value, type(_KEYS[key])):
            raise ConfigurationError("board.%s: must be like %s" % (key, json.dumps(_KEYS[key])))
        settings[key] = value
    for row in settings["wifi"]:
        if not isinstance(row, list) or len(row) != 2 or not 1 <= len(row[0].encode()) <= 32:
            raise ConfigurationError('board.wifi: a list of ["name", "password"]')
    if settings["wifi"] and len(settings["country"]) != 2:
        raise ConfigurationError('board.country: two letters, such as "NO": they say which'
                                 " channels and what power the law allows")
    if settings["source"].get("kind") not in _SOURCES:
        raise ConfigurationError("board.source.kind: one of %s" % ", ".join(_SOURCES))
    return settings, text.get("agent")


def _source(wanted, open_line):
    """The source that is asked for; only that one is loaded."""
    if wanted["kind"] == "serial_meter":
        from tidegate.sources.serial_meter import SerialMeter

        return SerialMeter(open_line(), Catalogue())
    from tidegate.sources.simulated import SimulatedSource

    return SimulatedSource(wanted.get("seed", 1), wanted.get("plug_s", 60),
                           wanted.get("unplug_s", 700), wanted.get("period_s", 0))
