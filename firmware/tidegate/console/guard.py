"""Who may change something: a PIN, kept as a salted hash; failures slow down and outlive a reboot.

The hash is PBKDF2-HMAC-SHA256 (RFC 8018, one block), worked out in pieces so that no turn is long.
"""

import binascii
import hashlib

from tidegate.limits import (
    CONSOLE_DELAY_S, CONSOLE_DELAY_S_MAX, CONSOLE_FREE_FAILURE_COUNT, CONSOLE_LOGOUT_MS,
    CONSOLE_PIN_ROUND_COUNT_MAX, CONSOLE_PIN_ROUND_COUNT_MIN, CONSOLE_PIN_STEP_COUNT,
    TICKS_MASK_MS,
)
from tidegate.uplink.hmac import is_equal

SCHEME = "pbkdf2-sha256"
NO_PIN = ("there is no PIN on this device: run `tidegate console hash-pin`, put the text into the"
          " configuration as console_pin, restart")
NOT_KEPT = "failures cannot be kept, so none may be made: look at `selftest`, then try again"
_RECORD = "console-guard"
_VERSION = 1
# Of a record that cannot be read.
_SUSPECT_COUNT = 8
_BLOCK_BYTES = 64


class Derivation:
    """PBKDF2 in steps. Arguments: secret and salt, bytes; count, of rounds."""

    def __init__(self, secret, salt, count):
        if len(secret) > _BLOCK_BYTES:
            secret = hashlib.sha256(secret).digest()
        secret += bytes(_BLOCK_BYTES - len(secret))
        self._inner = bytes(byte ^ 0x36 for byte in secret)
        self._outer = bytes(byte ^ 0x5C for byte in secret)
        self._last = self._hmac(salt + b"\0\0\0\1")
        self._sum = int.from_bytes(self._last, "big")
        self._left_count = count - 1

    def step(self, count):
        """Do so many rounds. Result: the 32 bytes at the end, None before it."""
        for _ in range(min(count, self._left_count)):
            self._last = self._hmac(self._last)
            self._sum ^= int.from_bytes(self._last, "big")
        self._left_count = max(0, self._left_count - count)
        return None if self._left_count else self._sum.to_bytes(32, "big")

    def _hmac(self, data):
        inner = hashlib.sha256(self._inner + data).digest()
        return hashlib.sha256(self._outer + inner).digest()


def read_hash(text):
    """(count, salt, hash) of a `console_pin`, or None where it is none."""
    parts = text.split("$")
    try:
        count = int(parts[1])
        salt, hashed = binascii.unhexlify(parts[2]), binascii.unhexlify(parts[3])
    except (ValueError, IndexError):
        return None
    is_good = (len(parts) == 4 and parts[0] == SCHEME and len(salt) >= 8 and len(hashed) == 32
               and CONSOLE_PIN_ROUND_COUNT_MIN <= count <= CONSOLE_PIN_ROUND_COUNT_MAX)
    return (count, salt, hashed) if is_good else None


class Guard:
    """Locked until the PIN was typed, and again when nothing was typed for CONSOLE_LOGOUT_MS.

    Arguments: keep, the port; hashed, the text of `console_pin`; now_ms. Members: is_open.
    """

    def __init__(self, keep, hashed, now_ms):
        self._keep = keep
        self._known = read_hash(hashed)
        self._derivation = None
        self._count = self._load()
        self._failed_ms = self._used_ms = now_ms
        self._is_delayed = True
        self.is_open = False

    def refusal(self, now_ms):
        """Why no PIN may be tried now; "" where one may."""
        if self._known is None:
            return NO_PIN
        wait_s = self.delay_s(now_ms)
        if wait_s:
            return "%d failures: wait %d s, then type unlock" % (self._count, wait_s)
        return ""

    def delay_s(self, now_ms):
        """Seconds until the next PIN may be tried. A reboot begins them anew."""
        if not self._is_delayed or self._count < CONSOLE_FREE_FAILURE_COUNT:
            return 0
        span_s = min(CONSOLE_DELAY_S << min(16, self._count - CONSOLE_FREE_FAILURE_COUNT),
                     CONSOLE_DELAY_S_MAX)
        passed_s = ((now_ms - self._failed_ms) & TICKS_MASK_MS) // 1_000
        return max(0, span_s - passed_s)

    def begin(self, pin, now_ms):
        """A PIN was typed: counted as a failure, durably, before it is looked at.

        Result: why not, or "": then `step` tells.
        """
        refusal = self.refusal(now_ms)
        if refusal:
            return refusal
        if not self._save(min(self._count + 1, 255)):
            return NOT_KEPT
        self._failed_ms, self._is_delayed = now_ms, True
        self._derivation = Derivation(pin.encode(), self._known[1], self._known[0])
        return ""

    def is_checking(self):
        """Whether a PIN is being checked."""
        return self._derivation is not None

    def step(self, now_ms):
        """A piece of what is under way. Result: True or False once a PIN was right or wrong,
        else None."""
        if self._is_delayed and not self.delay_s(now_ms):
            # Before the ticks wrap.
            self._is_delayed = False
        if self.is_open and (now_ms - self._used_ms) & TICKS_MASK_MS >= CONSOLE_LOGOUT_MS:
            self.lock()
        if self._derivation is None:
            return None
        found = self._derivation.step(CONSOLE_PIN_STEP_COUNT)
        if found is None:
            return None
        self._derivation = None
        self.is_open = is_equal(found, self._known[2])
        if self.is_open:
            self._save(0)
            self.use(now_ms)
        return self.is_open

    def use(self, now_ms):
        """Something was typed."""
        self._used_ms = now_ms

    def lock(self):
        """Only reading from now on."""
        self.is_open = False

    def _load(self):
        record = self._keep.load(_RECORD)
        if not record:
            return 0
        return record[1] if len(record) == 2 and record[0] == _VERSION else _SUSPECT_COUNT

    def _save(self, count):
        if not self._keep.save(_RECORD, bytes((_VERSION, count))):
            return False
        self._count = count
        return True
