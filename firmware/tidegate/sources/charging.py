"""What a charging session does, second by second, as functions of the second alone.

Nothing here runs along: current, energy and warmth of any second are looked up or worked out
directly, so a simulation may start in the middle, or jump, and be in the same world.
"""

DISCONNECTED, REQUESTING, CHARGING, FINISHED = 1, 2, 3, 5

CURRENT_MA_MAX = 16_000
SESSION_S_MIN = 60
# At 11.1 kW this stays below the 1,000 kWh that the catalogue allows for a session.
SESSION_S_MAX = 300_000
WARM = 1 << 14

_NO_LOAD_S = 2
_STEP_MA = 1_000
_TAPER_MA_MIN = 6_000
_TAPER_STEP_S_MAX = 30
_TAPER_SHARE = 40
_FINISHED_S = 20
_WS_PER_WH = 3_600


class Session:
    """One session: request, ramp, steady current, taper, rest until the plug is pulled.

    Arguments: plug_s, unplug_s, SESSION_S_MIN..SESSION_S_MAX apart; request_s, 1..10, from the
    plug to the first current; power_w(current_ma), what the charger takes at a current.
    Members: plug_s, charge_s, finish_s, unplug_s, the seconds at which each stretch begins.
    """

    def __init__(self, plug_s, unplug_s, request_s, power_w):
        self.plug_s = plug_s
        self.charge_s = plug_s + request_s
        self.finish_s = unplug_s - _FINISHED_S
        self.unplug_s = unplug_s
        self._begins_s = []
        self._currents_ma = []
        self._powers_w = []
        self._energies_wh = []
        self._remainders_ws = []
        self._plan(power_w)
        self.total_wh = self.energy_wh(self.finish_s)

    def mode(self, second):
        """Operation mode: DISCONNECTED, REQUESTING, CHARGING or FINISHED."""
        if second < self.plug_s or second >= self.unplug_s:
            return DISCONNECTED
        if second < self.charge_s:
            return REQUESTING
        return CHARGING if second < self.finish_s else FINISHED

    def current_ma(self, second):
        """What the car draws on each phase; 0 when the session does not charge."""
        if second < self.charge_s or second >= self.finish_s:
            return 0
        return self._currents_ma[self._stretch(second)]

    def energy_wh(self, second):
        """Energy of the session up to the beginning of `second`; 0 before it charges."""
        if second <= self.charge_s:
            return 0
        if second > self.finish_s:
            second = self.finish_s
        index = self._stretch(second)
        energy_ws = (second - self._begins_s[index]) * self._powers_w[index]
        return self._energies_wh[index] + (self._remainders_ws[index] + energy_ws) // _WS_PER_WH

    def _stretch(self, second):
        index = len(self._begins_s) - 1
        while self._begins_s[index] > second:
            index -= 1
        return index

    def _plan(self, power_w):
        second = self.charge_s
        self._add(second, 0, power_w)
        second += _NO_LOAD_S
        for current_ma in range(_STEP_MA, CURRENT_MA_MAX + 1, _STEP_MA):
            self._add(second, current_ma, power_w)
            second += 1
        step_s = (self.finish_s - self.charge_s) // _TAPER_SHARE
        step_s = max(1, min(step_s, _TAPER_STEP_S_MAX))
        currents_ma = range(CURRENT_MA_MAX - _STEP_MA, _TAPER_MA_MIN - 1, -_STEP_MA)
        second = self.finish_s - step_s * len(currents_ma)
        for current_ma in currents_ma:
            self._add(second, current_ma, power_w)
            second += step_s

    def _add(self, begin_s, current_ma, power_w):
        energy_wh = energy_ws = 0
        if self._begins_s:
            energy_ws = (begin_s - self._begins_s[-1]) * self._powers_w[-1]
            energy_ws += self._remainders_ws[-1]
            energy_wh = self._energies_wh[-1] + energy_ws // _WS_PER_WH
        self._begins_s.append(begin_s)
        self._currents_ma.append(current_ma)
        self._powers_w.append(power_w(current_ma))
        self._energies_wh.append(energy_wh)
        self._remainders_ws.append(energy_ws % _WS_PER_WH)


class Warmth:
    """How far a part has warmed up from rest (0) to what charging brings it to (WARM).

    A first-order lag: what is missing halves every `half_s`. A session that comes again each
    period finds the part as warm as the one before left it.
    Arguments: half_s, 1 or more; session; period_s, 0 for a session that comes once.
    """

    def __init__(self, half_s, session, period_s):
        self._half_s = half_s
        self._session = session
        self._begin = 0
        if period_s:
            begin = -1
            while begin < self._begin:
                begin = self._begin
                self._begin = self.at(period_s)

    def at(self, second):
        """0..WARM at a second of the period."""
        session = self._session
        if second < session.charge_s:
            return self._begin * remaining(second, self._half_s) // WARM
        missing = WARM - self._begin * remaining(session.charge_s, self._half_s) // WARM
        end_s = min(second, session.finish_s)
        warm = WARM - missing * remaining(end_s - session.charge_s, self._half_s) // WARM
        return warm * remaining(second - end_s, self._half_s) // WARM


def remaining(second, half_s):
    """WARM * 2^-(second / half_s), within 0.5 %.

    Whole halvings are shifts. Between them 2^-f = (6 - 4 f + f^2) / 6, which meets value and
    slope at both ends; f is rounded to 256ths.
    """
    halvings = second // half_s
    if halvings > 14:
        return 0
    part = (second % half_s * 256 + half_s // 2) // half_s
    return (6 * 65_536 - 1_024 * part + part * part) // 24 >> halvings
