"""The flash of an ESP32: a partition of its own, beside those of the firmware."""

import esp
import esp32

from tidegate.errors import FlashError
from tidegate.hal.blocks import BlockFlash

# What flash encryption works on; such a unit takes one program between two erases.
_CIPHER_BYTES = 16
_RAW_BYTES = 64
_BLANK_UNIT = b"\xff" * _CIPHER_BYTES


class PartitionFlash(BlockFlash):
    """A data partition; see `hal.ports.Flash`.

    Arguments: label, of the partition table; is_encrypted, whether the chip has flash encryption
    on and the table flags the partition so.
    Errors: FlashError where the table says otherwise.
    """

    def __init__(self, label="spool", is_encrypted=False):
        found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)
        if not found:
            raise FlashError("there is no data partition '%s': add the line"
                             " '%s, data, undefined, , 1M' to partitions.csv"
                             " and write the new table to the chip" % (label, label))
        info = found[0].info()
        if bool(info[5]) != is_encrypted:
            raise FlashError("whether partition '%s' is encrypted: the chip says %s, is_encrypted"
                             " says %s; correct one of them" % (label, info[5], is_encrypted))
        super().__init__(found[0], _CIPHER_BYTES if is_encrypted else 1, not is_encrypted)
        self._address = info[2]
        if is_encrypted:
            self._raw = bytearray(_RAW_BYTES)
            raw = memoryview(self._raw)
            self._raw_units = [raw[at:at + _CIPHER_BYTES]
                               for at in range(0, _RAW_BYTES, _CIPHER_BYTES)]

    def _load(self, offset, buffer):
        super()._load(offset, buffer)
        if not self.reprogram:
            self._show_erased(offset, buffer)

    def _show_erased(self, offset, buffer):
        """Put 0xFF where nothing was programmed.

        The chip decrypts erased flash too, to noise. A unit that was programmed reads as all ones
        underneath once in 2^128.
        """
        end = offset + len(buffer)
        start = offset - offset % _RAW_BYTES
        while start < end:
            try:
                esp.flash_read(self._address + start, self._raw)
            except OSError as error:
                raise FlashError("the chip cannot be read at %d: %s" % (start, error))
            for unit in self._raw_units:
                if unit == _BLANK_UNIT:
                    for at in range(max(start, offset), min(start + _CIPHER_BYTES, end)):
                        buffer[at - offset] = 0xFF
                start += _CIPHER_BYTES
