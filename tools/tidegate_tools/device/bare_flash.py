"""A flash for scripts that count what others allocate."""


class BareFlash:
    """The least that is a flash: neither reading nor programming allocates anything."""

    block_bytes = 4_096
    program_unit_bytes = 1
    reprogram = True

    def __init__(self, block_count):
        self.block_count = block_count
        self.image = bytearray(block_count * self.block_bytes)
        for at in range(len(self.image)):
            self.image[at] = 0xFF

    def read(self, offset, buffer):
        """See `hal.ports.Flash.read`."""
        image = self.image
        for at in range(len(buffer)):
            buffer[at] = image[offset + at]

    def program(self, offset, data):
        """See `hal.ports.Flash.program`; only clears bits."""
        image = self.image
        for at in range(len(data)):
            image[offset + at] &= data[at]

    def erase(self, block):
        """See `hal.ports.Flash.erase`."""
        start = block * self.block_bytes
        for at in range(start, start + self.block_bytes):
            self.image[at] = 0xFF
