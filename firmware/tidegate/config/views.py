"""A configuration as it is shown, secrets as words. Pure."""

from tidegate.config import schema
from tidegate.config.staged import shown


def show(store, prefix):
    """What is in force: of the keys that begin so, without a prefix of those not as by default."""
    running = store.running
    return {"generation": store.generation, "values": {
        name: shown(name, running[name]) for name in running
        if (name.startswith(prefix) if prefix else not _is_default(name, running[name]))}}


def get(store, name):
    """One key: value, who set it and when, what it means. Result: (what is wrong or "", it)."""
    row = schema.row_of(name)
    if row is None:
        return "%s: %s" % (name, schema.unknown(name)), {}
    who, utc_s, boot, mono_s = store.origin(name)
    result = {"key": name, "value": shown(name, store.running[name]), "by": who,
              "effect": schema.EFFECT_NAMES[row[schema.EFFECT]], "meaning": row[schema.MEANING]}
    if boot:
        result["utc_s"], result["boot"], result["mono_s"] = utc_s or None, boot, mono_s
    if row[schema.UNIT]:
        result["unit"] = row[schema.UNIT]
    return "", result


def export(store, prefix):
    """Keys and values that make another device alike, in the form of its file; of secrets only
    that they are set."""
    values, secrets = {}, {}
    for name in store.running:
        value = store.running[name]
        if name.startswith(prefix) and not _is_default(name, value):
            is_secret = schema.row_of(name)[schema.IS_SECRET]
            (secrets if is_secret else values)[name] = shown(name, value)
    return {"agent": values, "secrets": secrets}


def _is_default(name, value):
    return value == schema.row_of(name)[schema.DEFAULT_VALUE]
