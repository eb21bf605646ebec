"""Raspberry Pi Pico W: an RP2040 with 2 MB of flash."""

import umqtt.simple

from tidegate import assembly
from tidegate.hal import chip, rp2, uart

NAME = "rpi_pico_w"
PINS = {"led": "LED", "meter_tx": 4, "meter_rx": 5}
# Of board.json: region spool, counted from the begin of the storage area.
SPOOL_OFFSET, SPOOL_BYTES = 262144, 606208


def ports(settings, configuration):
    """All ports. Arguments: settings, `board` of the factory file; configuration, the agent's."""

    def links(entropy):
        below = assembly.chance(entropy, configuration)
        return [rp2.wifi(settings["wifi"], settings["country"], below)]

    return chip.ChipPorts(NAME, settings, rp2.RegionFlash(SPOOL_OFFSET, SPOOL_BYTES), links,
                          configuration, led=chip.Led(PINS["led"]))


def meter():
    """The serial line of a meter, where the factory file asks for one."""
    return uart.open_line(1, chip.pin(PINS["meter_tx"]), chip.pin(PINS["meter_rx"]))


def build(_arguments):
    """The agent and its ports."""
    return assembly.build(ports, meter, umqtt.simple)
