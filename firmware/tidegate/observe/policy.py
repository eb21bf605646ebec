"""Policies of the catalogue, changed by configuration and by command while the agent runs."""

import json

from tidegate.diag import trail
from tidegate.errors import CatalogueError
from tidegate.limits import COUNT53_MAX
from tidegate.observe import catalogue

_COLUMNS = {
    "policy": catalogue.POLICY, "bound": catalogue.BOUND, "zero_band": catalogue.ZERO_BAND,
    "settle_s": catalogue.SETTLE_S, "heartbeat_s": catalogue.HEARTBEAT_S,
    "max_hold_s": catalogue.MAX_HOLD_S, "bound_above": catalogue.BOUND_ABOVE,
    "threshold": catalogue.THRESHOLD, "is_per_mille": catalogue.IS_PER_MILLE,
}
_POLICY_NAMES = ("exact", "deadband", "trend")
_RECORD = "policies"


def rows(table, policies):
    """The rows of a Catalogue with other policies.

    Argument: policies, {observation id, as a number or as text: {name: value}}; names are the
    keys of `_COLUMNS`, values scaled as in the catalogue, a policy its name.
    Result: a list. Errors: CatalogueError names the row or the name that is wrong.
    """
    return _under(table, table.rows, policies)


def _under(table, base, policies):
    if not isinstance(policies, dict):
        raise CatalogueError("policies: a table of observation ids")
    changed = list(base)
    for key in policies:
        index = table.index(_number(key))
        if index < 0:
            raise CatalogueError("policies: %s: no such observation" % (key,))
        changed[index] = _changed(changed[index], policies[key])
    return changed


def _number(key):
    if isinstance(key, str):
        is_number = 0 < len(key) < 5 and all("0" <= each <= "9" for each in key)
        return int(key) if is_number and key[0] != "0" else -1
    return key if isinstance(key, int) else -1


def _changed(row, given):
    if not isinstance(given, dict):
        raise CatalogueError("policies: %d: a table of names and values" % row[0])
    cells = list(row)
    cells += [0] * (catalogue.IS_PER_MILLE + 1 - len(cells))
    if given.get("policy") in ("exact", "trend"):
        # What only a deadband has goes with it.
        cells[catalogue.ZERO_BAND] = 0
        cells[catalogue.MAX + 1:] = [0, 0, 0]
        if given["policy"] == "exact":
            cells[catalogue.BOUND] = 0
    # MicroPython reads JSON whose names are numbers.
    for name in sorted(given, key=str):
        value = given[name]
        if name not in _COLUMNS:
            raise CatalogueError("policies: %d: %s: no such name; known are %s"
                                 % (row[0], name, ", ".join(sorted(_COLUMNS))))
        if name == "policy":
            value = _POLICY_NAMES.index(value) if value in _POLICY_NAMES else -1
        elif not isinstance(value, int) or isinstance(value, bool) or abs(value) > COUNT53_MAX:
            raise CatalogueError("policies: %d: %s: a whole number" % (row[0], name))
        cells[_COLUMNS[name]] = value
    if not any(cells[catalogue.MAX + 1:]):
        cells = cells[:catalogue.MAX + 1]
    fault = catalogue.policy_fault(cells)
    if fault:
        raise CatalogueError("policies: %d: %s" % (row[0], fault))
    return tuple(cells)


def names_of(row):
    """The policy of a row, as {name: value}."""
    found = {name: row[_COLUMNS[name]] for name in _COLUMNS if _COLUMNS[name] < len(row)}
    found["policy"] = _POLICY_NAMES[row[catalogue.POLICY]]
    return found


class Policies:
    """What configuration says of policies and, above it, what commands have changed.

    What commands change is kept by the port `keep`, and holds after a reboot. A record there that
    does not fit the catalogue is left aside, and the trail says why.
    Arguments: table, the Catalogue; given, the configuration's, as of `rows`; keep, the port;
    notes, the Trail.
    Errors: CatalogueError names the key of `given` that is wrong.
    """

    def __init__(self, table, given, keep, notes):
        self._base = rows(table, given)
        self._table = table
        self._keep = keep
        self._changed = {}
        record = keep.load(_RECORD)
        if record:
            try:
                self._changed = json.loads(record)
                self.rows()
            except (ValueError, CatalogueError) as error:
                self._changed = {}
                notes.note(trail.ALARM, "policies kept are left aside",
                           why=(str(error) or "no JSON").replace(" ", "-"))

    def fault(self, given):
        """What is wrong with other policies of the configuration; "" for nothing."""
        try:
            _under(self._table, rows(self._table, given), self._changed)
        except CatalogueError as error:
            return str(error)
        return ""

    def rebase(self, given):
        """The configuration has other policies; they have no `fault`."""
        self._base = rows(self._table, given)

    def rows(self):
        """All rows, as they are in force."""
        return _under(self._table, self._base, self._changed)

    def change(self, observation_id, given):
        """Other values for one observation, beside those changed before; {}: as configured.

        Argument: given, {name: value}. Result: whether it is durable; if not, nothing has changed.
        Errors: CatalogueError names what is wrong; nothing has changed then.
        """
        before, key = self._changed, str(observation_id)
        self._changed = dict(before)
        if given:
            self._changed[key] = dict(before.get(key, {}))
            self._changed[key].update(given)
        else:
            self._changed.pop(key, None)
        is_kept = self._changed == before
        try:
            self.rows()
            is_kept = is_kept or self._keep.save(
                _RECORD, json.dumps(self._changed).encode())
        finally:
            if not is_kept:
                self._changed = before
        return is_kept
