"""The CRC of the spool with a memory, for long runs on CPython: the same result, sooner.

A run reads the same frames in thousands of images; most of its time would go into their CRCs.
"""

from tidegate.spool import crc, frame, reader, sector

_KEPT_COUNT_MAX = 200_000


def remember_crcs():
    """Have every module of the spool call a `crc24` that remembers."""
    plain = crc.crc24
    if getattr(plain, "is_remembering", False):
        return
    kept = {}

    def crc24(start_crc, data, start, end):
        key = (start_crc, bytes(data[start:end]))
        found = kept.get(key)
        if found is None:
            if len(kept) > _KEPT_COUNT_MAX:
                kept.clear()
            found = kept[key] = plain(start_crc, data, start, end)
        return found

    crc24.is_remembering = True
    for module in (crc, frame, reader, sector):
        module.crc24 = crc24
