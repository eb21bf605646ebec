"""The PIN of a device's console as the text that its configuration holds, `console_pin`."""

import hashlib
import secrets

from tidegate_tools import paths
from tidegate_tools.errors import ToolError

paths.use_device_modules()

from tidegate.console.guard import SCHEME  # noqa: E402
from tidegate.limits import (  # noqa: E402
    CONSOLE_LINE_BYTES, CONSOLE_PIN_ROUND_COUNT_MAX, CONSOLE_PIN_ROUND_COUNT_MIN,
)

ROUND_COUNT = 4_000
PIN_COUNT_MIN = 4
_SALT_BYTES = 16
assert CONSOLE_PIN_ROUND_COUNT_MIN <= ROUND_COUNT <= CONSOLE_PIN_ROUND_COUNT_MAX


def hashed(pin, salt=None, count=ROUND_COUNT):
    """PBKDF2-HMAC-SHA256 as `SCHEME$ROUNDS$SALT$HASH`, the last two in hexadecimal digits.

    Errors: ToolError for a PIN that cannot be typed, or is too short.
    """
    if not PIN_COUNT_MIN <= len(pin) <= CONSOLE_LINE_BYTES or not pin.isascii() \
            or not pin.isprintable():
        raise ToolError("a PIN is %d or more characters that a keyboard without umlauts has"
                        % PIN_COUNT_MIN)
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha256", pin.encode(), salt, count)
    return "%s$%d$%s$%s" % (SCHEME, count, salt.hex(), digest.hex())
