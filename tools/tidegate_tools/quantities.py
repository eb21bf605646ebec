"""What the catalogue says of each observation id, in the words of SPEC section 1."""

from dataclasses import dataclass

from tidegate_tools.paths import use_device_modules

KINDS = ("number", "text", "opaque")
POLICIES = ("exact", "deadband", "trend")


@dataclass(frozen=True)
class Quantity:
    """One row of the catalogue: bound, minimum and maximum are scaled by 10^decimals."""

    id: int
    name: str
    kind: str
    unit: str
    decimals: int
    log: str
    policy: str
    bound: int
    heartbeat_s: int
    minimum: int
    maximum: int

    def accepts(self, value):
        """Whether a value has this quantity's kind and lies within its limits."""
        if isinstance(value, bool):
            return False
        if self.kind == "number":
            return isinstance(value, int) and self.minimum <= value <= self.maximum
        if self.kind == "text":
            return isinstance(value, str) and self._holds(len(value.encode()))
        return isinstance(value, bytes) and self._holds(len(value))

    def _holds(self, size_bytes):
        return self.minimum <= size_bytes <= self.maximum

    def show(self, value):
        """A value as people read it: 230125 with 3 decimals and unit V is `230.125 V`."""
        if isinstance(value, bytes):
            return "%d bytes" % len(value)
        if isinstance(value, str):
            return value
        text = str(value)
        if self.decimals:
            digits = str(abs(value)).rjust(self.decimals + 1, "0")
            sign = "-" if value < 0 else ""
            text = sign + digits[: -self.decimals] + "." + digits[-self.decimals:]
        return (text + " " + self.unit).rstrip()


def phase_of(device_id):
    """The share of a device in the spread of heartbeats, 0..1023: SPEC section 2.3."""
    use_device_modules()
    from tidegate.limits import PHASE_COUNT
    from tidegate.spool.crc import FIRST, crc24

    identity = device_id.encode()
    return crc24(FIRST, identity, 0, len(identity)) % PHASE_COUNT


def load_catalogue(device_id):
    """(rows of the device's catalogue, phase of this device): SPEC section 2."""
    use_device_modules()
    from tidegate.observe.catalogue import ROWS

    return ROWS, phase_of(device_id)


def own_ids():
    """The ids of what the agent says of itself, beside any source: SPEC section 2.7."""
    use_device_modules()
    from tidegate.observe.catalogue import ID, OWN_ROWS

    return [row[ID] for row in OWN_ROWS]


def load_quantities():
    """Result: a dict from observation id to Quantity, read from the device's catalogue."""
    use_device_modules()
    from tidegate.observe import catalogue as device

    return {
        row[device.ID]: Quantity(
            row[device.ID], row[device.NAME], KINDS[row[device.KIND]], row[device.UNIT],
            row[device.DECIMALS], device.LOG_NAMES[row[device.LOG]],
            POLICIES[row[device.POLICY]], row[device.BOUND], row[device.HEARTBEAT_S],
            row[device.MIN], row[device.MAX])
        for row in device.ROWS + device.OWN_ROWS
    }
