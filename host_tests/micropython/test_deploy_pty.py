"""Deploying by mpremote onto the real MicroPython, at the other end of a pseudo-terminal."""

import os
import pty
import subprocess
import threading
import tty

import pytest
from conftest import INTERPRETER
from test_board_image import factory

from tidegate_tools import boards, deploy
from tidegate_tools.board_remote import Remote
from tidegate_tools.errors import ToolError

pytestmark = [pytest.mark.micropython, pytest.mark.interop]
# The board's file system: littlefs in memory, in the place of the host's.
DISK = """
import os, sys, vfs
class Disk:
    image = bytearray(b'\\xff' * (4096 * 384))
    def readblocks(self, block, buffer, offset=0):
        at = block * 4096 + offset
        buffer[:] = self.image[at : at + len(buffer)]
    def writeblocks(self, block, buffer, offset=0):
        at = block * 4096 + offset
        self.image[at : at + len(buffer)] = buffer
    def ioctl(self, command, argument):
        return 384 if command == 4 else 4096 if command == 5 else 0
disk = Disk()
vfs.VfsLfs2.mkfs(disk)
vfs.umount('/')
vfs.mount(vfs.VfsLfs2(disk), '/')
os.chdir('/')
sys.path[:] = ['']
"""


@pytest.fixture
def line():
    """Name of a terminal behind which MicroPython's REPL is."""
    ends = [pty.openpty() for _ in range(2)]
    for _, slave in ends:
        tty.setraw(slave)
    board = subprocess.Popen([INTERPRETER, "-X", "heapsize=16M"], stdin=ends[0][1],
                             stdout=ends[0][1], stderr=ends[0][1], start_new_session=True)

    def pass_on(source, sink):
        try:
            while data := os.read(source, 4_096):
                os.write(sink, data)
        except OSError:
            pass

    for source, sink in ((ends[0][0], ends[1][0]), (ends[1][0], ends[0][0])):
        threading.Thread(target=pass_on, args=(source, sink), daemon=True).start()
    yield os.ttyname(ends[1][1])
    board.kill()
    board.wait()
    for pair in ends:
        for each in pair:
            os.close(each)


def test_a_tree_is_copied_chosen_and_not_copied_again(line, tmp_path):
    board = boards.load("esp32_generic_s3")
    remote = Remote(line, resets=False)
    remote.execute(DISK)
    platform, version = remote.facts()
    assert platform == "linux" or platform == "darwin"
    assert int(version.split(".")[1]) >= 25
    outcome = deploy.deploy(remote, board, factory(tmp_path))
    assert outcome.tree == "a" and outcome.file_count > 80
    assert remote.listdir("/") == {"a": True, "factory.json": False, "loader.mpy": False,
                                   "main.py": False, "tree": False}
    assert remote.execute("import loader\nprint(loader.choose())").strip() == "a"
    said = remote.execute("sys.path.insert(0, '/a')\nfrom tidegate.agent import Agent\n"
                          "print(sys.modules['tidegate'].__file__)")
    assert said.strip() == "/a/tidegate/__init__.mpy"
    assert deploy.deploy(remote, board, factory(tmp_path)) == deploy.Outcome("", 0, 0)
    with pytest.raises(ToolError, match="write /absent/x: the board says"):
        remote.write("/absent/x", b"1")
    assert remote.listdir("/absent") is None and remote.read("/absent") is None
    remote.close()
    remote.close()


def test_a_port_where_nobody_is_says_what_to_do(tmp_path):
    with pytest.raises(ToolError, match="press reset"):
        Remote(str(tmp_path / "ttyUSB9"))
