"""The observation ids of this charger class, as data.

A row: id, name, kind, unit, decimals, log, policy, bound, zero band, settle s, heartbeat s,
maximum hold s, minimum, maximum; then, where there is any, second bound, threshold beyond which
it holds, and whether the bounds are per mille of maximum - minimum. Values, bounds and limits of
numbers are integers scaled by 10^decimals; minimum and maximum of texts and opaque values are
lengths in bytes.
"""

from tidegate.errors import CatalogueError
from tidegate.limits import (
    BITS64_MAX, COUNT32_MAX, COUNT53_MAX, HEARTBEAT_S_MAX, OBSERVATION_COUNT_MAX,
    OBSERVATION_ID_MAX, OPAQUE_BYTES_MAX, PER_MILLE_RANGE_MAX, TEXT_BYTES_MAX,
)

NUMBER, TEXT, OPAQUE = 0, 1, 2
TELEMETRY, RECORDS = 0, 1
LOG_NAMES = ("telemetry", "records")
EXACT, DEADBAND, TREND = 0, 1, 2

(ID, NAME, KIND, UNIT, DECIMALS, LOG, POLICY, BOUND, ZERO_BAND, SETTLE_S, HEARTBEAT_S,
 MAX_HOLD_S, MIN, MAX, BOUND_ABOVE, THRESHOLD, IS_PER_MILLE) = range(17)

# Not of the charger: what the agent itself says of a source gone mad, "ID COUNT".
SUPPRESSED_ID = 4_002
# Before a change of the first is recorded, what is held of the second is: they are read together.
CONTEXT = {710: 553, 721: 553, 723: 553}
# Of the charger; a change of one of these is somebody who plugs in or shows a card. Its mode is
# none: a tariff changes that of a whole fleet in one moment.
DRIVER_IDS = (714, 722)

ROWS = (
    (100, "Capabilities", TEXT, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, TEXT_BYTES_MAX),
    (120, "AuthenticationRequired", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 1),
    (145, "TransmitInterval", NUMBER, "s", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 86400),
    (147, "PulseInterval", NUMBER, "s", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 86400),
    (150, "CommunicationMode", TEXT, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 64),
    (151, "PermanentCableLock", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 1),
    (153, "HmiBrightness", NUMBER, "", 2, TELEMETRY, EXACT, 0, 0, 2, 0, 0, 0, 100),
    (201, "TemperatureInternal5", NUMBER, "degC", 1, TELEMETRY, TREND,
     10, 0, 10, 3600, 600, -550, 1500),
    (202, "TemperatureEMeterPhase1", NUMBER, "degC", 1, TELEMETRY, TREND,
     10, 0, 10, 3600, 600, -550, 1500),
    (204, "TemperatureEMeterPhase2", NUMBER, "degC", 1, TELEMETRY, TREND,
     10, 0, 10, 3600, 600, -550, 1500),
    (205, "TemperatureEMeterPhase3", NUMBER, "degC", 1, TELEMETRY, TREND,
     10, 0, 10, 3600, 600, -550, 1500),
    (206, "TemperatureTM", NUMBER, "degC", 1, TELEMETRY, TREND, 10, 0, 10, 3600, 600, -550, 1500),
    (207, "TemperatureTM2", NUMBER, "degC", 1, TELEMETRY, TREND, 10, 0, 10, 3600, 600, -550, 1500),
    (270, "Humidity", NUMBER, "percent", 1, TELEMETRY, TREND, 20, 0, 30, 3600, 600, 0, 1000),
    (280, "TamperCover", NUMBER, "", 0, RECORDS, EXACT, 0, 0, 0, 0, 0, 0, 255),
    (501, "VoltagePhase1", NUMBER, "V", 3, TELEMETRY, DEADBAND, 2000, 5000, 5, 3600, 0, 0, 500000),
    (502, "VoltagePhase2", NUMBER, "V", 3, TELEMETRY, DEADBAND, 2000, 5000, 5, 3600, 0, 0, 500000),
    (503, "VoltagePhase3", NUMBER, "V", 3, TELEMETRY, DEADBAND, 2000, 5000, 5, 3600, 0, 0, 500000),
    (507, "CurrentPhase1", NUMBER, "A", 3, TELEMETRY, DEADBAND,
     500, 800, 5, 900, 0, -100000, 100000),
    (508, "CurrentPhase2", NUMBER, "A", 3, TELEMETRY, DEADBAND,
     500, 800, 5, 900, 0, -100000, 100000),
    (509, "CurrentPhase3", NUMBER, "A", 3, TELEMETRY, DEADBAND,
     500, 800, 5, 900, 0, -100000, 100000),
    (510, "ChargerMaxCurrent", NUMBER, "A", 3, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 100000),
    (511, "ChargerMinCurrent", NUMBER, "A", 3, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 100000),
    (513, "TotalChargePower", NUMBER, "W", 0, TELEMETRY, DEADBAND,
     200, 100, 5, 900, 0, -100000, 100000, 500, 7000, 0),
    (515, "RcdCurrent", NUMBER, "mA", 1, TELEMETRY, DEADBAND, 10, 0, 5, 3600, 0, -10000, 10000),
    (516, "Internal12vVoltage", NUMBER, "V", 2, TELEMETRY, DEADBAND, 30, 0, 10, 3600, 0, 0, 3000),
    (519, "SetPhases", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 255),
    (522, "ChargerOfflinePhase", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 255),
    (523, "ChargerOfflineCurrent", NUMBER, "A", 3, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 100000),
    (553, "TotalChargePowerSession", NUMBER, "kWh", 3, TELEMETRY, TREND,
     10, 0, 5, 900, 60, 0, 1000000),
    (554, "SignedMeterValue", OPAQUE, "", 0, RECORDS, EXACT, 0, 0, 0, 0, 0, 0, OPAQUE_BYTES_MAX),
    (702, "ChargeMode", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 255),
    (708, "ChargeCurrentSet", NUMBER, "A", 3, TELEMETRY, EXACT, 0, 0, 1, 0, 0, 0, 100000),
    (710, "ChargerOperationMode", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 255),
    (711, "IsEnabled", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 1),
    (712, "IsStandAlone", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 1),
    (714, "CableType", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 255),
    (715, "NetworkType", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 255),
    (718, "FinalStopActive", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 1),
    (721, "SessionIdentifier", TEXT, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 64),
    (722, "ChargerCurrentUserUuid", TEXT, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 64),
    (723, "CompletedSession", OPAQUE, "", 0, RECORDS, EXACT, 0, 0, 0, 0, 0, 0, OPAQUE_BYTES_MAX),
    (803, "Notifications", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, BITS64_MAX),
    (804, "Warnings", NUMBER, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, BITS64_MAX),
    (809, "CommunicationSignalStrength", NUMBER, "dBm", 0, TELEMETRY, DEADBAND,
     6, 0, 30, 3600, 0, -150, 0),
    (811, "McuResetSource", NUMBER, "", 0, RECORDS, EXACT, 0, 0, 0, 0, 0, 0, 255),
    (813, "McuToEspPacketErrors", NUMBER, "", 0, TELEMETRY, TREND,
     50, 0, 60, 3600, 600, 0, COUNT32_MAX),
    (815, "EspResetSource", NUMBER, "", 0, RECORDS, EXACT, 0, 0, 0, 0, 0, 0, 255),
    (820, "UptimeEsp", NUMBER, "s", 0, TELEMETRY, TREND, 5, 0, 60, 86400, 600, 0, COUNT32_MAX),
    (822, "DataUsage", NUMBER, "bytes", 0, TELEMETRY, TREND,
     65536, 0, 60, 86400, 600, 0, COUNT53_MAX),
    (908, "McuApplicationVersion", TEXT, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 64),
    (911, "EspApplicationVersion", TEXT, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 0, 64),
    (SUPPRESSED_ID, "SuppressedSamples", TEXT, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 1, 64),
)

# What the agent observes of itself.
COMMAND_COUNTER_ID, OUTAGE_ID = 4_001, 4_003
CRASH_ID, HEALTH_ID, CONFIGURATION_ID = 4_004, 4_005, 4_006
OWN_ROWS = (
    (COMMAND_COUNTER_ID, "CommandCounter", NUMBER, "", 0, RECORDS, EXACT,
     0, 0, 0, 0, 0, 0, COUNT53_MAX),
    (OUTAGE_ID, "Outage", TEXT, "", 0, RECORDS, EXACT, 0, 0, 0, 0, 0, 1, TEXT_BYTES_MAX),
    (CRASH_ID, "Crash", TEXT, "", 0, RECORDS, EXACT, 0, 0, 0, 0, 0, 1, TEXT_BYTES_MAX),
    (HEALTH_ID, "Health", OPAQUE, "", 0, TELEMETRY, EXACT, 0, 0, 0, 0, 0, 5, 256),
    (CONFIGURATION_ID, "Configuration", TEXT, "", 0, RECORDS, EXACT,
     0, 0, 0, 0, 0, 1, TEXT_BYTES_MAX),
)


class Catalogue:
    """A checked table of observations, looked up by id.

    Arguments: rows, a sequence of rows as described above. `places` is {id: row number}.
    Errors: CatalogueError names the row and what is wrong with it.
    """

    def __init__(self, rows=ROWS + OWN_ROWS):
        if len(rows) > OBSERVATION_COUNT_MAX:
            raise CatalogueError("%d rows, at most %d" % (len(rows), OBSERVATION_COUNT_MAX))
        self.rows = rows
        self.places = {}
        names = set()
        for index, row in enumerate(rows):
            check_row(row)
            if row[ID] in self.places or row[NAME] in names:
                raise CatalogueError("%d %s stands twice" % (row[ID], row[NAME]))
            self.places[row[ID]] = index
            names.add(row[NAME])

    def index(self, observation_id):
        """Row number of an id, or -1 where it is not in the catalogue."""
        return self.places.get(observation_id, -1)


def check_row(row):
    """Errors: CatalogueError for a row that contradicts itself."""
    if len(row) not in (MAX + 1, IS_PER_MILLE + 1):
        _wrong(row, "has %d columns, not %d or %d" % (len(row), MAX + 1, IS_PER_MILLE + 1))
    if not 0 < row[ID] <= OBSERVATION_ID_MAX:
        _wrong(row, "id is not in 1..%d" % OBSERVATION_ID_MAX)
    if row[MIN] > row[MAX]:
        _wrong(row, "minimum is above maximum")
    if row[KIND] not in (NUMBER, TEXT, OPAQUE) or row[LOG] not in (TELEMETRY, RECORDS):
        _wrong(row, "kind or log is unknown")
    fault = policy_fault(row)
    if fault:
        _wrong(row, fault)


def policy_fault(row):
    """What is wrong with that of a row which may be changed while the agent runs; "" for nothing.

    The text begins with the name of the column.
    """
    if row[POLICY] not in (EXACT, DEADBAND, TREND):
        return "policy: unknown"
    is_exact, is_trend = row[POLICY] == EXACT, row[POLICY] == TREND
    if row[KIND] != NUMBER and not is_exact:
        return "policy: only numbers have a deadband or a trend"
    if is_exact and row[BOUND] or not is_exact and row[BOUND] <= 0:
        return "bound: exact has none, the other policies have one above 0"
    for name, column in (("zero_band", ZERO_BAND), ("settle_s", SETTLE_S),
                         ("heartbeat_s", HEARTBEAT_S), ("max_hold_s", MAX_HOLD_S)):
        if row[column] < 0:
            return name + ": negative"
    if row[ZERO_BAND] and row[POLICY] != DEADBAND:
        return "zero_band: only a deadband has one"
    if row[HEARTBEAT_S] > HEARTBEAT_S_MAX or 0 < row[HEARTBEAT_S] <= 2 * row[SETTLE_S]:
        return "heartbeat_s: 0, or more than twice settle_s, at most %d" % HEARTBEAT_S_MAX
    if is_trend and not max(1, row[SETTLE_S]) <= row[MAX_HOLD_S] <= HEARTBEAT_S_MAX:
        return "max_hold_s: a trend holds for 1 s or more, not less than settle_s, at most %d" \
            % HEARTBEAT_S_MAX
    return _second_bound_fault(row) if len(row) > MAX + 1 else ""


def _second_bound_fault(row):
    if row[POLICY] != DEADBAND or row[BOUND_ABOVE] < row[BOUND]:
        return "bound_above: only a deadband has one, not below bound"
    if row[THRESHOLD] < 0:
        return "threshold: negative"
    if row[IS_PER_MILLE] not in (0, 1):
        return "is_per_mille: 0 or 1"
    if row[IS_PER_MILLE] and (row[MAX] - row[MIN] > PER_MILLE_RANGE_MAX or bound_of(row, 0) < 1):
        return "is_per_mille: of a range of at most %d, and 1 or more" % PER_MILLE_RANGE_MAX
    return ""


def _wrong(row, text):
    raise CatalogueError("row %s: %s" % (row[:2], text))


def bound_of(row, value):
    """The bound that holds while `value` is the last one reported, scaled as values are."""
    bound = row[BOUND]
    if len(row) > MAX + 1:
        if row[THRESHOLD] and not -row[THRESHOLD] <= value <= row[THRESHOLD]:
            bound = row[BOUND_ABOVE]
        if row[IS_PER_MILLE]:
            bound = (row[MAX] - row[MIN]) * bound // 1_000
    return bound


def is_valid(row, value):
    """Whether a value may be recorded under a row: right type and within its range."""
    if row[KIND] == NUMBER:
        return (isinstance(value, int) and not isinstance(value, bool)
                and row[MIN] <= value <= row[MAX])
    if row[KIND] == TEXT:
        return isinstance(value, str) and row[MIN] <= len(value.encode()) <= row[MAX]
    return isinstance(value, (bytes, bytearray)) and row[MIN] <= len(value) <= row[MAX]
