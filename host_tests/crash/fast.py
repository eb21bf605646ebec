"""The CRC of the spool with a memory, for long runs on CPython: the same result, sooner.

A run reads the same frames in thousands of images; most of its time would go into their CRCs.
"""

from tidegate.spool import crc, frame, reader, sector, spool

_KEPT_COUNT_MAX = 200_000


def remember_crcs():
    """Have every module of the spool call a `crc24` and a `crc24_table` that remember."""
    plain = crc.crc24
    if getattr(plain, "is_remembering", False):
        return
    table = crc.crc24_table()
    kept = {}

    def crc24(table, start_crc, data, start, end):
        key = (start_crc, bytes(data[start:end]))
        found = kept.get(key)
        if found is None:
            if len(kept) > _KEPT_COUNT_MAX:
                kept.clear()
            found = kept[key] = plain(table, start_crc, data, start, end)
        return found

    crc24.is_remembering = True
    for module in (crc, frame, reader, sector, spool):
        if hasattr(module, "crc24"):
            module.crc24 = crc24
        if hasattr(module, "crc24_table"):
            module.crc24_table = lambda: table
