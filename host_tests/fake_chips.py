"""The flash of the boards as MicroPython shows it: fakes of `esp`, `esp32` and `rp2`.

Written after `ports/esp32/esp32_partition.c`, `ports/esp32/modesp.c`, `ports/rp2/rp2_flash.c` and
the partition API of ESP-IDF. What a chip refuses raises here what it raises there. What a chip
does not refuse and must not be asked, because it harms others, raises AssertionError, so that no
port can take it for an error of the chip. Runs on both interpreters.
"""

import hashlib
import sys

import fake_boards

BLOCK_BYTES = 4_096
PAGE_BYTES = 256
CIPHER_BYTES = 16
# Of ESP-IDF; MicroPython gives them negative.
INVALID_ARGUMENT, INVALID_SIZE, FLASH_FAILED = -0x102, -0x104, -0x6003

# What a fake puts in place of these is forgotten with it.
MODULES = ("esp", "esp32", "rp2", "machine", "network", "tidegate.hal.esp32", "tidegate.hal.rp2",
           "tidegate.hal.chip", "tidegate.hal.rtc", "tidegate.hal.uart", "tidegate.hal.sockets")


class Chip:
    """NOR flash: an erase sets bits, a program clears them and silently never sets one.

    `worn`, {address: bits that keep their value}, and `error`, an errno for every call of ESP-IDF
    (0: none), may be set at any time.
    """

    def __init__(self, size):
        self.image = bytearray(b"\xff" * size)
        self.worn = {}
        self.error = 0

    def _change(self, address, data):
        kept = {at: self.image[at] for at in self.worn if address <= at < address + len(data)}
        self.image[address : address + len(data)] = data
        for at, old in kept.items():
            bits = self.worn[at]
            self.image[at] = old & bits | self.image[at] & ~bits

    def program(self, address, data):
        old = self.image[address : address + len(data)]
        self._change(address, bytes(a & b for a, b in zip(old, data)))

    def erase(self, address, count):
        self._change(address, b"\xff" * count)

    def read(self, address, count):
        return self.image[address : address + count]

    def flash_read(self, address, buffer):
        """`esp.flash_read`: as the bytes are, without deciphering."""
        if self.error or not 0 <= address <= len(self.image) - len(buffer):
            raise OSError(5)
        buffer[:] = self.read(address, len(buffer))


def encipher(address, data, rounds=(0, 1, 2, 3)):
    """Whole units as they lie on flash. The real cipher is AES: as here, each bit of a unit
    depends on its address and on every bit of the unit."""
    result = b""
    for at in range(0, len(data), CIPHER_BYTES):
        left, right = data[at : at + 8], data[at + 8 : at + CIPHER_BYTES]
        for number in rounds:
            pad = hashlib.sha256(b"%d %d" % (address + at, number) + right).digest()
            left, right = right, bytes(a ^ b for a, b in zip(left, pad))
        result += right + left
    return result


def decipher(address, data):
    """The other way round."""
    return encipher(address, data, (3, 2, 1, 0))


class Partition:
    """`esp32.Partition`. The class attribute `table` lists all that there are."""

    TYPE_APP, TYPE_DATA = 0, 1
    table = ()

    def __init__(self, chip, kind, subtype, address, size, label, encrypted=False):
        self._chip = chip
        self._info = (kind, subtype, address, size, label, encrypted)

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None, block_size=BLOCK_BYTES):
        assert block_size == BLOCK_BYTES, "smaller ones erase behind the caller's back"
        return [
            each
            for each in Partition.table
            if each._info[0] == type
            and subtype in (0xFF, each._info[1])
            and label in (None, each._info[4])
        ]

    def info(self):
        return self._info

    def _address(self, offset, count):
        """The check that each call of ESP-IDF begins with."""
        address, size = self._info[2:4]
        if self._chip.error:
            raise OSError(self._chip.error)
        if not 0 <= offset <= size:
            raise OSError(INVALID_ARGUMENT)
        if offset + count > size:
            raise OSError(INVALID_SIZE)
        return address + offset

    def readblocks(self, block, buffer, offset=0):
        count = len(buffer)
        address = self._address(block * BLOCK_BYTES + offset, count)
        if not self._info[5]:
            buffer[:] = self._chip.read(address, count)
            return
        if not count:
            raise OSError(INVALID_ARGUMENT)  # An encrypted read is a mapping of memory.
        low = address - address % CIPHER_BYTES
        high = address + count + -(address + count) % CIPHER_BYTES
        plain = decipher(low, bytes(self._chip.read(low, high - low)))
        buffer[:] = plain[address - low : address - low + count]

    def writeblocks(self, block, buffer, offset=None):
        data = bytes(buffer)
        if offset is None:
            self._erase(block * BLOCK_BYTES, len(data))
        address = self._address(block * BLOCK_BYTES + (offset or 0), len(data))
        if self._info[5]:
            if address % CIPHER_BYTES:
                raise OSError(INVALID_ARGUMENT)
            if len(data) % CIPHER_BYTES:
                raise OSError(INVALID_SIZE)
            data = encipher(address, data)
        self._chip.program(address, data)

    def _erase(self, offset, count):
        address = self._address(offset, count)
        if count % BLOCK_BYTES:
            raise OSError(INVALID_SIZE)
        if offset % BLOCK_BYTES:
            raise OSError(INVALID_ARGUMENT)
        self._chip.erase(address, count)

    def ioctl(self, command, argument):
        if command == 4:
            return self._info[3] // BLOCK_BYTES
        if command == 5:
            return BLOCK_BYTES
        if command == 6:
            self._erase(argument * BLOCK_BYTES, BLOCK_BYTES)
            return 0
        return None


class Flash:
    """`rp2.Flash`, which checks nothing but its arguments. The class attribute `chip` is the
    storage area."""

    chip = None

    def __init__(self, **options):
        all_bytes = len(self.chip.image)
        start, size = options.pop("start", -1), options.pop("len", -1)
        assert not options, "TypeError on the board"
        if start == -1:
            start = 0
        elif not 0 <= start < all_bytes or start % BLOCK_BYTES:
            raise ValueError
        if size == -1:
            size = all_bytes - start
        elif not 0 < size <= all_bytes - start or size % BLOCK_BYTES:
            raise ValueError
        self._start, self._size = start, size

    def _address(self, offset, count):
        assert 0 <= offset <= self._size - count, "the chip would go outside its region"
        return self._start + offset

    def readblocks(self, block, buffer, offset=0):
        address = self._address(block * BLOCK_BYTES + offset, len(buffer))
        buffer[:] = self.chip.read(address, len(buffer))

    def writeblocks(self, block, buffer, offset=None):
        data = bytes(buffer)
        if offset is None:
            assert len(data) % BLOCK_BYTES == 0, "the chip would erase beyond the data"
            self.chip.erase(self._address(block * BLOCK_BYTES, len(data)), len(data))
        address = self._address(block * BLOCK_BYTES + (offset or 0), len(data))
        assert address % PAGE_BYTES == 0 and len(data) % PAGE_BYTES == 0 and data, "no whole pages"
        self.chip.program(address, data)

    def ioctl(self, command, argument):
        if command == 4:
            return self._size // BLOCK_BYTES
        if command == 5:
            return BLOCK_BYTES
        if command == 6:
            self.chip.erase(self._address(argument * BLOCK_BYTES, BLOCK_BYTES), BLOCK_BYTES)
            return 0
        return None


class Module:
    """What `import` finds."""


def remove():
    """Let nobody find the fakes any more, nor the ports that were imported with them."""
    for name in MODULES:
        if name in sys.modules:
            del sys.modules[name]


def esp32_modules(block_count, is_encrypted=False):
    """Let the modules of an ESP32 be found, whose table holds a partition `spool` with others on
    both sides. Result: chip."""
    remove()
    size = block_count * BLOCK_BYTES
    chip = Chip(size + 4 * BLOCK_BYTES)
    esp, esp32 = Module(), Module()
    esp.flash_read = chip.flash_read
    esp32.Partition = Partition
    Partition.table = (
        Partition(chip, 0, 0, 0, 2 * BLOCK_BYTES, "factory"),
        Partition(chip, 1, 0x06, 2 * BLOCK_BYTES, size, "spool", is_encrypted),
        Partition(chip, 1, 0x81, 2 * BLOCK_BYTES + size, 2 * BLOCK_BYTES, "vfs"),
    )
    sys.modules["esp"], sys.modules["esp32"] = esp, esp32
    fake_boards.install(fake_boards.ESP32_CODES)
    return chip


def esp32_port(block_count, is_encrypted=False):
    """(module `tidegate.hal.esp32`, chip), see `esp32_modules`."""
    chip = esp32_modules(block_count, is_encrypted)
    import tidegate.hal.esp32 as port

    return port, chip


def rp2_modules(block_count):
    """Let the modules of an RP2 be found with so many blocks of storage. Result: chip."""
    remove()
    rp2 = Module()
    Flash.chip = Chip(block_count * BLOCK_BYTES)
    rp2.Flash = Flash
    sys.modules["rp2"] = rp2
    fake_boards.install(fake_boards.RP2_CODES)
    rp2.country = sys.modules["network"].country
    return Flash.chip


def rp2_port(block_count):
    """(module `tidegate.hal.rp2`, chip), see `rp2_modules`."""
    chip = rp2_modules(block_count)
    import tidegate.hal.rp2 as port

    return port, chip
