"""What a device says of its own health, observation 4005 (SPEC section 2.7). Pure.

Written from SPEC alone; it shares no code with the device.
"""

from tidegate_tools.report import print_rows
from tidegate_tools.values import from_text

HEALTH_ID = 4_005
VERSION = 1
MASK_BYTES = 4
HEAP_UNIT_BYTES = 64
NAMES = (
    "suppressed", "refused", "recorded", "confirmed", "evicted", "lost", "resent", "sessions",
    "failed_refused", "failed_timeout", "failed_dns", "failed_busy", "failed_overload",
    "failed_auth", "failed_clock", "failed_moved", "failed_broken", "clock_steps",
    "commands_refused", "crashes", "turns_failed", "turns_slow", "stalls", "memory_short",
    "erases", "erases_max", "age_s", "drain_s", "heap_free_min", "turn_ms_max", "safe")
# Where 0 means unknown, and anything else one more than what it says.
SHIFTED = {"age_s": 1, "drain_s": 1, "heap_free_min": HEAP_UNIT_BYTES}


def parse(data):
    """{name: value} of the bytes of one; None for what is unknown.

    Errors: ValueError for another version, and bytes that end too early or go on too long.
    """
    if len(data) < 1 + MASK_BYTES or data[0] != VERSION:
        raise ValueError("this is no health of version %d" % VERSION)
    mask = int.from_bytes(data[1:1 + MASK_BYTES], "little")
    if mask >> len(NAMES):
        raise ValueError("a field is unknown")
    rest, found = list(data[1 + MASK_BYTES:]), {}
    for index, name in enumerate(NAMES):
        value = _varint(rest) if mask >> index & 1 else 0
        if name in SHIFTED:
            value = (value - 1) * SHIFTED[name] if value else None
        found[name] = value
    if rest:
        raise ValueError("bytes are left over")
    return found


def _varint(rest):
    value = shift = 0
    while rest:
        byte = rest.pop(0)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
    raise ValueError("the bytes end too early")


def latest(archive):
    """{device: {"boot", "utc_ms", and what `parse` gives}} of the devices that told it."""
    found = {}
    for device in archive.devices():
        told = archive.live(device).get(HEALTH_ID)
        if told is not None:
            try:
                values = parse(from_text(told.value))
            except (ValueError, TypeError):
                continue
            found[device] = {"boot": told.boot, "utc_ms": told.utc_ms, **values}
    return found


def show(console, found):
    """A table with a column for each device."""
    rows = [(name, *("-" if values[name] is None else "{:,}".format(values[name])
                     for values in found.values()))
            for name in ("boot", *NAMES)]
    print_rows(console, "health", ("", *found), rows)
