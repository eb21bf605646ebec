"""The configuration of a device: what the factory gave, and on top of it what was set later.

Three layers, the later one wins: the defaults of the schema, what the board passes in (the file
made at provisioning), and what commands and the console have set, which is kept on flash with who
set it and when. All that is kept stands in one record, so it changes as a whole or not at all;
secrets stand in another, which holds the values before and after a change while it is decided.
SPEC section 10.
"""

from tidegate.config import reset, schema
from tidegate.config.report import told
from tidegate.config.secrets import WHY, Secrets
from tidegate.config.twin import CONFIGURATION, WRITTEN, Twin
from tidegate.errors import ConfigurationError, TidegateError
from tidegate.limits import TRIAL_START_COUNT_MAX

KEPT, REVERTED, REFUSED = "kept", "reverted", "refused"
# An entry of what was set: the value (of a secret the number of its place), who set it, and when:
# UTC in s, 0 where it was unknown; boot and s since its start.
VALUE, BY, UTC_S, BOOT, MONO_S = range(5)
_UNREADABLE = (ConfigurationError, KeyError, TypeError, ValueError, IndexError, AttributeError)


def load(keep, given):
    """What is in force at this start. One call for every board.

    Arguments: keep, the port; given, the factory's keys and values. Result: a Store.
    Errors: ConfigurationError where the factory's part is wrong; what stands on flash never
    raises: it is left aside, wholly, and reported.
    """
    reset.forget(keep)
    return Store(keep, given)


def begin(keep, given, make):
    """Load, and make what the configuration is for; a trial with which that fails is reverted.

    Argument: make(store). Result: its result. Errors: those of `load`; those of `make`, where no
    trial is to blame.
    """
    store = load(keep, given)
    try:
        return make(store)
    except (TidegateError, OSError, ValueError) as error:
        if store.trial is None:
            raise
        store.revert("cannot start with it: %s" % error, store.trial["by"])
    return make(store)


class Store:
    """See `load`.

    Members to read: running, {key: value} of all keys, the same dict for good: what is in force,
    or will be once the board has started anew; generation, grows whenever other values come into
    force or are kept (compare with !=); trial, None or what is tried: {"time_s", "by", "starts",
    "entries"}; report, the text of the last thing that happened, for observation 4006, or "";
    findings, [(event, reason)] of the start.
    """

    def __init__(self, keep, given):
        self.running = dict(schema.check(given))
        self._given = dict(given)
        self._secrets = Secrets(keep)
        self._twin = Twin(keep, "config", CONFIGURATION)
        self.findings = [("configuration copy " + name, why)
                         for twin in (self._secrets, self._twin) for name, why in twin.damage]
        self.generation = 0
        self.report = ""
        self.trial = None
        self._kept = {}
        if self._twin.body is not None:
            self._begin(self._twin.body)
        elif len(self._twin.damage) > 1:
            self._refuse("both copies damaged")

    # What is in force, and where it came from.

    def values(self, changes=None):
        """{key: value} of all keys, as kept, with these changes. Argument: changes, {key: entry,
        a secret's with the secret itself; None: as the factory has it}.

        Errors: ConfigurationError names what is wrong.
        """
        given = self._layered(self._kept)
        for name in changes or ():
            given.pop(name, None)
            if changes[name] is not None:
                given[name] = changes[name][VALUE]
            elif name in self._given:
                given[name] = self._given[name]
        return schema.check(given)

    def origin(self, name):
        """Who set a key and when: (by, UTC in s or 0, boot, s since its start)."""
        entries = self.trial["entries"] if self.trial else self._kept
        if name in entries:
            return tuple(entries[name][BY:])
        return schema.FACTORY if name in self._given else schema.DEFAULT, 0, 0, 0

    def given(self, name):
        """What a key is without what was set: the factory's value, else the default."""
        return self._given.get(name, schema.row_of(name)[schema.DEFAULT_VALUE])

    # Changes.

    def save(self, changes, by, trial_s=0):
        """Keep these changes; with trial_s only for a trial of so long, which `begin_trial` or
        the next start begins.

        Result: "" once it is durable, else why not; then nothing has changed.
        Errors: ConfigurationError, as `values`.
        """
        values = self.values(changes)
        names = changed(self.running, values)
        entries, wrong = self._merged(changes)
        if wrong:
            return wrong
        if trial_s:
            trial = {"entries": entries, "time_s": trial_s, "by": by, "starts": 0}
            return self._write(self._kept, trial, self.report)
        report = told(KEPT, "saved", by, self.generation + 1, names)
        wrong = self._write(entries, None, report)
        if not wrong:
            self._take(values)
        return wrong

    def tried(self):
        """The keys that a trial changes, in the order of the schema."""
        return changed(self.values(), schema.check(self._layered(self.trial["entries"])))

    def begin_trial(self):
        """What is tried comes into force."""
        self._take(schema.check(self._layered(self.trial["entries"])))

    def keep(self, by):
        """What is tried is kept. Result: as `save`."""
        report = told(KEPT, "confirmed", by, self.generation + 1, self.tried())
        return self._write(self.trial["entries"], None, report)

    def revert(self, why, by):
        """The trial ends: what was kept before is in force again. Result: "" once that is
        durable, else why not; it holds until the board starts anew in any case."""
        report = told(REVERTED, why, by, self.generation + 1, self.tried())
        wrong = self._write(self._kept, None, report)
        self.trial, self.report = None, report
        self._take(self.values())
        return wrong

    # Secrets of others, which are no keys: kept at once.

    def secret(self, name):
        """A secret as it is in force, "" where there is none. Argument: name, a key of the
        schema, or what `set_secret` was told."""
        return self.running[name] if name in self.running else self._secrets.own(name)

    def set_secret(self, name, text):
        """Keep a secret that is no key of the schema, "" to forget it. Result: as `save`."""
        if name in self.running:
            return "%s: is a key: set, save and keep it" % name
        return self._secrets.set_own(name, text)

    # The start.

    def _begin(self, body):
        try:
            self.generation = int(body["generation"])
            self.report = str(body["report"])
            self._kept = dict(body["kept"])
            self._take(self.values())
            trial = body["trial"]
        except _UNREADABLE as error:
            self._kept = {}
            self._refuse(str(error) or "unreadable")
            return
        if trial is not None:
            self._begin_trial(trial)
        self._forget()

    def _begin_trial(self, trial):
        """Go on with a trial, if it has starts left; each is noted before it counts."""
        self.trial = trial
        try:
            start_count = int(trial["starts"]) + 1
            values = schema.check(self._layered(trial["entries"]))
            is_good = int(trial["time_s"]) > 0 and str(trial["by"])
        except _UNREADABLE as error:
            self.trial = dict(trial, entries=self._kept) if isinstance(trial, dict) else {
                "entries": self._kept}
            self.revert(str(error) or "unreadable", schema.DEFAULT)
            return
        if start_count > TRIAL_START_COUNT_MAX or not is_good:
            self.revert("not kept in %d starts" % TRIAL_START_COUNT_MAX, trial["by"])
            return
        wrong = self._write(self._kept, dict(trial, starts=start_count), self.report, 0)
        if wrong:
            self.trial = None
            self.findings.append(("configuration not tried", wrong))
            return
        self._take(values)

    def _refuse(self, why):
        """What stands on flash cannot be used: the factory's configuration is in force, wholly."""
        self.report = told(REFUSED, why, schema.FACTORY, self.generation, ())
        self.findings.append(("configuration refused", why))

    # Helpers.

    def _take(self, values):
        self.running.clear()
        self.running.update(values)

    def _layered(self, entries):
        """The factory's keys and values under those of entries, secrets filled in."""
        given = dict(self._given)
        for name in entries:
            given[name] = entries[name][VALUE]
            row = schema.row_of(name)
            if row is not None and row[schema.IS_SECRET]:
                given[name] = self._secrets.find(given[name], name)
                if given[name] is None:
                    raise ConfigurationError("%s: its record is lost, set it again" % name)
        return given

    def _merged(self, changes):
        """(what is kept, with these changes, their secrets put away; why not, or "")."""
        entries, fresh = dict(self._kept), []
        for name in changes:
            entries.pop(name, None)
            if changes[name] is not None:
                entries[name] = list(changes[name])
                if schema.row_of(name)[schema.IS_SECRET]:
                    fresh.append((name, entries[name][VALUE]))
        if not fresh:
            return entries, ""
        numbers, wrong = self._secrets.add(fresh)
        for index, number in enumerate(numbers):
            entries[fresh[index][0]][VALUE] = number
        return entries, wrong

    def _write(self, kept, trial, report, growth=1):
        generation = self.generation + growth
        done = self._twin.write({"generation": generation, "kept": kept, "trial": trial,
                                 "report": report})
        if done != WRITTEN:
            return WHY[done]
        self.generation = generation
        self._kept, self.trial, self.report = kept, trial, report
        self._forget()
        return ""

    def _forget(self):
        """Wipe the secrets that no configuration refers to any more."""
        numbers = []
        for entries in (self._kept, self.trial["entries"] if self.trial else {}):
            numbers += [str(entries[name][VALUE]) for name in entries
                        if schema.row_of(name)[schema.IS_SECRET]]
        self._secrets.forget_but(numbers)


def changed(before, after):
    """The keys of which two configurations differ, in the order of the schema."""
    return [row[schema.NAME] for row in schema.KEYS
            if before[row[schema.NAME]] != after[row[schema.NAME]]]
