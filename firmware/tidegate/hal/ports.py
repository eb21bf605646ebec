"""The ports: what the agent asks of the world, as prose and contracts.

A port is any object with the members named here; nothing inherits from these classes. Each one
has at least two implementations (a chip, the host, or a strict fake in the tests), and the
contract suite in `host_tests/unit/test_ports_contract.py` runs against all that fit the host.
"""


class Clock:
    """Ticks that only go forward but wrap, and a wall clock that may know nothing.

    Members: ticks_mask_ms, the period of the ticks less 1, a power of two less 1; speed, how many
    of its ms pass in one of the wall's, 1 on a board.
    """

    def ticks_ms(self):
        """Milliseconds since some moment, 0..ticks_mask_ms; wraps to 0."""

    def utc_ms(self):
        """(milliseconds since 1970-01-01 UTC, quality), or None while the time is unknown.

        Quality is one of the codes in `clock.anchor`. Never from a time that was set as not known.
        """

    # Optional, where there is a clock that can be set:
    #
    # def set_utc_ms(self, utc_ms, is_known):
    #     Servers say that it is `utc_ms`, which the clock is to keep for the next start. Where not
    #     is_known, it is at least that: only for the dates of certificates, which TLS checks
    #     against the system's clock.


class Entropy:
    """Randomness of the hardware."""

    def random_bytes(self, count):
        """`count` fresh random bytes. Never blocks for long, never repeats after a reset."""


class Flash:
    """A region of NOR flash.

    Members: block_bytes, what is erased at once; block_count; program_unit_bytes (1, 16, 32 or
    256); reprogram, whether a unit may be programmed again before its block is erased.
    Errors: FlashError and nothing else, for an access outside the region and as said below.
    After an error of `program` or `erase` what stands in that place is undefined, unless the
    access itself was impossible: outside, misaligned, empty, beyond a block. Then nothing has
    changed. The strict implementations on the host change nothing either way.
    """

    def read(self, offset, buffer):
        """Fill `buffer` from byte `offset`; any offset, any length inside the region.

        What was erased and not programmed since reads as 0xFF.
        """

    def program(self, offset, data):
        """Make `data` stand at `offset`; both multiples of the program unit, at least one unit,
        all of it inside one block. It is durable when the call returns.

        Where `reprogram`, bits are cleared and never set: a byte 0xFF leaves alone what stands
        there, whatever it is, and no other byte may set a bit. Where not, a unit may be
        programmed once between two erases, and 0xFF counts as any other data.
        Errors: FlashError where `data` does not stand there afterwards (save for the 0xFF that
        leave things alone), because a bit was to be set, a unit was programmed before, or the
        medium failed. A second program of a unit that happens to leave `data` there may pass;
        a strict implementation refuses that too. After a cut of power inside, each bit that was
        to change has changed or not, and may read differently the next time.
        """

    def erase(self, block):
        """Set all bits of one block. May take 400 ms on a chip: call it in idle steps only.

        Errors: FlashError where the block is not blank afterwards.
        """


class Network:
    """Makes streams. No call blocks. An address is (number as dotted text, port).

    Optional member: wifi, a `hal.wifi.Wifi`, where one of its links is that; else None.
    """

    def is_up(self):
        """Whether the own link (Wi-Fi, cable, cellular) is there."""

    def name_servers(self):
        """Addresses of the name servers in order, none while they are unknown."""

    def datagrams(self):
        """A Datagrams of its own port."""

    def open(self, address):
        """A Stream whose connection has begun."""

    def secure(self, stream, host):
        """A Stream of TLS over one that is connected; `host` is the name it is to be.

        Its handshake goes on with each call, the first of which is `send`; until it is done
        nothing is sent nor received. Errors of its calls, beside OSError: LinkError, which says
        which check failed.
        """

    def wait(self, stream, writing, wait_ms):
        """Return when `stream` can be read (or written, where `writing`), or after `wait_ms`.

        `stream` is a Stream or a Datagrams, None where there is none.
        """


class Stream:
    """One connection, never blocking. Errors: OSError with the errno of the system."""

    def is_connected(self):
        """False while the connection is being made, True once it stands; OSError if it failed."""

    def receive_into(self, buffer):
        """Number of bytes put into `buffer`; 0 when the peer closed; None when none are there."""

    def send(self, data):
        """Number of bytes taken, 0 when the system's buffer is full.

        What was not taken is offered again first, at the start of what is sent next.
        """

    def close(self):
        """Give it back; may be called twice; never raises."""


class Datagrams:
    """Datagrams to and from anybody, never blocking. Errors: OSError."""

    def send(self, data, address):
        """One datagram; it may get lost."""

    def receive(self, bytes_max):
        """(the next datagram, its sender's address), None when none is there."""

    def close(self):
        """Give it back; may be called twice; never raises."""


class Keep:
    """Small records that outlive a reboot; written seldom, at most a few times a day and twice
    for each crash."""

    def load(self, name):
        """The record of that name, empty where there is none."""

    def save(self, name, record):
        """Put a record in the place of the one before. Result: whether it is durable.

        A power cut leaves the old record or the new one.
        """


class Scratch:
    """A few bytes of memory that a reset leaves alone, and a loss of power does not."""

    def load(self):
        """What was last saved before the reset; empty, or anything at all, where power was lost.
        To be called once, before the first `save`."""

    def save(self, record):
        """Keep a record of always the same size. As cheap as memory, and allocates nothing."""


class Memory:
    """The heap."""

    def collect(self):
        """Give back what nothing refers to. Result: bytes free then, -1 where nobody knows."""


class Terminal:
    """The serial line a technician sees.

    Members: newline, the bytes that end a line there.
    """

    def read_into(self, buffer):
        """Number of bytes put into `buffer`, 0 when none wait. Never blocks."""

    def write(self, data):
        """Number of bytes taken, possibly 0. Never blocks."""

    def close(self):
        """Leave the line as it was found; may be called twice."""


class Line:
    """A serial line that is only listened to."""

    def readinto(self, buffer):
        """Number of bytes put into `buffer`; 0 or None when none wait, or nobody sends any more.

        Waits for no more than the time of one byte. Errors: OSError where the line failed.
        """


class Watchdog:
    """Resets the board unless fed."""

    def feed(self):
        """Say that a whole good turn was done."""
