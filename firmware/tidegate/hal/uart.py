"""A serial line of an ESP32 or RP2 board: `machine.UART` is a `hal.ports.Line` as it is."""

from machine import UART

from tidegate.errors import SourceError
from tidegate.limits import METER_BAUD, METER_LINE_BYTES


def open_line(number, tx, rx, baud=METER_BAUD):
    """A UART of 8N1 with room for the bytes of four turns.

    Arguments: number, of the UART; tx and rx, its pins as the port names them: numbers on an
    ESP32, `machine.Pin` on an RP2. Nothing is sent, but the driver claims a tx all the same, and
    where none is given one of its own choice: UART 1 of an ESP32 that of the flash chip. baud.
    Result: see `hal.ports.Line`. Errors: SourceError where the chip has no such UART or pin.
    """
    try:
        return UART(number, baudrate=baud, bits=8, parity=None, stop=1, tx=tx, rx=rx,
                    rxbuf=METER_LINE_BYTES, timeout=0, timeout_char=0)
    except ValueError as error:
        raise SourceError("UART %s with pins %s, %s: the chip says '%s'; give a number and pins"
                          " that its data sheet lists" % (number, tx, rx, error))
