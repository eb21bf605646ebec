"""Which module may import which: the layers as a table, and the rules of the tidy test on it."""

import ast

CORE = "firmware/tidegate/"

HARDWARE = {"machine", "network", "socket", "esp32", "rp2"}
# What stands for the world: the core gets all of it through ports.
IMPURE_IMPORTS = HARDWARE | {"time", "random", "os", "select"}

# A module may import what stands in a lower row, or in its own where no pair below forbids it.
LAYERS = (
    {"limits", "errors"},
    {"clock", "observe", "spool", "uplink", "link", "config", "console", "diag"},
    {"sources", "hal"},
    {"agent", "configuring", "guidance", "presence", "reconnect", "remote", "timekeeping",
     "verbs", "vitals"},
    {"assembly", "run"},
)
FORBIDDEN_PAIRS = {("spool", "link"), ("link", "spool")}


def offence(node, text):
    """What is reported of a syntax node."""
    return f"line {node.lineno}: {text}"


def imported(tree):
    """[(node, dotted name)] of all imports; `from a import b` gives `a` and `a.b`."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [(node, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names.append((node, module))
            names += [(node, f"{module}.{alias.name}") for alias in node.names]
    return names


def roots(tree):
    """[(node, top-level name)] of all imports, with MicroPython's old `u` names told plain."""
    found = {}
    for node, name in imported(tree):
        root = name.split(".")[0]
        if root[:1] == "u" and root[1:] in IMPURE_IMPORTS:
            root = root[1:]
        found[(node.lineno, root)] = node
    return [(node, root) for (_, root), node in found.items()]


def unit_of(path):
    """The package or module of a path that LAYERS names; None outside `tidegate`."""
    if not path.startswith(CORE):
        return None
    return path[len(CORE) :].split("/")[0].removesuffix(".py")


def rank_of(unit):
    """The row of LAYERS; above all for what starts the agent, None for an unknown unit."""
    if unit is None:
        return len(LAYERS)
    if unit == "__init__":
        return 0
    return next((row for row, units in enumerate(LAYERS) if unit in units), None)


def units_imported(source):
    """[(node, unit)] of the imports from `tidegate`, each once a line; its dunders are none."""
    found = {}
    for node, name in imported(ast.parse(source)):
        parts = name.split(".")
        if parts[0] == "tidegate" and len(parts) > 1 and not parts[1].startswith("__"):
            found[(node.lineno, parts[1])] = node
    return [(node, unit) for (_, unit), node in found.items()]


def import_direction(path, source):
    """Imports go down the layers, and only hal knows the hardware."""
    own = unit_of(path)
    own_rank = rank_of(own)
    if own_rank is None:
        return [f"line 1: {own} has no place in LAYERS (host_tests/tidy_imports.py)"]
    found = []
    for node, unit in units_imported(source):
        rank = rank_of(unit)
        if rank is None or (unit != own and rank > own_rank) or (own, unit) in FORBIDDEN_PAIRS:
            found.append(offence(node, f"{own or path} must not import {unit}"))
    for node, name in imported(ast.parse(source)):
        if name.startswith("."):
            found.append(offence(node, "a relative import"))
    # What stands for a port's `_boot` runs before there is anything else.
    if own != "hal" and not path.endswith("/_boot.py"):
        for node, root in roots(ast.parse(source)):
            if root in HARDWARE:
                found.append(offence(node, f"only hal imports {root}"))
    return found


def import_cycles(sources):
    """Units of `tidegate` that import one another in a ring, from a {path: source}."""
    edges = {}
    for path, source in sources.items():
        own = unit_of(path)
        if own and own != "__init__":
            others = {unit for _, unit in units_imported(source)} - {own}
            edges.setdefault(own, set()).update(others)
    while True:
        leaves = {unit for unit, others in edges.items() if not others & edges.keys()}
        if not leaves:
            return sorted(edges)
        edges = {unit: others for unit, others in edges.items() if unit not in leaves}
