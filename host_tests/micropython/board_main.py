"""A board's start from its file system image: the code that runs is that of the image, or what
would be frozen into the firmware.

Arguments: image, board's port (esp32 or rp2), blocks of the chip's flash that the spool may have,
bytes that littlefs programs at once, folder of the frozen code or "". It ends once the agent has
reached its server (and kept its tree), and prints what then stands in the file system.
"""

import os
import sys

import fake_boards
import fake_chips
import fake_sockets
import vfs

BLOCK_BYTES = 4_096


class Disk:
    """A block device in memory."""

    def __init__(self, image):
        self.image = bytearray(image)

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK_BYTES + offset
        buffer[:] = self.image[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        at = block * BLOCK_BYTES + (offset or 0)
        self.image[at : at + len(buffer)] = buffer

    def ioctl(self, command, argument):
        if command == 4:
            return len(self.image) // BLOCK_BYTES
        if command == 5:
            return BLOCK_BYTES
        if command == 6:
            at = argument * BLOCK_BYTES
            self.image[at : at + BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
        return 0


class Watchdog(fake_boards.Watchdog):
    """Resets nothing. Ends the agent in order once its light, off at first, shows a session."""

    dark = None

    def feed(self):
        super().feed()
        fake_boards.Station.made.answer()
        level = fake_boards.Pin.made.level
        self.dark = level if self.dark is None else self.dark
        if level != self.dark:
            raise KeyboardInterrupt


def prepare(port, block_count):
    """Let the chip's modules be found; none of the agent is loaded."""
    if port == "esp32":
        fake_chips.esp32_modules(block_count)
    else:
        fake_chips.rp2_modules(block_count)
    sys.modules["machine"].WDT = Watchdog
    sys.modules["socket"] = fake_sockets.module()
    fake_boards.Station.air = {"home": "secret"}


def run_tree():
    """As after a deployment: this tree has yet to be proven."""
    import loader

    loader.write("a", "b", 3)
    loader.run()


image_path, port, block_count, program_bytes, frozen = sys.argv[1:]
prepare(port, int(block_count))
with open(image_path, "rb") as file:
    disk = Disk(file.read())
frozen_files = vfs.VfsPosix(frozen) if frozen else None
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(disk, progsize=int(program_bytes), readsize=int(program_bytes)), "/")
os.chdir("/")
sys.path[:] = [""]
try:
    if frozen_files is not None:
        vfs.mount(frozen_files, "/frozen")
        sys.path.append("/frozen")
        import main  # noqa: F401
    else:
        run_tree()
except SystemExit as stop:
    print("ended", stop.args[0])
print("ran", sys.modules["tidegate"].__file__)
for name in sorted(os.listdir("/")):
    if name == "tree":
        with open(name) as file:
            name += "=" + file.read()
    print("file", name)
