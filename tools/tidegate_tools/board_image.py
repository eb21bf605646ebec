"""`tidegate image`: the whole file system of a board as one littlefs image."""

from littlefs import LittleFS, LittleFSError

from tidegate_tools import boards
from tidegate_tools.errors import ToolError

_LOOK_AHEAD_BYTES = 32


def files(board, factory):
    """{path: bytes} of all that a provisioned board holds: where the code is frozen into the
    firmware, only what was provisioned. Argument: factory, its folder."""
    if not board.is_stock:
        return boards.factory_files(factory)
    tree = {"%s/%s" % (boards.TREE, name): data for name, data in boards.code(board).items()}
    return {**boards.root_files(), **tree, **boards.factory_files(factory),
            "tree": boards.TREE.encode()}


def make(board, factory):
    """The image. Errors: ToolError where the files do not fit the region."""
    unit = board.facts["file_system_program_bytes"]
    system = LittleFS(
        block_size=boards.BLOCK_BYTES, block_count=board.regions["vfs"].size // boards.BLOCK_BYTES,
        read_size=unit, prog_size=unit, lookahead_size=_LOOK_AHEAD_BYTES)
    content = files(board, factory)
    try:
        for name, data in content.items():
            if "/" in name:
                system.makedirs(name.rsplit("/", 1)[0], exist_ok=True)
            with system.open(name, "wb") as file:
                file.write(data)
    except LittleFSError as error:
        raise ToolError("%d bytes of files do not fit %d of %s: %s" % (
            sum(map(len, content.values())), board.regions["vfs"].size, board.name,
            error)) from error
    return bytes(system.context.buffer)
