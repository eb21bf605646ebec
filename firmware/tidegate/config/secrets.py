"""Secrets, in a record of their own: written, used, and never given out. SPEC section 10."""

from tidegate.config.twin import FAILED, SECRETS, TOO_LARGE, WRITTEN, Twin
from tidegate.limits import SECRET_BYTES_MAX

WHY = {FAILED: "flash refused it", TOO_LARGE: "too large to be kept: shorten or unset something",
       WRITTEN: ""}


class Secrets:
    """The secrets that configurations refer to by number, and those of others, by name.

    A secret that is to change stands beside the one before, under a number of its own: whichever
    configuration wins finds its own. Argument: keep, the port. Member: damage, as of `Twin`.
    """

    def __init__(self, keep):
        self._twin = Twin(keep, "secrets", SECRETS)
        self.damage = self._twin.damage

    def find(self, number, key):
        """The secret of that key under that number, None where it is lost."""
        found = self._table("held").get(str(number))
        return found[1] if isinstance(found, list) and found[0] == key else None

    def add(self, fresh):
        """Put secrets away. Argument: fresh, [(key, secret)]. Result: ([their numbers], "" once
        they are durable, else why not)."""
        number, numbers, held = self._number(), [], dict(self._table("held"))
        for key, secret in fresh:
            number += 1
            held[str(number)] = [key, secret]
            numbers.append(number)
        return numbers, self._write(held, self._table("own"), number)

    def forget_but(self, numbers):
        """Wipe what no configuration refers to any more. Argument: numbers, as texts."""
        held = self._table("held")
        wanted = {number: held[number] for number in held if number in numbers}
        if len(wanted) != len(held):
            self._write(wanted, self._table("own"), self._number())

    def own(self, name):
        """A secret that is no key's, "" where there is none."""
        return self._table("own").get(name, "")

    def set_own(self, name, text):
        """Keep it, "" to forget it. Result: "" once it is durable, else why not."""
        if len(text.encode()) > SECRET_BYTES_MAX:
            return "%s: a text of at most %d bytes" % (name, SECRET_BYTES_MAX)
        own = dict(self._table("own"))
        own.pop(name, None)
        if text:
            own[name] = text
        return self._write(self._table("held"), own, self._number())

    def _table(self, name):
        found = self._twin.body.get(name) if self._twin.body else None
        return found if isinstance(found, dict) else {}

    def _number(self):
        """The last number that was given out; none is given twice."""
        number = self._twin.body.get("number") if self._twin.body else 0
        return number if isinstance(number, int) else 0

    def _write(self, held, own, number):
        return WHY[self._twin.write({"number": number, "held": held, "own": own})]
