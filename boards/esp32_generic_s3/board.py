"""ESP32-S3 dev boards with 8 MB of flash and PSRAM, such as ESP32-S3-DevKitC-1-N8R8."""

import umqtt.simple

from tidegate import assembly
from tidegate.hal import chip, esp32, uart

NAME = "esp32_generic_s3"
PINS = {"led": 2, "meter_tx": 17, "meter_rx": 18}


def ports(settings, configuration):
    """All ports. Arguments: settings, `board` of the factory file; configuration, the agent's."""

    def links(entropy):
        below = assembly.chance(entropy, configuration)
        return [esp32.wifi(settings["wifi"], settings["country"], below)]

    return esp32.ports(NAME, settings, links, configuration, chip.Led(PINS["led"]))


def meter():
    """The serial line of a meter, where the factory file asks for one."""
    return uart.open_line(1, PINS["meter_tx"], PINS["meter_rx"])


def build(_arguments):
    """The agent and its ports."""
    return assembly.build(ports, meter, umqtt.simple)
