"""Memory of an ESP32's clock, which every reset leaves alone and a loss of power does not."""

from machine import RTC


class RtcScratch:
    """See `hal.ports.Scratch`. Nobody else may use `machine.RTC().memory`."""

    def __init__(self):
        self._rtc = RTC()

    def load(self):
        """See `hal.ports.Scratch.load`."""
        return self._rtc.memory()

    def save(self, record):
        """See `hal.ports.Scratch.save`: copied, and nothing else."""
        self._rtc.memory(record)
