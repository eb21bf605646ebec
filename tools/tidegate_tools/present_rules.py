"""What chargers of this class do today, as read in public sources: what a sane one would send."""

POWER, ENERGY, STATE = 513, 553, 710
CURRENTS, VOLTAGES = (507, 508, 509), (501, 502, 503)
POWER_W, POWER_W_ABOVE, THRESHOLD_W = 200, 500, 7_000
SETTLE_S, ENERGY_WH, FULL_SET_S, CHARGING = 5, 100, 3_600, 3


class PresentRules:
    """Power and currents when power has changed by over 200 W (500 W above 7 kW) and 5 s have
    passed; energy each 0.1 kWh; voltages when charging begins and ends; a full set each hour.
    """

    def __init__(self):
        self._power = self._energy = self._state = self._power_s = 0

    def sent_count(self, second, values):
        """How many observations a second's values make. Argument: values, {id: value}."""
        is_full = second % FULL_SET_S == 0
        state, power, energy = values[STATE], values[POWER], values[ENERGY]
        count = 0
        if is_full or state != self._state:
            count += 1 + len(VOLTAGES) * (CHARGING in (state, self._state))
            self._state = state
        bound = POWER_W_ABOVE if self._power > THRESHOLD_W else POWER_W
        if is_full or (abs(power - self._power) > bound
                       and second - self._power_s >= SETTLE_S):
            self._power, self._power_s = power, second
            count += 1 + len(CURRENTS)
        if is_full or abs(energy - self._energy) >= ENERGY_WH:
            self._energy = energy
            count += 1
        return len(values) if is_full else count
