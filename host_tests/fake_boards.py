"""The rest of the boards as MicroPython shows it: fakes of `machine` and `network`.

Written after `ports/esp32/network_wlan.c`, `extmod/network_cyw43.c`, `ports/esp32/machine_*.c` and
`ports/rp2/machine_*.c`. What a chip refuses raises here what it raises there; what it must not be
asked raises AssertionError. Runs on both interpreters.
"""

import sys

import fake_sockets

ESP32_CODES = {"STAT_IDLE": 1000, "STAT_CONNECTING": 1001, "STAT_GOT_IP": 1010,
               "STAT_WRONG_PASSWORD": 202, "STAT_NO_AP_FOUND": 201, "STAT_ASSOC_FAIL": 203,
               "STAT_CONNECT_FAIL": 203, "STAT_HANDSHAKE_TIMEOUT": 204,
               "STAT_BEACON_TIMEOUT": 200}
RP2_CODES = {"STAT_IDLE": 0, "STAT_CONNECTING": 1, "STAT_GOT_IP": 3, "STAT_CONNECT_FAIL": -1,
             "STAT_NO_AP_FOUND": -2, "STAT_WRONG_PASSWORD": -3}
NOWHERE = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")


class Station:
    """`network.WLAN` of the station. The class attributes say what is in the air and which chip.

    `air` is {name: password}; `around`, what a scan finds; `has_address`, whether DHCP answers;
    `rssi_dbm`.
    """

    IF_STA, PM_NONE = 0, 0
    codes = ESP32_CODES
    air = {}
    has_address = True
    rssi_dbm = -61
    around = ((b"far", b"\1" * 6, 1, -90, 3, False), (b"home", b"\2" * 6, 6, -50, 3, False))
    made = None

    def __init__(self, interface=0):
        assert interface == self.IF_STA
        Station.made = self
        self.is_active = False
        self.phase = "STAT_IDLE"
        self.options = {}
        self.calls = []
        self.breaks = False

    def _check(self):
        if not self.is_active:
            raise OSError("Wifi Not Started")
        if self.breaks:
            raise OSError("Wifi Internal State Error")

    def active(self, on=None):
        if on is None:
            return self.is_active
        self.calls.append("on" if on else "off")
        self.is_active, self.phase, self.breaks = bool(on), "STAT_IDLE", False

    def config(self, *names, **options):
        self._check()
        known = ("reconnects", "pm", "hostname") if self.codes is ESP32_CODES else ("pm",)
        for name in options:
            if name not in known:
                raise ValueError("unknown config param")
        self.options.update(options)

    def connect(self, name, password=None):
        self._check()
        assert isinstance(name, str) and isinstance(password, str)
        if self.phase in ("STAT_CONNECTING", "STAT_GOT_IP") and self.codes is ESP32_CODES:
            raise OSError("Wifi Internal State Error")
        self.calls.append(name)
        self.phase = "STAT_CONNECTING"
        self.asked = (name, password)

    def answer(self):
        """Time passes: the network asked for says yes or no."""
        if self.phase == "STAT_CONNECTING":
            name, password = self.asked
            if name not in self.air:
                self.phase = "STAT_NO_AP_FOUND"
            elif self.air[name] != password:
                self.phase = "STAT_WRONG_PASSWORD"
            else:
                self.phase = "STAT_GOT_IP"

    def lose(self):
        """The network goes away."""
        self.phase = "STAT_BEACON_TIMEOUT" if self.codes is ESP32_CODES else "STAT_CONNECT_FAIL"

    def disconnect(self):
        self._check()
        self.phase = "STAT_IDLE"

    def isconnected(self):
        return self.phase == "STAT_GOT_IP"

    def status(self, name=None):
        if name is None:
            return self.codes[self.phase]
        assert name == "rssi"
        if not self.isconnected() and self.codes is ESP32_CODES:
            raise OSError("STA must be connected")
        return self.rssi_dbm

    def ifconfig(self):
        if not self.isconnected() or not self.has_address:
            return NOWHERE
        return ("192.0.2.9", "255.255.255.0", "192.0.2.1", "127.0.0.53")

    def scan(self):
        self._check()
        if self.phase == "STAT_CONNECTING" and self.codes is ESP32_CODES:
            raise OSError("Wifi Internal State Error")
        return list(self.around)


class Wire:
    """`network.LAN` and `network.PPP`: down until its cable is in."""

    def __init__(self, *arguments, **options):
        self.options = options
        self.is_active = self.is_connected = self.has_dialled = False

    def active(self, on):
        self.is_active = on

    def connect(self):
        self.has_dialled = True

    def isconnected(self):
        return self.is_active and self.is_connected

    def ifconfig(self):
        return ("10.0.0.5", "255.0.0.0", "10.0.0.1", "10.0.0.2") if self.is_connected else NOWHERE


class Rtc:
    """`machine.RTC`. A calendar that begins in `begin` after a loss of power."""

    begin = (2000, 1, 1, 5, 0, 0, 0, 0)
    kept = b""

    def __init__(self):
        self.now = self.begin

    def datetime(self, fields=None):
        if fields is None:
            return self.now
        assert len(fields) == 8 and all(isinstance(part, int) for part in fields)
        self.now = tuple(fields)

    def memory(self, data=None):
        if data is None:
            return Rtc.kept
        if len(data) > 2_048:
            raise ValueError("buffer too long")
        Rtc.kept = bytes(data)


class Watchdog:
    """`machine.WDT`. The most that an RP2 can count."""

    made = None

    def __init__(self, id=0, timeout=5_000):
        if not 1 <= timeout <= 8_388:
            raise ValueError("timeout exceeds 8388")
        self.timeout, self.feed_count = timeout, 0
        Watchdog.made = self

    def feed(self):
        self.feed_count += 1


class Pin:
    """`machine.Pin`."""

    OUT, IN = 3, 1
    made = None

    def __init__(self, number, mode=None):
        if not (isinstance(number, str) or 0 <= number <= 48):
            raise ValueError("invalid pin")
        self.number, self.mode, self.level = number, mode, 0
        Pin.made = self

    def value(self, level):
        assert self.mode == self.OUT and level in (0, 1)
        self.level = level


class Line:
    """`machine.UART`, of which nothing comes."""

    def __init__(self, number, **options):
        if number not in (1, 2):
            raise ValueError("UART(%d) does not exist" % number)
        self.number, self.options = number, options

    def readinto(self, buffer):
        return None


class Bus:
    """`machine.I2C` with a clock chip on it; `registers` are its own, None: nothing answers."""

    registers = None

    def __init__(self, number, scl, sda, freq):
        assert isinstance(scl, Pin) and isinstance(sda, Pin) and freq <= 400_000

    def _check(self, address):
        if address != 0x68 or Bus.registers is None:
            raise OSError(19)

    def readfrom_mem(self, address, at, count):
        self._check(address)
        return bytes(Bus.registers[at : at + count])

    def writeto_mem(self, address, at, data):
        self._check(address)
        Bus.registers[at : at + len(data)] = data


class Module:
    """What `import` finds."""


def install(codes):
    """Let `machine` and `network` be found, of the chip with these codes. Result: both."""
    machine, network = Module(), Module()

    def country(code):
        if len(code) != 2:
            raise ValueError
        network.countries.append(code)

    machine.RTC, machine.WDT, machine.Pin, machine.UART = Rtc, Watchdog, Pin, Line
    machine.I2C = Bus
    machine.PWRON_RESET, machine.WDT_RESET = 1, 3
    if codes is ESP32_CODES:
        machine.HARD_RESET, machine.DEEPSLEEP_RESET, machine.SOFT_RESET = 2, 4, 5
    machine.cause = 1
    machine.reset_cause = lambda: machine.cause
    machine.unique_id = lambda: b"\x30\xae\xa4\x00\x01\xff"
    network.WLAN, network.LAN, network.PPP = Station, Wire, Wire
    network.countries = []
    network.country = country
    for name, code in codes.items():
        setattr(network, name, code)
    Station.codes = codes
    fake_sockets.Socket.codes = fake_sockets.ESP32_ERRNO if codes is ESP32_CODES else {}
    sys.modules["machine"], sys.modules["network"] = machine, network
    return machine, network
