"""A plausible charger that no one had to buy: one car, three phases, the weather of a garage.

The world is a function of the seed and the second. A source made at any moment is in the same
world as one that ran all along, on every interpreter; a step costs the same wherever it lands.
"""

from tidegate.errors import SourceError
from tidegate.sources import meter_records
from tidegate.sources.charging import (
    CHARGING, CURRENT_MA_MAX, DISCONNECTED, FINISHED, SESSION_S_MAX, SESSION_S_MIN, WARM, Session,
    Warmth,
)
from tidegate.sources.randomness import fold, noise, spread, wander

QUARTER_S = 900
# A jump of the scenario's time beyond this is a new start, not a stretch to catch up.
CATCH_UP_S_MAX = 900

_MAINS_MV = 230_000
_MAINS_SPREAD_MV = 2_000
_SAG_MOHM = 200
_DAY_S = 86_400
_MODE_NOT_CONNECTED, _MODE_NORMAL = 12, 1
_CABLE_NONE, _CABLE_32_A = 0, 3
# id, rest above ambient, rise of a warm part: in tenths of a degree; 0 for a slow part, 1 for a
# fast one
_TEMPERATURES = ((201, 80, 180, 0), (202, 40, 260, 1), (204, 40, 240, 1), (205, 40, 250, 1),
                 (206, 60, 310, 0), (207, 50, 290, 0))
# What a charger says once when it starts.
_STARTING = (
    (811, 1), (815, 1), (908, "2.4.1-sim"), (911, "5.0.7-sim"), (150, "Wifi"), (510, 16_000),
    (511, 6_000), (519, 3), (711, 1), (712, 0), (715, 4), (803, 0), (804, 0),
)
# Channels of noise; a phase or a row of the table above is added.
(_MAINS, _GRID, _METER_U, _SHARE, _METER_I, _IDLE_U, _IDLE_I, _TEMPERATURE, _RCD, _RAIL, _SIGNAL,
 _HUMIDITY, _REQUEST, _REGISTER) = range(0, 14 * 8, 8)


class SimulatedSource:
    """A charger that is on from the first second, and a car from `plug_s` to `unplug_s`.

    Arguments: seed, a whole number of at least 0; plug_s and unplug_s, seconds of the scenario,
    SESSION_S_MIN..SESSION_S_MAX apart; period_s, after which the car comes again, or 0: once.
    Errors: SourceError names the argument.
    """

    def __init__(self, seed, plug_s=60, unplug_s=3_600, period_s=0):
        _check(seed, plug_s, unplug_s, period_s)
        seed = fold(seed)
        self._seed = seed
        self._period_s = period_s
        self._mains_mv = [_MAINS_MV + spread(seed, _MAINS + phase, 0, _MAINS_SPREAD_MV)
                          for phase in range(3)]
        self._share = [985 + (noise(seed, _SHARE + phase, 0) & 15) for phase in range(3)]
        self._session = Session(
            plug_s, unplug_s, 4 + (noise(seed, _REQUEST, 0) & 3), self._power_w)
        self._warmths = (Warmth(600, self._session, period_s),
                         Warmth(240, self._session, period_s))
        self._register_wh = noise(seed, _REGISTER, 0) * 16
        self._second = -1
        self._plugged = -1

    def step(self, elapsed_ms, emit):
        """Give the samples of this moment. Arguments: ms of the scenario, below 2^32 s;
        emit(id, value).

        The first step gives also what a starting charger says. Records of the seconds since the
        step before follow; those before the first step are past.
        """
        second = max(0, elapsed_ms) // 1_000
        before, self._second = self._second, second
        if before < 0:
            for observation_id, value in _STARTING:
                emit(observation_id, value)
        moment = self._moment(second)
        self._emit_state(self._number(second), moment, emit)
        self._emit_meter(second, moment, emit)
        self._emit_slow(second, moment, emit)
        if 0 <= before and second - before <= CATCH_UP_S_MAX:
            for passed in range(before + 1, second + 1):
                self._emit_records(passed, emit)

    def _number(self, second):
        """How many periods are over."""
        return second // self._period_s if self._period_s else 0

    def _moment(self, second):
        """The second within its period."""
        return second % self._period_s if self._period_s else second

    def _emit_state(self, number, moment, emit):
        mode = self._session.mode(moment)
        plugged = number + 1 if mode != DISCONNECTED else 0
        if plugged != self._plugged:
            self._plugged = plugged
            emit(714, _CABLE_32_A if plugged else _CABLE_NONE)
            emit(721, meter_records.session_text(self._seed, number) if plugged else "")
        emit(702, _MODE_NORMAL if plugged else _MODE_NOT_CONNECTED)
        emit(708, CURRENT_MA_MAX if plugged and mode != FINISHED else 0)
        emit(710, mode)

    def _emit_meter(self, second, moment, emit):
        seed = self._seed
        is_closed = self._session.mode(moment) == CHARGING
        current_ma = self._session.current_ma(moment)
        power_mw = 0
        for phase in range(3):
            if is_closed:
                phase_mv = (self._loaded_mv(phase, current_ma)
                            + wander(seed, _GRID + phase, second, 6, 1_200)
                            + spread(seed, _METER_U + phase, second, 120))
                phase_ma = current_ma * self._share[phase] // 1_000
                phase_ma += spread(seed, _METER_I + phase, second, 20) if current_ma else 0
            else:
                phase_mv = (2_125 + wander(seed, _IDLE_U + phase, second, 4, 1_675)
                            + spread(seed, _IDLE_U + phase + 4, second, 200))
                phase_ma = (350 + wander(seed, _IDLE_I + phase, second, 4, 320)
                            + spread(seed, _IDLE_I + phase + 4, second, 30))
            power_mw += (phase_mv // 100) * (phase_ma // 10)
            emit(501 + phase, phase_mv)
            emit(507 + phase, phase_ma)
        emit(513, (power_mw + 500) // 1_000)
        emit(553, self._shown_wh(second, moment))

    def _emit_slow(self, second, moment, emit):
        seed = self._seed
        is_loaded = self._session.current_ma(moment) > 0
        middle_s = abs(second % _DAY_S - _DAY_S // 2)
        ambient = 180 - middle_s * 60 // (_DAY_S // 2)
        slow, fast = self._warmths[0].at(moment), self._warmths[1].at(moment)
        for row in range(len(_TEMPERATURES)):
            observation_id, rest, rise, is_fast = _TEMPERATURES[row]
            warm = fast if is_fast else slow
            emit(observation_id, ambient + rest + rise * warm // WARM
                 + wander(seed, _TEMPERATURE + row, second, 7, 2))
        emit(270, 520 + wander(seed, _HUMIDITY, second, 10, 60))
        emit(515, (24 if is_loaded else 8) + spread(seed, _RCD, second, 4))
        emit(516, 1_208 - (6 if is_loaded else 0) + spread(seed, _RAIL, second, 3))
        emit(809, -64 + wander(seed, _SIGNAL, second, 8, 5) + spread(seed, _SIGNAL + 1, second, 1))
        emit(813, second // 173)
        emit(820, second)
        emit(822, 40_960 + second * 57)

    def _emit_records(self, second, emit):
        session = self._session
        number = self._number(second)
        moment = self._moment(second)
        page = second // QUARTER_S + 2 * number
        page += (moment >= session.charge_s) + (moment >= session.finish_s)
        is_quarter = second > 0 and second % QUARTER_S == 0
        if moment == session.charge_s:
            self._emit_signed(second, page - is_quarter, meter_records.BEGIN, emit)
        elif moment == session.finish_s:
            self._emit_signed(second, page - is_quarter, meter_records.END, emit)
        elif moment == session.unplug_s:
            emit(723, meter_records.completed_session(
                self._seed, number, second - moment, session,
                self._register_wh + number * session.total_wh))
        if is_quarter:
            is_charging = session.mode(moment) == CHARGING
            kind = meter_records.BETWEEN if is_charging else meter_records.IDLE
            self._emit_signed(second, page, kind, emit)

    def _emit_signed(self, second, page, kind, emit):
        session = self._session
        register_wh = (self._register_wh + self._number(second) * session.total_wh
                       + session.energy_wh(self._moment(second)))
        emit(554, meter_records.signed_value(self._seed, page, kind, second, register_wh))

    def _shown_wh(self, second, moment):
        """The session's energy; before the next plug that of the session before."""
        if second > moment and moment < self._session.plug_s:
            return self._session.total_wh
        return self._session.energy_wh(moment)

    def _loaded_mv(self, phase, current_ma):
        return self._mains_mv[phase] - current_ma * _SAG_MOHM // 1_000

    def _power_w(self, current_ma):
        """What is taken at a current: three phases, without noise."""
        power_mw = 0
        for phase in range(3):
            phase_ma = current_ma * self._share[phase] // 1_000
            power_mw += (self._loaded_mv(phase, current_ma) // 100) * (phase_ma // 10)
        return (power_mw + 500) // 1_000


def _check(seed, plug_s, unplug_s, period_s):
    for name, value in (("seed", seed), ("plug_s", plug_s), ("unplug_s", unplug_s),
                        ("period_s", period_s)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise SourceError("simulated source: %s: must be a whole number of at least 0" % name)
    if plug_s < 1:
        raise SourceError("simulated source: plug_s: must be at least 1")
    if not SESSION_S_MIN <= unplug_s - plug_s <= SESSION_S_MAX:
        raise SourceError("simulated source: unplug_s: must be %d..%d s after plug_s"
                          % (SESSION_S_MIN, SESSION_S_MAX))
    if period_s and period_s <= unplug_s:
        raise SourceError("simulated source: period_s: must be 0 or later than unplug_s")
