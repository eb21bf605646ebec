"""Changes that are prepared in RAM: set, looked at, checked, before any of them is kept. Pure."""

from tidegate.config import schema
from tidegate.config.store import changed
from tidegate.errors import ConfigurationError

SET, NOT_SET = "set", "not set"


class Staged:
    """Changes on top of what a Store has in force. Member: changes, {key: entry or None}."""

    def __init__(self, store):
        self._store = store
        self.changes = {}

    def set(self, name, text, stamp):
        """Prepare another value. Arguments: name; text, as typed, None: what the factory has;
        stamp, (who, UTC in s or 0, boot, s since its start).

        Result: "" or what is wrong, by name; then nothing has changed.
        """
        row = schema.row_of(name)
        if row is None:
            return "%s: %s" % (name, schema.unknown(name))
        if stamp[0] not in row[schema.SETTERS]:
            return "%s: %s" % (name, "may be set at the console only" if row[schema.SETTERS]
                               else "is given at provisioning, for good")
        if text is None:
            self.changes[name] = None
            return ""
        value, wrong = schema.read(row, text)
        if wrong:
            return "%s: %s" % (name, wrong)
        self.changes[name] = (value,) + tuple(stamp)
        return ""

    def faults(self):
        """What is wrong with the whole of it, as text; "" for nothing."""
        try:
            self._store.values(self.changes)
        except ConfigurationError as error:
            return str(error)
        return ""

    def names(self):
        """The keys that would change, in the order of the schema; to be asked without faults."""
        return changed(self._store.running, self._store.values(self.changes))

    def differences(self):
        """{key: [value in force, staged value]}, secrets as words; also where it has faults."""
        running, found = self._store.running, {}
        for name in self.changes:
            entry = self.changes[name]
            value = entry[0] if entry else self._store.given(name)
            if value != running[name]:
                found[name] = [shown(name, running[name]), shown(name, value)]
        return found


def shown(name, value):
    """A value as anybody may see it: of a secret only whether there is one."""
    if schema.row_of(name)[schema.IS_SECRET]:
        return SET if value else NOT_SET
    return value


def needs(names):
    """When a change of these keys takes effect: `schema.NOW`, `SESSION` or `RESTART`."""
    return max([schema.row_of(name)[schema.EFFECT] for name in names] + [schema.NOW])


def cutting(names):
    """Those of these keys with which a device may cut itself off."""
    return [name for name in names if schema.row_of(name)[schema.CUTS]]
