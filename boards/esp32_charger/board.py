"""The charger class: an ESP32 with PSRAM and 16 MB of flash, a meter, a clock chip, a modem."""

import umqtt.simple

from tidegate import assembly
from tidegate.hal import chip, clock_chip, esp32, uart

NAME = "esp32_charger"
PINS = {"led": 2, "meter_tx": 25, "meter_rx": 34, "modem_tx": 27, "modem_rx": 26,
        "clock_sda": 21, "clock_scl": 22}


def ports(settings, configuration):
    """All ports. Arguments: settings, `board` of the factory file; configuration, the agent's."""

    def links(entropy):
        below = assembly.chance(entropy, configuration)
        found = []
        if settings["wifi"]:
            found.append(esp32.wifi(settings["wifi"], settings["country"], below))
        if settings["modem"]:
            found.append(esp32.modem(2, PINS["modem_tx"], PINS["modem_rx"]))
        return found

    clock = clock_chip.open_clock(0, PINS["clock_scl"], PINS["clock_sda"])
    return esp32.ports(NAME, settings, links, configuration, chip.Led(PINS["led"]), clock)


def meter():
    """The serial line of the metering controller."""
    return uart.open_line(1, PINS["meter_tx"], PINS["meter_rx"])


def build(_arguments):
    """The agent and its ports."""
    return assembly.build(ports, meter, umqtt.simple)
