"""What ESP32 and RP2 boards have alike: `machine`, the serial line of the REPL, their ticks."""

import os
import select
import sys
import time

import machine

from tidegate.hal.chip_clock import ChipClock
from tidegate.hal.files import board_keep
from tidegate.hal.heap import GarbageCollector
from tidegate.hal.sockets import ChipNetwork
from tidegate.limits import WATCHDOG_MS

# The numbers that the spool keeps and the fleet sees, whatever the chip calls them.
POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = 1, 2, 3, 4, 5
_CAUSES = (("PWRON_RESET", POWER_ON), ("HARD_RESET", HARD), ("WDT_RESET", WATCHDOG),
           ("DEEPSLEEP_RESET", DEEP_SLEEP), ("SOFT_RESET", SOFT))


def reset_cause():
    """Why the board started, as one of the numbers above; POWER_ON for what has none."""
    found = machine.reset_cause()
    for name, number in _CAUSES:
        if getattr(machine, name, None) == found:
            return number
    return POWER_ON


def pin(number):
    """A pin as an RP2 names it."""
    return machine.Pin(number)


def unique_id():
    """The chip's own number, as text of hexadecimal digits."""
    return "".join("%02x" % byte for byte in machine.unique_id())


class ChipEntropy:
    """The generator of the hardware."""

    def random_bytes(self, count):
        """See `hal.ports.Entropy.random_bytes`."""
        return os.urandom(count)


_CTRL_C = 3


class ChipTerminal:
    """The serial line of the REPL: a UART or USB, as MicroPython's standard streams.

    Arguments: is_interruptible, whether byte 0x03 stops the agent, as tools need on development
    boards; else it is a byte like any other.
    """

    newline = b"\r\n"

    def __init__(self, is_interruptible=True):
        self._is_interruptible = is_interruptible
        if not is_interruptible:
            import micropython

            micropython.kbd_intr(-1)
        self._source = sys.stdin.buffer
        self._sink = sys.stdout.buffer
        self._poll = select.poll()
        # Of the stream itself: only that has a poll.
        self._poll.register(sys.stdin, select.POLLIN)

    def read_into(self, buffer):
        """See `hal.ports.Terminal.read_into`. Byte by byte: a longer read would wait."""
        count = 0
        while count < len(buffer) and self._poll.poll(0):
            byte = self._source.read(1)
            if not byte:
                break
            buffer[count] = byte[0]
            count += 1
        return count

    def write(self, data):
        """See `hal.ports.Terminal.write`. A UART takes the time of its bytes, USB what fits."""
        return self._sink.write(data) or 0

    def close(self):
        """See `hal.ports.Terminal.close`."""
        if not self._is_interruptible:
            import micropython

            micropython.kbd_intr(_CTRL_C)


class ChipWatchdog:
    """The chip's own. Once made it cannot be stopped. Argument: timeout_ms, at most 8,388."""

    def __init__(self, timeout_ms):
        self._watchdog = machine.WDT(timeout=timeout_ms)

    def feed(self):
        """See `hal.ports.Watchdog.feed`."""
        self._watchdog.feed()


class NoWatchdog:
    """For development, where a REPL that is looked at would be bitten."""

    def feed(self):
        """See `hal.ports.Watchdog.feed`."""


class NoScratch:
    """Of a chip that keeps nothing over a reset; see `hal.ports.Scratch`."""

    def load(self):
        """See `hal.ports.Scratch.load`."""
        return b""

    def save(self, record):
        """See `hal.ports.Scratch.save`."""


class Led:
    """One light. Arguments: pin, as the port names it; is_low, whether a low level lights it."""

    def __init__(self, pin, is_low=False):
        self._is_low = is_low
        self._pin = machine.Pin(pin, machine.Pin.OUT)
        self.show(False)

    def show(self, is_on):
        """Light it or not."""
        self._pin.value(bool(is_on) != self._is_low)


class ChipPorts:
    """All ports of a board of silicon, by the names the agent knows.

    Arguments: name, of the board; settings, of its factory file; flash; make_links(entropy), the
    links, best first; configuration, the agent's; codes, see `hal.sockets.ChipNetwork`; led, a Led
    or None; rtc, a `hal.clock_chip.ClockChip` where there is one with a battery; scratch, where
    the chip has such memory.
    """

    def __init__(self, name, settings, flash, make_links, configuration, codes=None, led=None,
                 rtc=None, scratch=None):
        self.name = name
        self.reset_cause = reset_cause()
        is_kept = rtc is not None and rtc.is_kept()
        self.clock = ChipClock(time.ticks_ms, machine.RTC() if rtc is None else rtc, is_kept)
        self.led = led
        self.entropy = ChipEntropy()
        self.flash = flash
        self.keep = board_keep()
        self.network = ChipNetwork(self.clock, make_links(self.entropy), _tls(configuration),
                                   codes)
        self.terminal = ChipTerminal(settings["interrupt"])
        self.memory = GarbageCollector()
        self.scratch = scratch or NoScratch()
        # Last: from here on every turn has to come in time.
        self.watchdog = ChipWatchdog(WATCHDOG_MS) if settings["watchdog"] else NoWatchdog()


def _tls(configuration):
    """What the configuration trusts and shows; None where it wants no TLS."""
    if configuration["tls"] == "off":
        return None
    from tidegate.hal.tls import Tls

    ca_path = configuration["tls_ca"] if configuration["tls"] == "on" else ""
    return Tls(ca_path, configuration["tls_certificate"], configuration["tls_key"])
