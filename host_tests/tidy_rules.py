"""The rules of the tidy test: each takes a path and a source, and returns what it refuses.

A rule is a function `(path, source) -> [offence]`. `path` is relative to the checkout with `/`
between its parts; an offence is a line number and a sentence. What differs between modules is
data at the top of this file. `host_tests/unit/test_tidy.py` applies the rules to the tree, and
plants an offender for each of them.
"""

import ast
import re

from tidy_imports import CORE, IMPURE_IMPORTS, import_direction, offence, roots

MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50
COLUMNS_MAX = 99

# Where the world is touched, and where observations come from on a dev board: not pure.
IMPURE = (CORE + "hal/", CORE + "sources/")
# Text for people; elsewhere in the core nothing allocates to format.
FSTRINGS_ALLOWED = (CORE + "console/", CORE + "diag/")

ABSENT_ON_DEVICE = {"typing", "dataclasses", "enum", "contextlib"}

# Statements that may stand at the level of a module without a second look.
DEFINITIONS = {"FunctionDef", "AsyncFunctionDef", "ClassDef"}
HARMLESS = DEFINITIONS | {"Import", "ImportFrom", "Assert", "Pass"}

# Joined here, so that this file does not hold what it looks for.
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.", "deb." + "debian.org")
FOLDERS = ("wo" + "rk", "ro" + "ot", "tm" + "p")
MARKS = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
MACHINE_PATH = re.compile(r"(?<![\w./])/(?:" + "|".join(FOLDERS) + r")\b")
UNFINISHED = re.compile(r"\b(?:" + "|".join(MARKS) + r")\b")


def is_core(path):
    """Whether the module must be pure."""
    return path.startswith(CORE) and not path.startswith(IMPURE)


def has_star(display):
    """Whether a list, tuple or set display unpacks another; a target of an assignment may."""
    is_read = isinstance(getattr(display, "ctx", ast.Load()), ast.Load)
    return is_read and any(isinstance(element, ast.Starred) for element in display.elts)


def language_subset(path, source):
    """What MicroPython does not know, or what surprises there."""
    found = []
    for node in ast.walk(ast.parse(source)):
        kind = type(node).__name__
        if kind in ("Match", "TryStar"):
            found.append(offence(node, f"{kind} is not in MicroPython"))
        elif kind == "arguments" and node.posonlyargs:
            found.append(offence(node.posonlyargs[0], "positional-only parameters"))
        elif kind in ("List", "Tuple", "Set") and has_star(node):
            found.append(offence(node, "a starred display"))
        elif kind == "Dict" and None in node.keys:
            found.append(offence(node, "a dict display with **"))
        elif kind == "ExceptHandler" and node.type is None:
            found.append(offence(node, "a bare except"))
        elif kind == "FunctionDef" and node.name == "__del__":
            found.append(offence(node, "__del__ never runs on MicroPython"))
        elif kind == "JoinedStr" and is_core(path) and not path.startswith(FSTRINGS_ALLOWED):
            found.append(offence(node, "an f-string in the core allocates"))
    for node, root in roots(ast.parse(source)):
        if root in ABSENT_ON_DEVICE:
            found.append(offence(node, f"{root} is not in MicroPython"))
    return found


def pure_core(path, source):
    """No floats, no sleeping, no world: all of it comes into the core through ports."""
    if not is_core(path):
        return []
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("sleep", "sleep_ms", "sleep_us"):
            found.append(offence(node, "nothing below main sleeps"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
            found.append(offence(node, f"the float {node.value}"))
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            found.append(offence(node, "/ makes a float: use //"))
    for node, root in roots(tree):
        if root in IMPURE_IMPORTS:
            found.append(offence(node, f"imports {root}: it belongs to hal"))
    return found


def whole_times(path, source):
    """No time is a float where floats have 24 bits: 1.7e9 s would be whole to 128 s only."""
    if not path.startswith((CORE, "boards/")):
        return []
    return [
        offence(node, f"{name} is a float on the board")
        for node in ast.walk(ast.parse(source))
        for name in ("time.time", "time.monotonic", "time.perf_counter", "utime.time")
        if isinstance(node, ast.Attribute) and ast.unparse(node) == name
    ]


def sizes(path, source):
    """Lines of the module, columns of a line, lines of code in a function."""
    lines = source.splitlines()
    found = [
        f"line {number}: {len(line)} columns, at most {COLUMNS_MAX}"
        for number, line in enumerate(lines, 1)
        if len(line) > COLUMNS_MAX
    ]
    if len(lines) > MODULE_LINES_MAX:
        found.append(f"line {len(lines)}: the module has more than {MODULE_LINES_MAX} lines")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0]
            skipped = range(0)
            if ast.get_docstring(node, clean=False) is not None:
                skipped = range(first.lineno, first.end_lineno + 1)
            count = sum(
                1
                for number in range(node.lineno, node.end_lineno + 1)
                if number not in skipped and lines[number - 1].split("#")[0].strip()
            )
            if count > FUNCTION_LINES_MAX:
                found.append(offence(node, f"{node.name} has {count} lines of code"))
    return found


def docstrings(path, source):
    """Every public module, class, function and method says its contract."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else ["line 1: the module has no docstring"]
    pending = list(tree.body)
    while pending:
        node = pending.pop()
        if type(node).__name__ not in DEFINITIONS:
            continue
        if node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            found.append(offence(node, f"{node.name} has no docstring"))
        if isinstance(node, ast.ClassDef):
            pending += node.body
    return found


def nothing_at_import(path, source):
    """A module of `tidegate` only defines: no statement of it acts, none holds a buffer."""
    if not path.startswith(CORE):
        return []
    found = []

    def judge(statements, is_module):
        for index, node in enumerate(statements):
            kind = type(node).__name__
            if kind in HARMLESS:
                continue
            if kind in ("Assign", "AnnAssign"):
                names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
                if "bytearray" in names:
                    found.append(offence(node, "a buffer is made in a constructor"))
                continue
            if kind == "Expr" and is_module and index == 0:
                if isinstance(node.value, ast.Constant):
                    continue
            if kind == "If" and "sys.implementation" in ast.unparse(node.test):
                judge(node.body + node.orelse, False)
            elif kind == "Try" and not node.finalbody and all(
                isinstance(part, (ast.Import, ast.ImportFrom)) for part in node.body
            ):
                for handler in node.handlers:
                    judge(handler.body, False)
                judge(node.orelse, False)
            else:
                found.append(offence(node, f"{kind} runs at import"))

    judge(ast.parse(source).body, True)
    return found


def unfit_text(path, text):
    """What no file of the tree may hold, whatever its kind."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        lower = line.lower()
        found += [f"line {number}: the host {host}" for host in HOSTS if host in lower]
        if MACHINE_PATH.search(line):
            found.append(f"line {number}: a path of one machine")
        if UNFINISHED.search(line):
            found.append(f"line {number}: a mark of unfinished work")
    return found


SOURCE_RULES = (
    language_subset,
    pure_core,
    whole_times,
    sizes,
    import_direction,
    docstrings,
    nothing_at_import,
)
