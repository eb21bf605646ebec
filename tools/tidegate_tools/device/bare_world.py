"""A board whose parts cost nothing, for scripts that count what the agent keeps of the heap."""

from bare_flash import BareFlash
from bare_peer import EchoPeer

DEVICE_ID = "tg-000001"
UTC_MS = 1_768_509_600_000
CONFIGURATION = {"device_id": DEVICE_ID, "host": "10.0.0.1"}
_BLOCK_COUNT = 64


class Ports:
    """Every port the agent asks for. `now_ms` is the clock."""

    name = "bare"
    reset_cause = 1
    ticks_mask_ms = (1 << 30) - 1
    speed = 1
    newline = b"\r\n"
    number = now_ms = 0

    def __init__(self):
        self.clock = self.entropy = self.terminal = self.watchdog = self
        self.memory = self.scratch = self
        self.flash = BareFlash(_BLOCK_COUNT)
        self.network = self.keep = EchoPeer(DEVICE_ID)

    def ticks_ms(self):
        """See `hal.ports.Clock`."""
        return self.now_ms

    def utc_ms(self):
        """See `hal.ports.Clock`."""
        return UTC_MS + self.now_ms, 2

    def random_bytes(self, count):
        """See `hal.ports.Entropy`."""
        self.number += 1
        return bytes((self.number * 73 + at * 151) & 0xFF for at in range(count))

    def write(self, data):
        """See `hal.ports.Terminal`."""
        return len(data)

    def read_into(self, _buffer):
        """See `hal.ports.Terminal`."""
        return 0

    def close(self):
        """See `hal.ports.Terminal`."""

    def feed(self):
        """See `hal.ports.Watchdog`."""

    def collect(self):
        """The heap: nobody knows, nothing is done."""
        return -1

    def load(self):
        """Memory that a reset leaves alone: power was lost."""
        return b""

    def save(self, record):
        """As `load`."""


class Silence:
    """A line on which nothing comes."""

    def readinto(self, _buffer):
        """See `hal.ports.Line`."""
        return None


def run(agent, ports, pass_ms):
    """Turn after turn as the shell would, for so long."""
    end_ms = ports.now_ms + pass_ms
    while ports.now_ms < end_ms:
        wait_ms = agent.step(ports.now_ms & ports.ticks_mask_ms)
        ports.now_ms += 1 if ports.network.is_owing() else max(1, wait_ms)
