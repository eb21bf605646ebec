"""The Wi-Fi networks that a technician told the device: a secret of the store, `wifi`.

As JSON, `[[name, password], ..]`, the newest first. SPEC section 10.
"""

import json

from tidegate.limits import SECRET_BYTES_MAX, WIFI_KEPT_COUNT_MAX

_SECRET = "wifi"


def kept(store):
    """[(name, password)], the newest first. Argument: store, a `config.store.Store`."""
    try:
        rows = json.loads(store.secret(_SECRET) or "[]")
        return [(str(name), str(password)) for name, password in rows]
    except (ValueError, TypeError):
        return []


def keep(store, network, used):
    """Keep one more; those before it stay as long as there is room, the oldest goes first.

    Arguments: store; network, (name, password); used, the one that last worked, or None: it stays
    next to the new one, so that no number of wrong passwords pushes it out. Result: "" once it is
    durable, else why not.
    """
    before, rows = kept(store), [network]
    for each in ([used] if used in before else []) + before:
        if each not in rows:
            rows.append(each)
    rows = rows[:WIFI_KEPT_COUNT_MAX]
    while len(json.dumps(rows).encode()) > SECRET_BYTES_MAX and len(rows) > 1:
        rows.pop()
    return store.set_secret(_SECRET, json.dumps(rows))
