"""Mounts the file system, which ends where the spool begins. It stands for the port's `_boot`."""

import rp2
import vfs

# Of board.json: region file_system.
_DEVICE = rp2.Flash(start=0, len=1048576)
try:
    _FILES = vfs.VfsLfs2(_DEVICE, progsize=256)
except OSError:
    vfs.VfsLfs2.mkfs(_DEVICE, progsize=256)
    _FILES = vfs.VfsLfs2(_DEVICE, progsize=256)
vfs.mount(_FILES, "/")
