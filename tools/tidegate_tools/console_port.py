"""The wire between this host and a device's console: a serial port, or the demo's own pty."""

import os
import select

import serialx

from tidegate_tools.errors import ToolError

BAUD = 115_200
QUIET_S = 0.05
_CHUNK_BYTES = 4_096


class SerialPort:
    """A serial port of the host, 8N1. Errors: ToolError where it cannot be opened."""

    def __init__(self, path, baud=BAUD):
        self.name = path
        try:
            self._serial = serialx.serial_for_url(path, baudrate=baud, read_timeout=QUIET_S)
            if not self._serial.is_open:
                self._serial.open()
        except (OSError, ValueError, serialx.SerialException) as error:
            raise ToolError("%s cannot be opened: %s; ports that are there: %s" % (
                path, error, ", ".join(known_ports()) or "none")) from None
        self._buffer = bytearray(_CHUNK_BYTES)

    def read(self):
        """What has come; empty after QUIET_S without any. Errors: ToolError where it is gone."""
        try:
            count = self._serial.readinto(self._buffer)
        except (OSError, serialx.SerialException) as error:
            raise ToolError("%s is gone (%s): look at the cable, then start again"
                            % (self.name, error)) from None
        return bytes(self._buffer[:count])

    def write(self, data):
        """Send all of it."""
        sent = 0
        while sent < len(data):
            sent += self._serial.write(data[sent:])

    def close(self):
        """Give it back."""
        self._serial.close()


class PtyPort:
    """Our end of a pseudo-terminal. Arguments: its file descriptor; name."""

    def __init__(self, descriptor, name="the demo"):
        self.name = name
        self._descriptor = descriptor

    def read(self):
        """See `SerialPort.read`."""
        if not select.select((self._descriptor,), (), (), QUIET_S)[0]:
            return b""
        try:
            return os.read(self._descriptor, _CHUNK_BYTES)
        except OSError:
            raise ToolError("%s has ended" % self.name) from None

    def write(self, data):
        """See `SerialPort.write`."""
        while data:
            data = data[os.write(self._descriptor, data):]

    def close(self):
        """See `SerialPort.close`."""
        os.close(self._descriptor)


def known_ports():
    """Paths of the serial ports of this host, those of USB adapters first."""
    found = serialx.list_serial_ports()
    return [each.device for each in sorted(found, key=lambda each: (each.vid is None,
                                                                    each.device))]


def find_port(name):
    """The port that is meant; `auto` is the only USB adapter. Errors: ToolError."""
    if name != "auto":
        return name
    found = [each.device for each in serialx.list_serial_ports() if each.vid is not None]
    if len(found) != 1:
        raise ToolError("%s: name a port; ports that are there: %s" % (
            "several adapters are plugged in" if found else "no USB adapter is plugged in",
            ", ".join(known_ports()) or "none"))
    return found[0]
