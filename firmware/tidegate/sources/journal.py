"""A witness: every sample of a source is written down before the agent gets to see it.

One line of JSON for each turn, also for one without samples:

    {"boot":1,"mono":12345,"samples":[[501,230125],[721,"text"],[554,{"b64":"T0NNRg=="}]]}

Numbers, texts, true, false and null stand as they are, bytes in base64, and anything else, which
no catalogue allows, as {"other":"its text"}. After a cut of power the last line may hold samples
that never reached the agent.
"""

import binascii
import json

from tidegate.limits import OBSERVATION_COUNT_MAX


class JournalSource:
    """Wraps a source.

    Arguments: source, with step(elapsed_ms, emit); write_line(text), which keeps one line, its
    end included, and returns when it is kept.
    """

    def __init__(self, source, write_line):
        self._source = source
        self._write_line = write_line
        self._ids = [0] * OBSERVATION_COUNT_MAX
        self._values = [None] * OBSERVATION_COUNT_MAX
        self._count = 0
        self._gather_each = self._gather
        self._boot = 0
        self._mono_ms = 0

    @property
    def finished(self):
        """Whether the source says that it has nothing more to give."""
        return getattr(self._source, "finished", False)

    def turn(self, boot, mono_ms):
        """Whose turn the next step is: number of the boot, ms since it began."""
        self._boot = boot
        self._mono_ms = mono_ms
        if hasattr(self._source, "turn"):
            self._source.turn(boot, mono_ms)

    def step(self, elapsed_ms, emit):
        """Step the source, write its samples, then hand them on in the same order.

        Errors: those of the source and of write_line; nothing is handed on then.
        """
        self._count = 0
        self._source.step(elapsed_ms, self._gather_each)
        self._write_line(self._line())
        for index in range(self._count):
            emit(self._ids[index], self._values[index])
            self._values[index] = None

    def _gather(self, observation_id, value):
        if self._count == len(self._ids):
            self._ids.append(0)
            self._values.append(None)
        self._ids[self._count] = observation_id
        self._values[self._count] = value
        self._count += 1

    def _line(self):
        samples = ["[%s,%s]" % (json.dumps(self._ids[index]), _text(self._values[index]))
                   for index in range(self._count)]
        return '{"boot":%d,"mono":%d,"samples":[%s]}\n' % (
            self._boot, self._mono_ms, ",".join(samples))


def _text(value):
    if isinstance(value, (bytes, bytearray)):
        return '{"b64":"%s"}' % binascii.b2a_base64(value).decode().strip()
    if value is None or isinstance(value, (bool, int, str)):
        return json.dumps(value)
    return '{"other":%s}' % json.dumps(str(value))
