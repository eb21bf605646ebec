"""The serial line of a board, on a fake of `machine.UART` that refuses what the chips refuse.

Written after `ports/esp32/machine_uart.c` and `ports/rp2/machine_uart.c`.
"""

import sys
import types

import pytest
from meter_checks import VECTORS

from tidegate.errors import SourceError
from tidegate.limits import METER_BAUD, METER_STEP_BYTES_MAX
from tidegate.observe.catalogue import Catalogue
from tidegate.sources.serial_meter import SerialMeter

RP2_BUFFER_BYTES_MAX = 32_766
# `rxbuf` of an ESP32 is a number of 16 bits, and must be larger than the chip's own queue.
ESP32_QUEUE_BYTES = 128


class Uart:
    """UART 1 or 2; pins 0 to 48 but those of the flash chip."""

    made = None

    def __init__(self, number, baudrate, bits, parity, stop, tx, rx, rxbuf, timeout, timeout_char):
        if number == 0:
            raise ValueError("UART(0) is disabled (dedicated to REPL)")
        if number not in (1, 2):
            raise ValueError("UART(%d) does not exist" % number)
        if not 0 <= tx <= 48 or not 0 <= rx <= 48:
            raise ValueError("invalid pin")
        assert not {tx, rx} & set(range(6, 12)), "the pins of the flash chip: it would crash"
        assert ESP32_QUEUE_BYTES < rxbuf <= RP2_BUFFER_BYTES_MAX
        assert (bits, parity, stop) == (8, None, 1)
        assert timeout == 0, "a read would wait for the first byte"
        self.baudrate, self.rxbuf, self.waiting = baudrate, rxbuf, bytearray()
        Uart.made = self

    def arrive(self, data):
        self.waiting += data
        del self.waiting[self.rxbuf:]

    def readinto(self, buffer):
        if not self.waiting:
            return None
        count = min(len(buffer), len(self.waiting))
        buffer[:count] = self.waiting[:count]
        del self.waiting[:count]
        return count


@pytest.fixture
def uart(monkeypatch):
    monkeypatch.setitem(sys.modules, "machine", types.SimpleNamespace(UART=Uart))
    monkeypatch.delitem(sys.modules, "tidegate.hal.uart", raising=False)
    import tidegate.hal.uart as port

    yield port
    del sys.modules["tidegate.hal.uart"]


def test_a_board_listens_at_the_speed_of_the_protocol_and_hears_a_meter(uart):
    source = SerialMeter(uart.open_line(1, 17, 16), Catalogue())
    assert Uart.made.baudrate == METER_BAUD
    name, text, heard, _ = VECTORS[0]
    Uart.made.arrive(bytes.fromhex(text))
    samples = []
    source.step(0, lambda *sample: samples.append(sample))
    assert samples == [*heard, (813, 0)]
    source.step(0, lambda *sample: None)
    assert source.counts == [0] * len(source.counts), "None is no error"


def test_the_uart_keeps_what_comes_in_some_turns(uart):
    assert uart.open_line(2, 17, 16, 9_600).rxbuf >= 4 * METER_STEP_BYTES_MAX
    assert Uart.made.baudrate == 9_600


@pytest.mark.parametrize("number, rx", [(0, 16), (3, 16), (1, 99)])
def test_what_the_chip_does_not_have_is_refused_with_its_words(uart, number, rx):
    with pytest.raises(SourceError, match="UART %d .*the chip says" % number):
        uart.open_line(number, 17, rx)
