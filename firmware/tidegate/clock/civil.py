"""UTC in ms since 1970 as a calendar date and back, without the chip's epoch and without floats.

Source of the day counts: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
civil_from_days and days_from_civil; the Gregorian calendar, any year from 0 on.
"""

_DAY_MS = 86_400_000
_ERA_DAYS = 146_097
# Days from 0000-03-01 to 1970-01-01.
_TO_1970 = 719_468


def iso_text(utc_ms):
    """ISO 8601 text with milliseconds: "2026-01-15T20:41:01.000Z"."""
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % fields(utc_ms)


def fields(utc_ms):
    """(year, month, day, hour, minute, second, ms)."""
    days, ms = divmod(utc_ms, _DAY_MS)
    era, day_of_era = divmod(days + _TO_1970, _ERA_DAYS)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524
                   - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = era * 400 + year_of_era + (1 if month <= 2 else 0)
    seconds, ms = divmod(ms, 1_000)
    return year, month, day, seconds // 3_600, seconds // 60 % 60, seconds % 60, ms


def utc_ms(year, month, day, hour, minute, second, ms):
    """UTC in ms since 1970 of a calendar date."""
    year -= 1 if month <= 2 else 0
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    days = (era * _ERA_DAYS + year_of_era * 365 + year_of_era // 4 - year_of_era // 100
            + day_of_year - _TO_1970)
    return days * _DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000 + ms


def weekday(utc_ms):
    """0 for Monday .. 6 for Sunday."""
    return (utc_ms // _DAY_MS + 3) % 7
