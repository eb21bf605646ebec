"""Signed meter values and completed sessions as a charger would hand them over: opaque bytes.

The form follows OCMF 1.0 (Open Charge Metering Format). The signature has the length and the
shape of ECDSA over secp384r1 and signs nothing: no key is involved.
"""

from tidegate.sources.randomness import noise

BEGIN, END, BETWEEN, IDLE = "B", "E", "C", ""

_CHANNEL_SIGNATURE, _CHANNEL_SESSION = 900, 950
_DAY_S = 86_400
_QUARTER_S = 900
_QUARTER_COUNT_MAX = 96


def date_text(second):
    """Seconds since 1970-01-01 as `1970-01-01T00:00:00`.

    The date is counted in 400-year eras that begin on 1 March of year 0, so that a leap day is
    the last of its year.
    """
    days = second // _DAY_S + 719_468
    era, day_of_era = days // 146_097, days % 146_097
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524
            - day_of_era // 146_096) // 365
    day = day_of_era - (365 * year + year // 4 - year // 100)
    month = (5 * day + 2) // 153
    day += 1 - (153 * month + 2) // 5
    month += 3 if month < 10 else -9
    year += era * 400 + (1 if month <= 2 else 0)
    second %= _DAY_S
    return "%04d-%02d-%02dT%02d:%02d:%02d" % (
        year, month, day, second // 3_600, second // 60 % 60, second % 60)


def session_text(seed, number):
    """The identifier of session `number` of this charger, in the form of a GUID."""
    words = [noise(seed, _CHANNEL_SESSION + word, number) for word in range(8)]
    words[3] = words[3] & 0x0FFF | 0x4000
    words[4] = words[4] & 0x3FFF | 0x8000
    return "%04x%04x-%04x-%04x-%04x-%04x%04x%04x" % tuple(words)


def signed_value(seed, page, kind, second, register_wh):
    """One signed reading of the meter, about 700 bytes.

    Arguments: seed; page, the pagination number, one more for each value of this meter; kind,
    BEGIN, END, BETWEEN or IDLE; second since the scenario began, which stands for the meter's
    clock and is marked as a relative time; register_wh, energy taken in all.
    """
    moment = date_text(second) + ",000+0000 R"
    reading = '{"TM":"%s","TX":"%s","RV":%s,"RI":"%s","RU":"kWh","RT":"AC","EF":"","ST":"G"}'
    readings = (reading % (moment, kind, _kwh_text(register_wh), "1-b:1.8.0"),
                reading % (moment, kind, "0.000", "1-b:2.8.0"))
    payload = (
        '{"FV":"1.0","GI":"SIMULATED CHARGER","GS":"SIM%05d","GV":"1.0","PG":"T%d",'
        '"MV":"SIMULATED METER","MM":"THREE PHASE","MS":"%05d","MF":"1.0","IS":false,"IL":"NONE",'
        '"IF":[],"IT":"NONE","ID":"","CT":"EVSEID","CI":"SIM*E%05d","RD":[%s,%s]}'
        % (seed, page, seed, seed, readings[0], readings[1]))
    signature = "3066023100%s023100%s" % (
        _digits(seed, page, 0), _digits(seed, page, 24))
    return ('OCMF|%s|{"SA":"ECDSA-secp384r1-SHA256","SE":"hex","SM":"application/x-der",'
            '"SD":"%s"}' % (payload, signature)).encode()


def completed_session(seed, number, begin_s, session, register_wh):
    """The record of a session that is over, as JSON bytes of at most 2 KiB.

    Arguments: seed; number of the session; begin_s, second of the scenario at which the period
    of `session` (`charging.Session`) began; register_wh before the session.
    The quarters of an hour hold energy in Wh since the session began to charge; a session of
    over a day gives the first 96.
    """
    quarters = []
    second = session.charge_s + _QUARTER_S
    while second < session.finish_s and len(quarters) < _QUARTER_COUNT_MAX:
        quarters.append("%d" % session.energy_wh(second))
        second += _QUARTER_S
    return (
        '{"Id":"%s","Charger":"SIM%05d","Number":%d,"ClockTrust":"relative",'
        '"Plugged":"%s","Begin":"%s","End":"%s","Unplugged":"%s",'
        '"EnergyKwh":%s,"MeterBeginKwh":%s,"MeterEndKwh":%s,"QuartersWh":[%s]}' % (
            session_text(seed, number), seed, number,
            date_text(begin_s + session.plug_s), date_text(begin_s + session.charge_s),
            date_text(begin_s + session.finish_s), date_text(begin_s + session.unplug_s),
            _kwh_text(session.total_wh), _kwh_text(register_wh),
            _kwh_text(register_wh + session.total_wh), ",".join(quarters))).encode()


def _kwh_text(energy_wh):
    return "%d.%03d" % (energy_wh // 1_000, energy_wh % 1_000)


def _digits(seed, page, channel):
    return "".join(["%04x" % noise(seed, _CHANNEL_SIGNATURE + channel + word, page)
                    for word in range(24)])
