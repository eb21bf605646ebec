"""ESP32 dev boards with 4 MB of flash and no PSRAM, such as ESP32-DevKitC."""

import umqtt.simple

from tidegate import assembly
from tidegate.hal import chip, esp32, uart

NAME = "esp32_generic"
PINS = {"led": 2, "meter_tx": 17, "meter_rx": 16}


def ports(settings, configuration):
    """All ports. Arguments: settings, `board` of the factory file; configuration, the agent's."""

    def links(entropy):
        below = assembly.chance(entropy, configuration)
        return [esp32.wifi(settings["wifi"], settings["country"], below)]

    return esp32.ports(NAME, settings, links, configuration, chip.Led(PINS["led"]))


def meter():
    """The serial line of a meter, where the factory file asks for one."""
    return uart.open_line(2, PINS["meter_tx"], PINS["meter_rx"])


def build(_arguments):
    """The agent and its ports."""
    return assembly.build(ports, meter, umqtt.simple)
