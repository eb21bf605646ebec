"""UTC in ms since 1970 as a calendar date, without the chip's epoch and without floats."""


def iso_text(utc_ms):
    """ISO 8601 text with milliseconds: "2026-01-15T20:41:01.000Z".

    Source of the day count: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    civil_from_days; the Gregorian calendar, any year from 0 on.
    """
    days, ms = divmod(utc_ms, 86_400_000)
    days += 719_468
    era, day_of_era = divmod(days, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524
                   - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = era * 400 + year_of_era + (1 if month <= 2 else 0)
    seconds, ms = divmod(ms, 1_000)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (
        year, month, day, seconds // 3_600, seconds // 60 % 60, seconds % 60, ms)
