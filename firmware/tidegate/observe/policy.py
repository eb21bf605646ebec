"""Policies of the catalogue, changed by configuration while the agent runs."""

from tidegate.errors import CatalogueError
from tidegate.observe import catalogue

_COLUMNS = {
    "policy": catalogue.POLICY, "bound": catalogue.BOUND, "zero_band": catalogue.ZERO_BAND,
    "settle_s": catalogue.SETTLE_S, "heartbeat_s": catalogue.HEARTBEAT_S,
    "max_hold_s": catalogue.MAX_HOLD_S, "bound_above": catalogue.BOUND_ABOVE,
    "threshold": catalogue.THRESHOLD, "is_per_mille": catalogue.IS_PER_MILLE,
}
_POLICY_NAMES = ("exact", "deadband", "trend")


def rows(table, policies):
    """The rows of a Catalogue with other policies.

    Argument: policies, {observation id, as a number or as text: {name: value}}; names are the
    keys of `_COLUMNS`, values scaled as in the catalogue, a policy its name.
    Result: a list. Errors: CatalogueError names the row or the name that is wrong.
    """
    if not isinstance(policies, dict):
        raise CatalogueError("policies: a table of observation ids")
    changed = list(table.rows)
    for key in policies:
        index = table.index(_number(key))
        if index < 0:
            raise CatalogueError("policies: %s: no such observation" % (key,))
        changed[index] = _changed(changed[index], policies[key])
    return changed


def _number(key):
    if isinstance(key, str) and key.isdigit():
        return int(key)
    return key if isinstance(key, int) else -1


def _changed(row, given):
    if not isinstance(given, dict):
        raise CatalogueError("policies: %d: a table of names and values" % row[0])
    cells = list(row)
    cells += [0] * (catalogue.IS_PER_MILLE + 1 - len(cells))
    for name in given:
        value = given[name]
        if name == "policy" and value in _POLICY_NAMES:
            value = _POLICY_NAMES.index(value)
        elif name == "policy" or name not in _COLUMNS or not isinstance(value, int):
            raise CatalogueError("policies: %d: %s: no such name, or no whole number; names are %s"
                                 % (row[0], name, ", ".join(sorted(_COLUMNS))))
        cells[_COLUMNS[name]] = int(value)
    if not any(cells[catalogue.MAX + 1:]):
        cells = cells[:catalogue.MAX + 1]
    catalogue.check_policy(cells)
    return tuple(cells)
